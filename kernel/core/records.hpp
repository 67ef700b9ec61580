// kernel/core/records.hpp -- what makes entries stale without anybody looking for them.
//
// Everything an entry can be dropped by is a scope: the root, each namespace of its chain, each
// tag, each implicit tag, a key others depend on. A scope has a record of two random numbers, and
// an entry carries a digest of the numbers its scopes had when it was made (stamp.hpp). Changing
// one number makes every entry of the scope stale, in every tier, however many there are.
//
// A number is compared for equality only, so there is no order to get wrong. A record that is
// missing matches nothing, and the next stamp makes a new one: eviction and a full table lose
// entries, never correctness.
//
// The epoch rises with every change of any record. An entry that was verified at the present epoch
// is valid without a look at its records; that is what a hit costs. A record also keeps the epoch
// of its last change, which is the load fence: a value whose load began at epoch E may be kept only
// if none of its scopes changed after E (of records that were evicted, the latest change is
// remembered).
//
// Readers take no lock: a bucket is read under a version word (seqlock with ordered atomics; Boehm,
// "Can seqlocks get along with programming language memory models?", MSPC 2012). Only a reader that
// a writer has disturbed many times in a row, as one that was suspended half-way does, waits for
// it.
//
// What has to go is found by a clock hand (Corbato, "A paging experiment with the Multics system",
// 1968): a record that was looked at since the hand last passed stays. Looking at it writes one
// word, and only when the hand has passed meanwhile.
//
// Entries in this process's memory carry no digest, only the epoch they were last verified at: they
// are valid as long as no scope of theirs changed after it. Which scopes did is answered without a
// look at the records by two summaries that never say too little: an array of epochs that each
// change is written into by the hash of its scope (a counting filter with times, so to say; what
// falls together only costs a look at the records), and cells that follow single scopes exactly.
//
// A scope that is changed without having a record gets one: a value that is being loaded may still
// be stamped with it, and has to learn of the change.
#pragma once

#include "kernel/core/clock.hpp"
#include "kernel/core/random.hpp"
#include "kernel/core/zeroed.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace larder {

using ScopeId = std::uint64_t;

struct Record {
    std::uint64_t drop = 0;           // random, changed by a drop
    std::uint64_t expire = 0;         // random, changed by an expire and by a drop
    std::uint64_t expired_at_ns = 0;  // boot-time of the last expire; 0: never
    std::uint64_t changed = 0;        // epoch of the last change; 0: not since it was made
    std::uint64_t dropped = 0;        // epoch of the last drop; 0: not since it was made
};

// Safe for any number of threads. A find() that begins after drop() returned sees the new number,
// and an epoch() that begins after it is greater than every epoch() that ended before it began.
class RecordTable {
  public:
    // Holds at least `capacity` records (56 bytes each, and 8 to 16 of index; above 4,096 in
    // sixteen parts with room to spare, which one part outgrows early with a chance of one in
    // 10^8). Beyond that, the ones not used for longest go. `random` outlives the table.
    RecordTable(std::size_t capacity, Random& random);
    ~RecordTable();
    RecordTable(const RecordTable&) = delete;
    RecordTable& operator=(const RecordTable&) = delete;

    // Rises by one with each drop, expire and reset; never 0. [hot]
    std::uint64_t epoch() const noexcept { return epoch_.load(std::memory_order_acquire); }
    // An epoch that no change of this scope is later than. [hot]
    std::uint64_t last_change(ScopeId scope) const noexcept {
        return recent_[recent_cell(scope)].load(std::memory_order_acquire);
    }
    // From now on each change of `scope`, and each reset(), raises *cell to its epoch, before it
    // returns and before epoch() rises. `watches` replaces all there were; the cells outlive the
    // table or the next call. A cell starts at the present epoch.
    using Cell = std::atomic<std::uint64_t>;
    void watch(std::vector<std::pair<ScopeId, Cell*>> watches);
    // False: no record. Lock-free. [hot]
    bool find(ScopeId scope, Record& out) const noexcept;
    // As find, and makes the record when there is none.
    Record stamp(ScopeId scope);
    // One new number, one new epoch, which is returned.
    std::uint64_t drop(ScopeId scope);
    std::uint64_t expire(ScopeId scope, std::uint64_t now_ns);
    // Nothing changed, but what was verified before is not taken for verified any more: whoever judges by this
    // scope looks at records again. One new epoch, which is returned.
    std::uint64_t stir(ScopeId scope);
    // The greatest `changed` of any record that was evicted. Asked after a find() or stamp(), it
    // knows of every earlier record of that scope.
    std::uint64_t forgotten() const noexcept;
    std::size_t size() const noexcept;
    // Forgets everything: every entry of every tier is a miss from now on.
    void reset();

  private:
    struct Table;
    std::uint64_t change(ScopeId scope, bool drop, std::uint64_t now_ns);
    void announce(ScopeId scope, std::uint64_t next_epoch);

    // 256 KiB: of a thousand changes, one unchanged scope in thirty falls on one.
    static constexpr std::size_t recent_bits = 15;
    // Scope ids are hashes; folding brings their upper bits in.
    static std::size_t recent_cell(ScopeId scope) noexcept {
        return (scope ^ (scope >> 32)) & ((std::size_t{1} << recent_bits) - 1);
    }

    alignas(64) std::atomic<std::uint64_t> epoch_{1};  // alone on its line: every hit reads it
    alignas(64) std::unique_ptr<Table> table_;
    ZeroedArray<Cell> recent_;  // by recent_cell
};

}  // namespace larder
