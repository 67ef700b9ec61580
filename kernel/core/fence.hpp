// kernel/core/fence.hpp -- what a miss was judged under, for those who load and put by themselves.
//
// An application that GETs, loads and SETs has no flight that could hold the load fence for it. So the
// cache remembers for 30 s, per key, the epoch of the records and the position of the ban log at the
// miss; a fenced set of that key is judged by them, and a value loaded before an invalidation is
// acknowledged but not kept. A client's own remove forgets its own fence: after DEL, SET must hold.
//
// Bounded: a direct-mapped table by key hash; a newer miss takes the place of an older one of another
// key, whose set is then stamped as if it had not been fenced.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace larder {

struct FencePoint {
    std::uint64_t epoch = 0;       // of the records
    std::uint64_t ban_number = 0;
};

// Safe for any number of threads.
class FenceBook {
  public:
    explicit FenceBook(std::size_t slots);
    // The earliest point counts while it lives: two misses, one load each, the first may be the older.
    void remember(std::uint64_t key_hash, std::uint64_t client, const FencePoint& point, std::uint64_t now_ns);
    // Takes it out.
    std::optional<FencePoint> take(std::uint64_t key_hash, std::uint64_t now_ns);
    void forget(std::uint64_t key_hash, std::uint64_t client);
    void forget_client(std::uint64_t client);

  private:
    struct Slot {
        std::uint64_t key = 0, client = 0, until_ns = 0;
        FencePoint point;
    };
    static constexpr std::size_t stripes = 64;
    Slot& slot(std::uint64_t key_hash) { return slots_[key_hash & mask_]; }
    std::mutex& lock(std::uint64_t key_hash) { return locks_[(key_hash & mask_) % stripes]; }

    std::uint64_t mask_;
    std::vector<Slot> slots_;  // each guarded by its stripe
    std::vector<std::mutex> locks_{stripes};
};

}  // namespace larder
