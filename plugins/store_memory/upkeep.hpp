// plugins/store_memory/upkeep.hpp -- tends the table in the background, a bounded step at a time.
//
// One timer of the kernel's executor, set again after each step: soon while there is more to do,
// else a tenth of a second later. A kernel without an executor goes without: entries are still not
// served past their deadline, and their memory comes back when they are asked for or evicted.
#pragma once

#include "table.hpp"

#include <larder/plugin/host.hpp>

#include <condition_variable>
#include <mutex>

namespace larder::store_memory {

class Upkeep {
  public:
    Upkeep(plugin::Host host, Table& table) noexcept : host_(host), table_(table) {}
    ~Upkeep() { stop(); }

    void start();
    // Afterwards no step runs and none is waiting. Idempotent.
    void stop() noexcept;

  private:
    static constexpr int steps_at_once = 4;
    static constexpr std::uint64_t soon_ns = 1'000'000, later_ns = 100'000'000;

    void step();
    // REQUIRES: mutex_ is held.
    void set_timer(std::uint64_t delay_ns);

    plugin::Host host_;
    Table& table_;
    std::mutex mutex_;  // Guards what follows.
    std::condition_variable idle_;
    bool on_ = false;
    bool stepping_ = false;
    plugin::Timer timer_;
};

}  // namespace larder::store_memory
