// kernel/core/ramp.hpp -- after an outage loads begin a few at a time, and twice as many every step.
//
// A store that is back may be empty, and everybody's entries with it: then all that was read from it is loaded at
// once, from an origin that has just been through the same outage. So when a store's breaker closes, or another
// server has taken over, at most `first` loads run at once in this process, a step later twice as many, and so on
// for ten steps; then there is no limit any more. Who may be served as stale on error is served so meanwhile, who may not
// waits for a place until its deadline, and loads then all the same: a cache may be slow, it may not refuse.
//
// (Nygard, "Release It!", 2007, calls the herd a dogpile; TCP's slow start, Jacobson, SIGCOMM 1988, is the ramp.)
// The price when there is none is two additions for each load, and nothing for a hit.
#pragma once

#include "kernel/core/clock.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace larder {

struct RampOptions {
    std::uint32_t first = 4;  // 0: no ramp
    std::chrono::milliseconds step{100};
};

// Safe for any number of threads.
class Ramp {
  public:
    Ramp(const RampOptions& options, Clock& clock) : clock_(clock), options_(options) {}
    // Limits of ramps that begin from now on.
    void configure(const RampOptions& options);
    // An outage is over. One that comes during a ramp begins it anew.
    void begin() noexcept;
    // How many loads may run at once; 0: any number.
    std::uint64_t limit(std::uint64_t now_ns) const noexcept;
    // Whether a load would have to wait now.
    bool full(std::uint64_t now_ns) const noexcept;

    // A load's place, which it waits for, at most until `until_ns`.
    class Place {
      public:
        Place(Ramp& ramp, std::uint64_t until_ns) : ramp_(ramp) { ramp_.enter(until_ns); }
        ~Place() { ramp_.leave(); }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

      private:
        Ramp& ramp_;
    };

    struct Counts {
        std::uint64_t began, waited, overran;  // overran: loads that had waited in vain
    };
    Counts counts() const noexcept;

  private:
    static constexpr unsigned doublings = 10;
    void enter(std::uint64_t until_ns);
    void leave();

    Clock& clock_;
    std::atomic<std::uint64_t> began_ns_{0};  // 0: none
    std::atomic<std::uint64_t> running_{0}, waiting_{0};
    std::atomic<std::uint64_t> began_{0}, waited_{0}, overran_{0};
    std::atomic<std::uint32_t> first_{0};     // of the present one
    std::atomic<std::uint64_t> step_ns_{1};
    mutable std::mutex mutex_;
    std::condition_variable room_;
    RampOptions options_;  // guarded by mutex_
};

}  // namespace larder
