// plugins/store_memory/table.hpp -- bytes under keys in this process's memory: bounded, timed, safe
// for many threads.
//
// The table is cut into shards by the low bits of the key's hash, each behind a mutex that is held
// for a lookup or a few pointer changes, never while memory is copied or freed. Nothing is
// allocated on a hit. Capacity is one number for all shards, and a namespace's limits are one
// number for all shards: who puts something in takes as much out, from its own shard while that one
// has its share, else from the others, one lock at a time. So bytes may pass the capacity for the
// length of a put, by the entries being put.
//
// Bytes are counted when they are free, not when they can no longer be found: values that are still
// pinned count although they were overwritten, evicted or removed.
//
// put copies, although larder_put offers to hand a buffer over: one allocation holds head, key and
// value, which is what makes a hit one cache line, and what a buffer really occupies is unknown.
//
// touch with a patch changes the bytes in place under the lock, where no reader can be; if somebody
// has the value pinned, it changes a copy, which takes the entry's place. So a pinned value never
// changes, but for the 8-byte word that the kernel itself stores into it (LARDER_STORE_CAP_MARK).
#pragma once

#include "shard.hpp"

#include <larder/plugin/services.h>
#include <larder/plugin/store.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace larder::store_memory {

class Table {
  public:
    struct Options {
        std::uint64_t capacity_bytes = std::uint64_t{256} << 20;
        std::uint32_t shards =
            0;             // A power of two at most 1024; 0: by the machine and the capacity.
        SipSecret secret;  // For keys that share a hash.
        Entry::Allocate allocate = &std::malloc;
    };

    // `host` outlives the table; only its monotonic clock is used.
    Table(const larder_host* host, const Options& options);
    // REQUIRES: no value is pinned any more.
    ~Table();
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    // The functions of store.h. All but limits from any thread.
    larder_status get(const larder_key& key, std::uint32_t flags, larder_value* out) noexcept;
    using See = void(LARDER_CALL*)(void* ctx, larder_bytes value) LARDER_NOEXCEPT;
    larder_status visit(const larder_key& key, std::uint32_t flags, See see, void* ctx) noexcept;
    larder_status put(const larder_key& key, const larder_put& put) noexcept;
    larder_status remove(const larder_key& key, std::uint64_t if_version) noexcept;
    larder_status touch(const larder_key& key, const larder_touch& touch) noexcept;
    void clear(std::uint32_t ns) noexcept;
    void scan(larder_scan& scan) noexcept;
    larder_status limits(std::uint32_t ns, std::uint64_t entries, std::uint64_t bytes) noexcept;
    larder_status stats(std::uint32_t ns, larder_store_stats& out) noexcept;

    // One bounded step of what nobody waits for: gives back the memory of lapsed entries and keeps
    // to a capacity that was lowered. Holds no lock for more than some ten microseconds. True: call
    // again soon.
    bool tend() noexcept;

    std::uint64_t capacity() const noexcept { return capacity_.load(std::memory_order_relaxed); }
    void set_capacity(std::uint64_t bytes) noexcept {
        capacity_.store(bytes, std::memory_order_relaxed);
    }
    std::uint64_t bytes() const noexcept { return ledger_.bytes.load(std::memory_order_relaxed); }
    std::uint32_t shards() const noexcept { return mask_ + 1; }

  private:
    static constexpr std::uint32_t every_namespace = UINT32_MAX;
    // How many entries a lock is held for, at most: some ten microseconds of cache misses.
    static constexpr std::uint64_t batch = 32;

    // What has to shrink: the whole table, or one namespace. `leaving` is what is already on its
    // way out.
    struct Excess {
        const Table& table;
        const Namespace* within;
        std::uint32_t ns;
        bool operator()(std::uint64_t leaving = 0) const noexcept {
            return within != nullptr ? within->over_limit()
                                     : table.bytes() > table.capacity() + leaving;
        }
    };
    // How much somebody may evict: ends when so many entries and so many bytes are gone.
    struct Quota {
        std::uint64_t entries, bytes;
        bool spent() const noexcept { return entries == 0 && bytes == 0; }
        void use(std::uint64_t freed) noexcept {
            entries -= entries != 0;
            bytes -= freed < bytes ? freed : bytes;
        }
    };

    Shard& shard_of(const larder_key& key) const noexcept { return shards_[key.hash & mask_]; }
    std::uint64_t now_ns() const noexcept { return host_->mono_ns(host_); }
    std::uint64_t deadline_in(std::uint64_t ttl_ms) const noexcept;
    bool lapsed(const Entry& entry) const noexcept {
        return entry.deadline_ns != 0 && entry.lapsed(now_ns());
    }
    Namespace& namespace_of(std::uint32_t ns);
    // The entry of a key that is to be read, counted as hit or miss; null: none.
    Entry* look_up(Shard& shard, const larder_key& key, std::uint32_t flags,
                   Graveyard& dead) noexcept;
    larder_status link(Shard& shard, const larder_key& key, const larder_put& put, Entry& fresh,
                       Namespace*& whole, Graveyard& dead);
    void shed(std::size_t home, const Entry* keep, const Excess& excess, Quota quota) noexcept;
    bool shed_from(Shard& shard, const Entry* keep, const Excess& excess, std::uint64_t least_bytes,
                   Quota& quota) noexcept;

    const larder_host* host_;
    const Entry::Allocate allocate_;
    std::uint32_t mask_ = 0;
    unsigned shard_bits_ = 0;
    std::unique_ptr<Shard[]> shards_;
    std::atomic<std::uint64_t> capacity_;
    std::atomic<std::uint64_t> errors_{0};
    Ledger ledger_;

    struct Known {
        Namespace whole;
        Counts past;  // Of shares that were dropped.
    };
    std::mutex known_mutex_;  // Taken with a shard's mutex held, never the other way round.
    std::unordered_map<std::uint32_t, std::unique_ptr<Known>> known_;
};

}  // namespace larder::store_memory
