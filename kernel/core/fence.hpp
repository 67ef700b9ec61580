// kernel/core/fence.hpp -- what a miss was judged under, for those who load and put by themselves.
//
// An application that GETs, loads and SETs has no flight that could hold the load fence for it. So the
// cache remembers for 30 s, per key, the epoch of the records and the position of the ban log at the
// miss; a fenced set of that key is judged by them, and a value loaded before an invalidation is
// acknowledged but not kept. A client's own remove forgets its own fence: after DEL, SET must hold.
//
// Several clients may miss one key, each at its own point, and each loads what it loads: so a slot keeps a
// point for each client. A set uses the point of its own client; where a pool of connections has sent the
// GET through another one, it uses the oldest that is there, which is never too lenient.
//
// Bounded: a table of slots by key hash with max_waiting places each, for whatever keys and clients fall
// there. Where all are taken a newer miss takes the place of the oldest of another key, whose set is then
// stamped as if it had not been fenced; of one key alone the newest are forgotten and use the oldest.
#pragma once

#include "kernel/core/zeroed.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace larder {

struct FencePoint {
    std::uint64_t epoch = 0;       // of the records
    std::uint64_t ban_number = 0;
    std::uint64_t lease = 0;       // of a shared store, under which its stamp is kept (authority.hpp); 0: none
    std::uint64_t at_ns = 0;       // when it was taken; the book writes it where it is 0
    // An entry of a newer version than this node's stands below memory: what is loaded stays above it.
    bool newer = false;
};

// Safe for any number of threads.
class FenceBook {
  public:
    explicit FenceBook(std::size_t slots);
    // A client's earlier point of this key stays while it lives: it may still load for that one.
    void remember(std::uint64_t key_hash, std::uint64_t client, const FencePoint& point, std::uint64_t now_ns);
    // Takes out what a set by `client` is judged by.
    std::optional<FencePoint> take(std::uint64_t key_hash, std::uint64_t client, std::uint64_t now_ns);
    // Whether take() might find one. [hot]
    bool waits(std::uint64_t key_hash) const { return used_[key_hash & mask_].load(std::memory_order_acquire); }
    void forget(std::uint64_t key_hash, std::uint64_t client);
    void forget_client(std::uint64_t client);

  private:
    static constexpr std::size_t max_waiting = 4;
    struct Waiting {
        std::uint64_t key = 0, client = 0, until_ns = 0;  // until_ns 0: empty
        FencePoint point;
    };
    struct Slot {  // of all keys that fall here
        std::array<Waiting, max_waiting> waiting;
    };
    static constexpr std::size_t stripes = 64;
    Slot& slot(std::uint64_t key_hash) { return slots_[key_hash & mask_]; }
    std::mutex& lock(std::uint64_t key_hash) { return locks_[(key_hash & mask_) % stripes]; }

    std::uint64_t mask_;
    ZeroedArray<Slot> slots_;  // each guarded by its stripe
    ZeroedArray<std::atomic<bool>> used_;  // false: nobody waits in that slot
    std::vector<std::mutex> locks_{stripes};
};

}  // namespace larder
