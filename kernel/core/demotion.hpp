// kernel/core/demotion.hpp -- what a full memory store lets go, on its way to the next tier.
//
// The store says so in the middle of somebody's put (larder_store_v1.demote), where nothing may wait: the entry is taken
// over, pinned, into a bounded queue, and a few tasks of the executor bring it down. When the queue is full the entry is
// gone, which is what eviction is without all this, and counted.
//
// Meanwhile its key may have been put again, removed or dropped, and what waits here must not come back over that. Drops
// and expires of a scope are in the records, by which the entry is judged once more (cache_demote.cpp). For everything that
// writes or removes one key there are *moves*: a count by hash of the key, raised before and after each such step. An entry
// whose count is not what it was when it was let go is forgotten. Keys that share a count only lose an entry now and then.
//
// Which keys may lie below is remembered by one bit for each hash, never taken back: so a put of a key that was never
// handed down does not ask the tier below to remove it.
#pragma once

#include "kernel/core/executor.hpp"
#include "kernel/core/tier.hpp"

#include <larder/plugin/key_hash.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace larder {

// Safe for any number of threads.
class Demotions {
  public:
    static constexpr std::size_t tasks = 4;  // that bring entries down at the same time

    struct Victim {
        std::uint32_t shelf = 0, moves = 0;
        std::string canonical;
        Pinned value;
    };
    struct Bounds {
        std::size_t entries = 4096;       // that wait
        std::size_t bytes = 16u << 20;    // of their values
    };
    // place: brings one down, on a thread of the executor; lost: one is not, the queue was full.
    Demotions(Executor& executor, const plugin::HashSecret& secret, Bounds bounds, std::function<void(Victim&)> place,
              std::function<void(std::uint32_t shelf)> lost)
        : executor_(executor), secret_(secret), bounds_(bounds), place_(std::move(place)), lost_(std::move(lost)) {}

    // Gives back what is pinned here; nothing is taken any more. What is being brought down ends.
    void close();

    // What a store is told; its ctx is this.
    larder_demotion sink() noexcept { return {sizeof(larder_demotion), 0, this, &Demotions::on_evicted}; }

    // The key is about to be written or removed, or has just been.
    void moved(std::string_view canonical) noexcept { moves_at(canonical).fetch_add(1, std::memory_order_seq_cst); }
    bool is_as_it_was(const Victim& victim) noexcept { return moves_at(victim.canonical).load(std::memory_order_seq_cst) == victim.moves; }

    void goes_below(std::string_view canonical) noexcept {
        const std::uint64_t at = hash(canonical) % bits;
        below_[at / 64].fetch_or(std::uint64_t{1} << at % 64, std::memory_order_seq_cst);
    }
    bool may_be_below(std::string_view canonical) const noexcept {
        const std::uint64_t at = hash(canonical) % bits;
        return (below_[at / 64].load(std::memory_order_seq_cst) >> at % 64 & 1) != 0;
    }
    std::size_t waiting() const {
        const std::lock_guard lock(mutex_);
        return queue_.size();
    }

  private:
    static constexpr std::size_t cells = 1u << 16, bits = 1u << 20;

    static void LARDER_CALL on_evicted(void* ctx, const larder_key* key, larder_value* value) noexcept {
        static_cast<Demotions*>(ctx)->evicted(*key, Pinned(*value));
    }
    void evicted(const larder_key& key, Pinned value) noexcept;
    void work();
    std::uint64_t hash(std::string_view canonical) const noexcept { return plugin::key_hash(secret_, canonical.data(), canonical.size()); }
    std::atomic<std::uint32_t>& moves_at(std::string_view canonical) noexcept { return moves_[hash(canonical) % cells]; }

    Executor& executor_;
    const plugin::HashSecret secret_;
    const Bounds bounds_;
    const std::function<void(Victim&)> place_;
    const std::function<void(std::uint32_t)> lost_;
    std::unique_ptr<std::atomic<std::uint32_t>[]> moves_{new std::atomic<std::uint32_t>[cells]()};
    std::unique_ptr<std::atomic<std::uint64_t>[]> below_{new std::atomic<std::uint64_t>[bits / 64]()};

    mutable std::mutex mutex_;  // guards what follows; taken with a store's locks held
    std::deque<Victim> queue_;
    std::size_t bytes_ = 0, working_ = 0;
    bool closed_ = false;
};

}  // namespace larder
