// plugins/store_memory/s3_fifo.hpp -- which entry goes when memory is full.
//
// S3-FIFO (J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi: "FIFO queues are all you need for cache
// eviction", SOSP 2023). New entries enter a small queue, a tenth of the bytes; those used more
// than once by the time they reach its end move to the main queue, the others leave and are
// remembered as ghosts. An entry that comes while its ghost is remembered enters the main queue at
// once. The main queue gives an entry one more round per use, three at most. So a scan passes
// through a tenth of the memory, and a hit writes at most one byte, none once it is hot.
//
// Each namespace has its own two queues in each shard, so that a namespace over its own limit
// evicts its own. Eviction for the whole table compares the namespaces' oldest entries: together
// they are one queue.
#pragma once

#include "entry.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace larder::store_memory {

inline constexpr std::uint8_t most_uses = 3;
inline constexpr std::uint8_t uses_to_stay = 2;

inline void note_use(Entry& entry) noexcept {
    if (entry.uses < most_uses) {
        ++entry.uses;
    }
}

// First in, first out. Does not own its entries.
class Fifo {
  public:
    Entry* oldest() const noexcept { return oldest_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    bool holds_only(const Entry* entry) const noexcept {
        return oldest_ == entry && newest_ == entry;
    }

    void push(Entry& entry, std::uint32_t order) noexcept {
        entry.order = order;
        entry.newer = nullptr;
        entry.older = newest_;
        (newest_ != nullptr ? newest_->newer : oldest_) = &entry;
        newest_ = &entry;
        bytes_ += entry.cost();
    }
    void remove(Entry& entry) noexcept {
        (entry.newer != nullptr ? entry.newer->older : newest_) = entry.older;
        (entry.older != nullptr ? entry.older->newer : oldest_) = entry.newer;
        bytes_ -= entry.cost();
    }
    // `by` stands where `entry` stood.
    void replace(Entry& entry, Entry& by) noexcept {
        by.order = entry.order;
        by.newer = entry.newer;
        by.older = entry.older;
        (by.newer != nullptr ? by.newer->older : newest_) = &by;
        (by.older != nullptr ? by.older->newer : oldest_) = &by;
        bytes_ += by.cost() - entry.cost();
    }

  private:
    Entry* newest_ = nullptr;
    Entry* oldest_ = nullptr;
    std::uint64_t bytes_ = 0;
};

struct Counts {
    std::uint64_t hits = 0, misses = 0, evictions = 0, expirations = 0;

    Counts& operator+=(const Counts& o) noexcept {
        hits += o.hits;
        misses += o.misses;
        evictions += o.evictions;
        expirations += o.expirations;
        return *this;
    }
};

// A namespace in the whole table. Lives as long as the table: numbers are never reused.
struct Namespace {
    std::atomic<std::uint64_t> entries{0}, bytes{0};
    std::atomic<std::uint64_t> most_entries{0}, most_bytes{0};  // 0: no limit.

    bool over_limit() const noexcept {
        const std::uint64_t e = most_entries.load(std::memory_order_relaxed);
        const std::uint64_t b = most_bytes.load(std::memory_order_relaxed);
        return (e != 0 && entries.load(std::memory_order_relaxed) > e) ||
               (b != 0 && bytes.load(std::memory_order_relaxed) > b);
    }
};

// A namespace's entries in one shard. Guarded by the shard's lock.
struct Share {
    Share(std::uint32_t number, Namespace& whole_table) noexcept : ns(number), whole(whole_table) {}
    const std::uint32_t ns;
    Namespace& whole;
    Fifo small, main;
    std::uint64_t entries = 0;
    Counts counts;

    Fifo& queue(bool of_main) noexcept { return of_main ? main : small; }
    Fifo& queue_of(const Entry& entry) noexcept { return queue(entry.in_main); }
    std::uint64_t bytes() const noexcept { return small.bytes() + main.bytes(); }
};

// Hashes of entries that left the small queue unused, as many as there are entries: sets of four
// 32-bit fingerprints, each with its number in the order of leaving, which tells when it is
// forgotten.
class Ghosts {
  public:
    // Whether this hash left lately; forgets it.
    bool take(std::uint64_t hash) noexcept {
        if (!sets_) {
            return false;
        }
        for (Ghost& ghost : set_of(hash)) {
            if (ghost.print == print_of(hash) && remembered(ghost)) {
                ghost = Ghost{};
                return true;
            }
        }
        return false;
    }
    void add(std::uint64_t hash) noexcept {
        if (!sets_) {
            return;
        }
        Ghost* oldest = nullptr;
        for (Ghost& ghost : set_of(hash)) {
            if (oldest == nullptr || clock_ - ghost.left_at > clock_ - oldest->left_at) {
                oldest = &ghost;
            }
        }
        *oldest = Ghost{print_of(hash), clock_++};
    }
    // Makes room for as many ghosts as there are entries, rounded down to a power of two; then
    // those there are, are forgotten. Shrinks only by more than half. No memory: grows another
    // time.
    void fit(std::size_t entries) noexcept {
        const std::size_t fitting = entries < fewest ? 0 : std::bit_floor(entries);
        if (fitting == 0) {
            sets_.reset();
            capacity_ = 0;
        } else if (capacity_ < fitting || capacity_ > fitting * 2) {
            std::unique_ptr<Set[], Free> fresh(
                static_cast<Set*>(std::calloc(fitting / ways, sizeof(Set))));
            if (fresh || capacity_ > fitting) {
                capacity_ = fresh ? fitting : 0;
                sets_ = std::move(fresh);
                clock_ = static_cast<std::uint32_t>(capacity_);
            }
        }
    }

  private:
    static constexpr std::size_t ways = 4, fewest = 64;
    struct Ghost {
        std::uint32_t print = 0, left_at = 0;
    };
    using Set = std::array<Ghost, ways>;
    struct Free {
        void operator()(Set* sets) const noexcept { std::free(sets); }
    };

    static std::uint32_t print_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash >> 32) | 1;  // 0 is nobody's.
    }
    Set& set_of(std::uint64_t hash) noexcept {
        return sets_[((hash * 0x9e3779b97f4a7c15u) >> 32) & (capacity_ / ways - 1)];
    }
    bool remembered(const Ghost& ghost) const noexcept {
        return clock_ - ghost.left_at <= capacity_;
    }

    std::unique_ptr<Set[], Free> sets_;
    std::size_t capacity_ = 0;
    std::uint32_t clock_ = 0;
};

}  // namespace larder::store_memory
