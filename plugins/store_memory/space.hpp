// plugins/store_memory/space.hpp -- the index of one namespace: shards, directories, segments.
//
// The top bits of a key's hash choose the shard, the bits behind them a place in the shard's
// directory, and the lowest 16 are the fingerprint, which chooses the line (segment.hpp). A segment
// that is as long as segments get is split in two, and only then are hashes computed from keys; a
// directory that has no place for both doubles. Nothing else ever moves, so nobody waits for more
// than a segment. (Extendible hashing: R. Fagin et al., ACM TODS 1979.)
//
// A namespace begins with one shard and one line and costs some hundred bytes; when it has grown to
// some dozens of segments, its directory is cut into as many shards as writers can use.
//
// Readers load pointer after pointer inside a read section, and take no lock. Writers hold the
// shard's mutex. What is replaced (segment, directory, set of shards) stays as it was when it was
// replaced until its readers are gone; they see a moment of their own reading time.
#pragma once

#include "contest.hpp"
#include "latch.hpp"
#include "segment.hpp"
#include "thread_card.hpp"

#include <larder/plugin/store.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace larder::store_memory {

// A segment as the directory says it: where and how long, so that a reader goes straight to the
// line.
struct Leaf {
    std::uint32_t ref = 0;
    std::uint32_t lines = 0;
    static Leaf of(std::uint64_t word) noexcept {
        return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
    }
    std::uint64_t word() const noexcept { return std::uint64_t{lines} << 32 | ref; }
};

struct Directory {
    std::uint32_t bits = 0;
    std::atomic<std::uint64_t> at[1];  // 2^bits leaves.

    std::uint64_t size() const noexcept { return std::uint64_t{1} << bits; }
    // null: no memory.
    static Directory* make(std::uint32_t bits) noexcept;
    static void drop(void* directory) noexcept;
};

struct alignas(64) Shard {
    std::atomic<Directory*> directory{nullptr};
    // On a line of its own: readers share the one above.
    alignas(64) Latch mutex;
    bool closed = false;  // The set it belongs to was replaced: look the set up again.
    std::uint32_t segments = 0;
    // What the namespace was told of entries and bytes.
    std::uint64_t told_entries = 0, told_bytes = 0;
    // Changed under the mutex, read by anybody.
    std::atomic<std::uint64_t> entries{0}, bytes{0}, evictions{0}, expirations{0};
    // Of those that ended: never read since they were put. removed: one by one, on somebody's word.
    std::atomic<std::uint64_t> evicted_unread{0}, expired_unread{0}, removed{0}, removed_unread{0};
};

struct ShardSet {
    std::uint32_t bits = 0;
    Shard shards[1];  // 2^bits of them.

    std::uint32_t count() const noexcept { return 1u << bits; }
    Shard& of(std::uint64_t hash) noexcept { return shards[number(hash)]; }
    std::uint32_t number(std::uint64_t hash) const noexcept {
        return static_cast<std::uint32_t>(hash >> 1 >> (63 - bits));
    }
    // The place in that shard's directory.
    std::uint64_t place(std::uint64_t hash, std::uint32_t directory_bits) const noexcept {
        return hash << bits >> 1 >> (63 - directory_bits);
    }
    static ShardSet* make(std::uint32_t bits) noexcept;
    // With its directories, without what they refer to.
    static void drop(void* set) noexcept;
};

// Hits and misses, counted by each thread in a line of its own.
class Tallies {
  public:
    Tallies() noexcept = default;
    ~Tallies();
    Tallies(const Tallies&) = delete;
    Tallies& operator=(const Tallies&) = delete;

    void hit(const ThreadCard& me) noexcept { count(me, 0); }
    void miss(const ThreadCard& me) noexcept { count(me, 1); }
    std::uint64_t hits() const noexcept { return sum(0); }
    std::uint64_t misses() const noexcept { return sum(1); }

  private:
    struct alignas(64) Tally {
        std::atomic<std::uint64_t> of[2]{};
    };
    struct Block {
        std::array<Tally, tallies_in_block> tallies;
    };

    void count(const ThreadCard& me, unsigned what) noexcept {
        Block* block = blocks_[me.tally_block].load(std::memory_order_acquire);
        if (block == nullptr) [[unlikely]] {
            block = make(me.tally_block);
            if (block == nullptr) {
                return;
            }
        }
        std::atomic<std::uint64_t>& at = block->tallies[me.tally].of[what];
        if (me.counts_alone) [[likely]] {
            at.store(at.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        } else {
            at.fetch_add(1, std::memory_order_relaxed);
        }
    }
    Block* make(std::uint32_t number) noexcept;
    std::uint64_t sum(unsigned what) const noexcept;

    std::array<std::atomic<Block*>, tally_blocks> blocks_{};
};

// Counters of namespaces that are gone.
struct Past {
    std::atomic<std::uint64_t> hits{0}, misses{0}, evictions{0}, expirations{0};
    std::atomic<std::uint64_t> evicted_unread{0}, expired_unread{0}, removed{0}, removed_unread{0};
};

struct Space {
    Space(std::uint32_t number, ShardSet* first) noexcept : ns(number), set(first) {}
    // When its last reader is gone: what was counted goes to `past`.
    ~Space();
    static void drop(void* space) noexcept { delete static_cast<Space*>(space); }

    const std::uint32_t ns;
    std::atomic<ShardSet*> set;
    std::atomic<Contest*> contest{nullptr};  // Not null: the order is found out.
    std::atomic<std::uint64_t> most_entries{0}, most_bytes{0};  // 0: no limit of its own.
    std::atomic<Rule> order{Rule::adaptive};                    // Where there is no contest.
    std::atomic<const larder_demotion*> demotion{nullptr};      // Who gets what is evicted; the table's.
    std::unique_ptr<Contest> held_contest;  // Changed by whoever sets limits; lives as long as the space.
    // What its shards told, where it has a limit: right to within a 256th of that, and exact where
    // it has but one shard.
    std::atomic<std::uint64_t> about_entries{0}, about_bytes{0};
    std::uint32_t serial = 0;                                   // Of the scan over all namespaces.
    std::atomic<std::uint32_t> hand{0};                         // Where eviction within it goes on.
    Tallies tallies;
    Past* past = nullptr;           // Set when it leaves the map.
    Space* next_leaving = nullptr;  // The table's.

    Rule rule() const noexcept {
        const Contest* const found = contest.load(std::memory_order_acquire);
        return found != nullptr ? found->best() : order.load(std::memory_order_relaxed);
    }
    // False: there is no memory for a contest, and nothing changed. One thread at a time.
    bool evict_by(Rule rule, bool finds_out) noexcept {
        if (finds_out && held_contest == nullptr && (held_contest = Contest::make()) == nullptr) {
            return false;
        }
        order.store(rule, std::memory_order_relaxed);
        contest.store(finds_out ? held_contest.get() : nullptr, std::memory_order_release);
        return true;
    }
    bool is_as_made() const noexcept {
        return most_entries.load(std::memory_order_relaxed) == 0 && most_bytes.load(std::memory_order_relaxed) == 0 &&
               order.load(std::memory_order_relaxed) == Rule::adaptive &&
               contest.load(std::memory_order_relaxed) == nullptr &&
               demotion.load(std::memory_order_relaxed) == nullptr;
    }
    std::uint64_t entries() const noexcept { return sum(&Shard::entries); }
    std::uint64_t bytes() const noexcept { return sum(&Shard::bytes); }
    bool over_limit() const noexcept {
        const std::uint64_t e = most_entries.load(std::memory_order_relaxed);
        const std::uint64_t b = most_bytes.load(std::memory_order_relaxed);
        const unsigned slack = set.load(std::memory_order_acquire)->bits == 0 ? 63 : slack_bits;
        return (e != 0 && about_entries.load(std::memory_order_relaxed) > e - (e >> slack)) ||
               (b != 0 && about_bytes.load(std::memory_order_relaxed) > b - (b >> slack));
    }
    // A shard tells what it has, where there is a limit; one of several only when it differs by more
    // than its part of a 256th of that. REQUIRES: its mutex is held.
    static constexpr unsigned slack_bits = 8;
    void tell(Shard& shard, std::uint32_t shards) noexcept {
        const auto one = [shards](std::atomic<std::uint64_t>& about, std::uint64_t most,
                                  std::uint64_t now, std::uint64_t& told) {
            const std::uint64_t off = now > told ? now - told : told - now;
            if (most != 0 && off * (shards - 1) >= (shards == 1 ? 0 : (most >> slack_bits) + 1)) {
                about.fetch_add(now - told, std::memory_order_relaxed);
                told = now;
            }
        };
        one(about_entries, most_entries.load(std::memory_order_relaxed),
            shard.entries.load(std::memory_order_relaxed), shard.told_entries);
        one(about_bytes, most_bytes.load(std::memory_order_relaxed),
            shard.bytes.load(std::memory_order_relaxed), shard.told_bytes);
    }
    // Of all its shards. Exact at rest. Inside a read section, or when nobody else is there.
    std::uint64_t sum(std::atomic<std::uint64_t> Shard::*what) const noexcept {
        ShardSet* now = set.load(std::memory_order_acquire);
        std::uint64_t sum = 0;
        for (std::uint32_t i = 0; i < now->count(); ++i) {
            sum += (now->shards[i].*what).load(std::memory_order_relaxed);
        }
        return sum;
    }
};

}  // namespace larder::store_memory
