// tests/sim/client.hpp -- who uses a node: reads, loads, writes and says what is stale, at random.
//
// The application is a good one: it commits to the origin, then invalidates; what it sets it has loaded after
// a miss (fenced). So whatever old value turns up is the cache's doing.
#pragma once

#include "kernel/core/cache.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/network.hpp"

#include <functional>
#include <string>
#include <vector>

namespace larder::sim {

struct Place {
    Scheduler& scheduler;
    History& history;
    Network* network;  // null: no shared store
    Cache& cache;
    const NodeClock& clock;
    std::size_t node;
    std::uint64_t policy;
    std::function<void()> reload;
};

class Client {
  public:
    Client(Place place, std::uint64_t number) : place_(std::move(place)), number_(number) {}
    void work(std::uint64_t operations);
    // Through get_or_load; true: its loader ran. `calm`: the loader is quick and never fails.
    bool read(std::uint64_t key, bool calm);
    // Without a loader.
    void look(std::uint64_t key);

  private:
    void look_and_set(std::uint64_t key);
    void look_at_many();
    std::uint64_t any_key();
    void change();
    Loaded load(const History::Read& read, bool calm, bool impatient);
    larder_call call(std::uint64_t deadline_ns) const;
    std::uint32_t ns(std::uint64_t key) const;
    std::uint64_t troubles() const;
    std::uint64_t now() const { return place_.scheduler.now_ns(); }
    Rng& rng() { return place_.scheduler.rng(); }
    History::Read begin_read(std::uint64_t key);
    void end_read(const History::Read& read, larder_cache_get& item);

    Place place_;
    const std::uint64_t number_;
};

}  // namespace larder::sim
