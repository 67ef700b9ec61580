// plugins/store_memory/table.hpp -- bytes under keys in this process's memory: bounded, timed, safe
// for many threads.
//
// A namespace is an index of its own (space.hpp, index.hpp) over entries in one arena (entry.hpp,
// arena.hpp). Readers take no lock and write nothing that others read, but for a rank that rises
// once in a while; writers lock one shard of one namespace, for a lookup and a few words, never
// while values are copied or freed. Nothing is allocated on a hit.
//
// A get or visit that begins after a put of that key ended sees what it put, or something later.
// What a reader shows it found at some moment between its begin and its end.
//
// Capacity is one number for all namespaces; limits are numbers of each. Who puts something in
// takes as much out (table_limits.cpp), after it has given its lock back: so bytes may pass the
// capacity for the length of a put, by the entries being put. Values that are pinned count until
// they are given back, also after they were overwritten, evicted or removed. A cleared namespace is
// out at once, and its memory comes back from the background, before anything has to be evicted.
//
// put copies, although larder_put offers to hand a buffer over: one block holds key, head and
// value, which is what makes a hit two cache misses, and what a buffer really occupies is unknown.
// touch with a patch makes a changed copy that takes the entry's place, so a pinned value never
// changes, but for the head's words, which are changed one by one.
#pragma once

#include "arena.hpp"
#include "deadline.hpp"
#include "index.hpp"
#include "latch.hpp"
#include "limbo.hpp"
#include "space_map.hpp"
#include "striped_count.hpp"
#include "watch.hpp"

#include <larder/plugin/services.h>
#include <larder/plugin/store.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>

namespace larder::store_memory {

class Table {
  public:
    struct Options {
        std::uint64_t capacity_bytes = std::uint64_t{256} << 20;
        // Of a namespace that has grown, for its writers: a power of two at most 1024; 0: by the
        // machine and the capacity.
        std::uint32_t shards = 0;
        plugin::HashSecret secret;
        std::uint64_t most_reserved = 0;  // Of addresses; 0: by the capacity.
        PageHeap::Map map = nullptr;      // nullptr: the system's mmap.
    };

    // `host` outlives the table; only its monotonic clock is used.
    Table(const larder_host* host, const Options& options);
    // REQUIRES: no value is pinned any more.
    ~Table();
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    // The functions of store.h. All but limits and evict from any thread. `now_ns`: the host's clock, where
    // the caller has just read it; 0: it is read if it is needed.
    larder_status get(const larder_key& key, std::uint32_t flags, larder_value* out,
                      std::uint64_t now_ns = 0) noexcept;
    using See = void(LARDER_CALL*)(void* ctx, larder_bytes value) LARDER_NOEXCEPT;
    larder_status visit(const larder_key& key, std::uint32_t flags, See see, void* ctx,
                        std::uint64_t now_ns = 0) noexcept;
    void get_many(std::span<larder_get_item> items, std::uint32_t flags,
                  std::uint64_t now_ns = 0) noexcept;
    larder_status put(const larder_key& key, const larder_put& put) noexcept;
    larder_status remove(const larder_key& key, std::uint64_t if_version) noexcept;
    larder_status touch(const larder_key& key, const larder_touch& touch) noexcept;
    void clear(std::uint32_t ns) noexcept;
    void scan(larder_scan& scan) noexcept;
    larder_status limits(std::uint32_t ns, std::uint64_t entries, std::uint64_t bytes) noexcept;
    larder_status evict(std::uint32_t ns, std::uint32_t order) noexcept;
    larder_status demote(std::uint32_t ns, const larder_demotion* to);
    larder_status stats(std::uint32_t ns, larder_store_stats& out) noexcept;

    // One bounded step of what nobody waits for: memory of lapsed entries and of cleared
    // namespaces, a capacity that was lowered, spans that stay half empty. Holds no lock for more
    // than some ten microseconds. True: call again soon. One thread at a time.
    bool tend() noexcept;

    std::uint64_t capacity() const noexcept { return capacity_.load(std::memory_order_relaxed); }
    // Up to most_capacity(), which is what the reserved addresses allow.
    void set_capacity(std::uint64_t bytes) noexcept;
    std::uint64_t most_capacity() const noexcept { return arena_.reach() / 8 * 7; }
    // Of entries and of what is pinned. Exact at rest, after tend().
    std::uint64_t bytes() const noexcept { return live_.sum() + limbo_.pinned_bytes(); }
    // What an entry counts for: its block, and its part of the index.
    std::uint64_t cost_of(std::size_t key_size, std::size_t value_size,
                          bool headed = false) const noexcept;
    std::uint32_t shards() const noexcept { return 1u << shard_bits_; }
    const Arena& arena() const noexcept { return arena_; }

  private:
    static constexpr std::uint32_t every_namespace = UINT32_MAX;
    static constexpr std::uint64_t index_share = 12;
    enum class Cause : std::uint8_t { taken, evicted, lapsed };

    // Where a walk over everything goes on: a position in the map, and a hash in that namespace.
    struct Walk {
        std::uint32_t space = 0;
        std::uint64_t hash = 0;
    };
    // What a thread writes with: spans and a limbo of its own (by the same number), counts, and its
    // part of eviction. So two writers meet where they want the same shard, and nowhere else. A
    // thread keeps to one lane; it takes another when somebody is in it.
    struct alignas(64) Lane {
        explicit Lane(Eviction& all) noexcept : watch(all) {}
        Latch latch;  // Before a shard's.
        std::uint32_t number = 0;
        Walk hand;  // Where its evictions go on.
        Watch watch;
    };
    class InLane;
    // ---- time
    std::uint64_t now_ms() const noexcept { return host_->mono_ns(host_) / 1'000'000; }
    // In `ttl_ms`; 0 for 0.
    std::uint64_t deadline_in(std::uint64_t ttl_ms) const noexcept;
    bool lapsed(const Entry& entry, std::uint64_t now_ns = 0) const noexcept {
        const std::uint64_t deadline = entry.deadline_ms();
        return deadline != 0 && deadline <= (now_ns != 0 ? now_ns / 1'000'000 : now_ms());
    }

    // ---- reading
    // Inside a read section. `lapsed_too`: set when an entry is there and its time is over.
    Hit look_up(const larder_key& key, std::uint64_t hash, std::uint32_t flags,
                std::uint64_t now_ns, ThreadCard& me, bool& lapsed_too) noexcept;
    static larder_status show(const Entry& entry, ThreadCard& me, std::uint32_t flags,
                              larder_value* out) noexcept;
    // Takes a lapsed entry out. Not inside a read section.
    void reclaim(const larder_key& key, std::uint64_t hash) noexcept;

    bool show_group(const larder_scan& scan, std::uint32_t ns, Segment& in, std::uint32_t line,
                    std::uint64_t now, bool lapsed_too, std::uint64_t& visited) const noexcept;

    // ---- writing, inside a read section
    std::uint64_t cost_of(const Entry& entry) const noexcept {
        const std::size_t value = entry.value_size();
        return arena_.entry_bytes(Entry::before_head(entry.key_size(), value),
                                  Entry::after(value)) +
               index_share;
    }
    // The shard of a key, held; the namespace made if `make`. Not held: there is no such namespace,
    // or no memory for it.
    Held hold(std::uint32_t ns, std::uint64_t hash, bool make) noexcept;
    // A block, of those that became free in this lane or of the arena; 0: no memory.
    std::uint32_t take_block(std::uint32_t lane, std::size_t before, std::size_t after) noexcept;
    larder_status link(Lane& lane, Held& held, const larder_key& key, std::uint64_t hash,
                       const larder_put& put, std::uint32_t fresh) noexcept;
    // Puts `fresh` into the slot of `old`.
    void replace(Held& held, const Found& old, std::uint32_t fresh) noexcept;
    void unlink(Held& held, const Found& found, Cause cause) noexcept;
    void count(Held& held, std::uint64_t more, std::uint64_t less) noexcept;

    // ---- limits
    bool over_capacity() const noexcept {
        return live_.about() + live_.slack() +
                   static_cast<std::int64_t>(limbo_.pinned_bytes() +
                                             leaving_bytes_.load(std::memory_order_relaxed)) >
               static_cast<std::int64_t>(capacity());
    }
    // After a put of `cost` bytes, not inside a read section. `keep` is what was put.
    void make_room(Lane& lane, std::uint32_t ns, std::uint32_t keep, std::uint64_t cost) noexcept;
    // Evicts one entry, of `within` only if that is not null, but not `keep`; the bytes, 0: there
    // is none.
    std::uint64_t evict_one(Lane& lane, Space* within, std::uint32_t keep) noexcept;
    std::uint64_t evict_in(Lane& lane, Held& held, std::uint32_t keep, std::size_t most) noexcept;
    // Shows an entry, or those of the next line, to the lane's watch.
    static Watch::Look look_at(Watch& watch, const Arena& arena, Line& line, unsigned slot,
                               std::uint32_t ref, Rule rule) noexcept;
    void run_contest(Space& space) noexcept;
    void look_over(Lane& lane, Held& held) noexcept;
    std::uint16_t first_rank(Lane& lane, const Held& held, std::uint64_t hash,
                             std::uint32_t priority) noexcept;
    // Evicts from the home of a hash that has too many beside it.
    // An entry that is about to be evicted goes to whoever is told of this namespace's, pinned.
    void hand_on(const Space& space, const Entry& entry) noexcept;
    bool evict_beside(Held& held, std::uint64_t hash) noexcept;

    // ---- the background
    // Holds what the walk points at and moves it on; not held: nothing is there now. `ended`: the
    // walk has come round.
    Held next_of(Walk& walk, bool& ended) noexcept;
    bool dismantle(std::size_t most) noexcept;
    bool sweep() noexcept;
    bool evacuate() noexcept;
    std::size_t evacuate_segment(Held& held) noexcept;

    const larder_host* host_;
    Past past_;  // Outlives what may still count into it.
    std::uint32_t shard_bits_;
    Arena arena_;
    Limbo limbo_;
    SpaceMap spaces_;
    Index index_;
    std::atomic<std::uint64_t> capacity_;
    StripedCount live_;
    Tallies strays_;  // Reads of namespaces that are not there.
    std::atomic<std::uint64_t> errors_{0};
    StripedCount entries_;
    Eviction eviction_;
    std::mutex demotions_mutex_;  // Guards the list, not what is in it.
    std::deque<larder_demotion> demotions_;  // One for each ctx there ever was: spaces point at them.
    std::deque<Lane> lanes_;  // As many as the arena has stripes.
    std::uint32_t lane() const noexcept { return my_lane(arena_.stripes() - 1); }

    std::mutex leaving_mutex_;  // Guards the list of cleared namespaces.
    Space* leaving_ = nullptr;
    std::mutex dismantling_;           // Held by the one who takes the first of them apart.
    std::uint64_t dismantled_to_ = 0;  // How far, as a hash,
    std::uint32_t dismantled_line_ = 0;  // and within a segment.
    std::atomic<std::uint64_t> leaving_bytes_{0};

    // The background's own.
    struct Sweep {
        Walk walk;
        std::uint32_t line = 0;
        std::uint64_t moment = 0, done = 0;
        bool on = false;
    } sweep_;
    struct Evacuation {
        Walk walk;
        bool on = false;
        std::uint64_t not_before = 0;
    } evacuation_;
};

// A lane, held.
class Table::InLane {
  public:
    explicit InLane(Table& table) noexcept : lane_(&table.lanes_[table.lane()]) {
        if (!lane_->latch.try_lock()) [[unlikely]] {
            take_another(table);
        }
    }
    ~InLane() { lane_->latch.unlock(); }
    InLane(const InLane&) = delete;
    InLane& operator=(const InLane&) = delete;
    Lane& operator*() const noexcept { return *lane_; }
    Lane* operator->() const noexcept { return lane_; }

  private:
    void take_another(Table& table) noexcept;
    Lane* lane_;
};

}  // namespace larder::store_memory
