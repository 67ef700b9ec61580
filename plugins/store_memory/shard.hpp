// plugins/store_memory/shard.hpp -- one part of the table: its entries found, queued for eviction
// and timed.
//
// Entries are in one of two indexes. The first trusts the kernel's hash of the key. A chain there
// that has grown to `longest_chain` takes no more: what would come behind goes to the second index,
// the crowd, by a hash of our own with a secret of our own. So keys that share a hash, by accident
// or by somebody's work, cost a bounded chain and one more probe, and nothing at all while there
// are none.
//
// Every function is called with `mutex` held. Entries that leave are handed to the caller's
// Graveyard and freed after the lock.
#pragma once

#include "entry.hpp"
#include "expiry_wheel.hpp"
#include "linear_index.hpp"
#include "s3_fifo.hpp"
#include "siphash.hpp"

#include <larder/plugin/services.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace larder::store_memory {

class alignas(128) Shard {
  public:
    enum class Cause { taken, evicted, lapsed };

    // `shift`: how many low bits of a hash chose this shard, and so say nothing in it.
    void set_up(unsigned shift, const SipSecret& secret, Ledger& ledger) noexcept;

    // The entry of this key, lapsed or not; null: none.
    Entry* find(const larder_key& key) const noexcept;

    // A namespace's part here, made when it is missing: std::bad_alloc.
    Share& share_of(std::uint32_t ns, Namespace& whole);
    Share* find_share(std::uint32_t ns) const noexcept;
    // Drops the record of a namespace that has no entries here, and tells what it counted.
    Counts drop_share(std::uint32_t ns) noexcept;
    const std::vector<std::unique_ptr<Share>>& shares() const noexcept { return shares_; }

    // REQUIRES: no entry of this key is here. False: no memory, nothing changed.
    bool insert(Entry& entry, Share& share, bool cherished, std::uint64_t now_ns) noexcept;
    // `by` takes the place of `entry` in every respect but its own value, version and deadline.
    void replace(Entry& entry, Entry& by, std::uint64_t now_ns, Graveyard& dead) noexcept;
    void retire(Entry& entry, Cause cause, Graveyard& dead) noexcept;
    // After entry.deadline_ns changed.
    void deadline_moved(Entry& entry, std::uint64_t before_ns, std::uint64_t now_ns) noexcept {
        wheel_.moved(entry, before_ns, now_ns);
    }

    // Evicts one entry, of namespace `within` only if that is not null, and never `keep`. False:
    // there is none.
    bool evict_one(Share* within, const Entry* keep, std::uint64_t now_ns,
                   Graveyard& dead) noexcept;
    // Retires lapsed entries, looking at no more than `most`. True: there are more.
    bool expire(std::uint64_t now_ns, std::size_t most, Graveyard& dead) noexcept;
    // Fits the memory for ghosts to the entries there are.
    void fit_ghosts() noexcept { ghosts_.fit(size()); }

    std::size_t size() const noexcept { return index_.size() + crowd_.size(); }
    std::size_t crowd_size() const noexcept { return crowd_.size(); }
    // Of the entries in the table; readable without the lock.
    std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
    const LinearIndex& index(bool of_crowd) const noexcept { return of_crowd ? crowd_ : index_; }

    std::mutex mutex;

  private:
    static constexpr unsigned longest_chain = 16;

    std::uint64_t index_hash(std::uint64_t hash) const noexcept { return hash >> shift_; }
    std::uint64_t crowd_hash(std::uint32_t ns, std::string_view key) const noexcept {
        return siphash({secret_.k0 ^ ns, secret_.k1}, key);
    }
    bool chain_is_full(std::uint64_t hash) const noexcept;
    Share* share_with_oldest(bool in_main, const Entry* keep) noexcept;
    void queue_again(Entry& entry, bool in_main) noexcept;
    void count_bytes(Share& share, std::uint64_t more, std::uint64_t less) noexcept;

    unsigned shift_ = 0;
    SipSecret secret_;
    Ledger* ledger_ = nullptr;  // Set once.
    LinearIndex index_{[](const void* me, const Entry& e) noexcept {
                           return static_cast<const Shard*>(me)->index_hash(e.hash);
                       },
                       this};
    LinearIndex crowd_{[](const void* me, const Entry& e) noexcept {
                           return static_cast<const Shard*>(me)->crowd_hash(e.ns, e.key());
                       },
                       this};
    std::atomic<std::uint64_t> bytes_{0};
    std::uint64_t small_bytes_ = 0;
    std::uint32_t order_ = 0;
    std::size_t first_looked_at_ = 0;  // Where share_with_oldest begins, when there are many.
    std::vector<std::unique_ptr<Share>> shares_;
    std::unordered_map<std::uint32_t, Share*> share_by_ns_;
    Ghosts ghosts_;
    ExpiryWheel wheel_;
};

}  // namespace larder::store_memory
