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
// A scope that is changed without having a record gets one: a value that is being loaded may still
// be stamped with it, and has to learn of the change.
#pragma once

#include "kernel/core/clock.hpp"
#include "kernel/core/random.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace larder {

using ScopeId = std::uint64_t;

struct Record {
    std::uint64_t drop = 0;           // random, changed by a drop
    std::uint64_t expire = 0;         // random, changed by an expire and by a drop
    std::uint64_t expired_at_ns = 0;  // boot-time of the last expire; 0: never
    std::uint64_t changed = 0;        // epoch of the last change; 0: not since it was made
};

// Safe for any number of threads. A find() that begins after drop() returned sees the new number,
// and an epoch() that begins after it is greater than every epoch() that ended before it began.
class RecordTable {
  public:
    // Holds at least `capacity` records (48 bytes each, and 8 to 16 of index; above 4,096 in
    // sixteen parts with room to spare, which one part outgrows early with a chance of one in
    // 10^8). Beyond that, the ones not used for longest go. `random` outlives the table.
    RecordTable(std::size_t capacity, Random& random);
    ~RecordTable();
    RecordTable(const RecordTable&) = delete;
    RecordTable& operator=(const RecordTable&) = delete;

    // Rises by one with each drop, expire and reset; never 0. [hot]
    std::uint64_t epoch() const noexcept { return epoch_.load(std::memory_order_acquire); }
    // False: no record. Lock-free. [hot]
    bool find(ScopeId scope, Record& out) const noexcept;
    // As find, and makes the record when there is none.
    Record stamp(ScopeId scope);
    void drop(ScopeId scope);  // one new number, one new epoch
    void expire(ScopeId scope, std::uint64_t now_ns);
    // The greatest `changed` of any record that was evicted. Asked after a find() or stamp(), it
    // knows of every earlier record of that scope.
    std::uint64_t forgotten() const noexcept;
    std::size_t size() const noexcept;
    // Forgets everything: every entry of every tier is a miss from now on.
    void reset();

  private:
    struct Table;
    void change(ScopeId scope, bool drop, std::uint64_t now_ns);

    alignas(64) std::atomic<std::uint64_t> epoch_{1};  // alone on its line: every hit reads it
    alignas(64) std::unique_ptr<Table> table_;
};

}  // namespace larder
