// kernel/core/flight.hpp -- a load in progress, and who waits for it.
//
// One loader per key. Others join the flight, unless something made the key stale after the flight
// began: then what it will bring may be older than the invalidation, and the arrival starts a flight
// of its own that takes the place of the old one. The old one still answers those who joined it.
#pragma once

#include "kernel/core/cache.hpp"
#include "kernel/core/fence.hpp"

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace larder {

struct Flight {
    FencePoint began;  // set once, before anybody can see the flight
    std::mutex mutex;
    std::condition_variable landed;
    bool done = false;  // guarded by mutex, like result
    std::shared_ptr<const Loaded> result;
    // Above a shared store, to be read when it has landed: nobody had invalidated it anywhere when it was kept, and
    // what this node had been told by then (Authority::asking), before the store was asked to keep it. Who came
    // after it was told more may have to see something newer.
    bool sure = false;
    std::uint64_t told = 0;

    void land(std::shared_ptr<const Loaded> loaded, bool nobody_invalidated = true, std::uint64_t told_until = 0);
    // Null: `wait` is over and it is still in the air.
    std::shared_ptr<const Loaded> wait(std::chrono::nanoseconds wait);
};

// Safe for any number of threads.
class FlightTable {
  public:
    struct Boarding {
        std::shared_ptr<Flight> flight;
        bool leads = false;  // the caller loads and must land() and leave()
    };
    // Joins the flight of `key` if there is one and `may_join` agrees, else starts one at `now`.
    template <class MayJoin>
    Boarding board(std::uint32_t ns, std::string_view key, const FencePoint& now, MayJoin&& may_join) {
        Shard& shard = shard_of(ns, key);
        const std::lock_guard lock(shard.mutex);
        auto& slot = shard.flights[name(ns, key)];
        if (slot != nullptr && may_join(slot->began)) return {slot, false};
        slot = std::make_shared<Flight>();
        slot->began = now;
        return {slot, true};
    }
    // Whether a flight of `key` is in the air.
    bool flying(std::uint32_t ns, std::string_view key);
    void leave(std::uint32_t ns, std::string_view key, const std::shared_ptr<Flight>& flight);

  private:
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string, std::shared_ptr<Flight>> flights;  // guarded by mutex
    };
    static std::string name(std::uint32_t ns, std::string_view key);
    Shard& shard_of(std::uint32_t ns, std::string_view key);
    std::array<Shard, 64> shards_;
};

}  // namespace larder
