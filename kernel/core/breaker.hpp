// kernel/core/breaker.hpp -- a store that fails is left alone for a while.
//
//   closed --- failures in a row reach the limit ---> open --- retry_after ---> half open
//     ^                                                ^                            |
//     +--------------- a probe succeeds ---------------|---- a probe fails ---------+
//
// (Nygard, "Release It!", 2007.) Closed costs one relaxed load. While half open at most `probes`
// calls are let through at once. Time is passed in, so that the hit path reads the clock once.
//
// An answer does not say which call it belongs to. One that comes while the breaker is open and
// nothing probes is of a call from before, and says nothing new. A probe whose answer never comes
// is given up after retry_after: the breaker does not stay half open for ever.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace larder {

struct BreakerOptions {
    std::uint32_t failures = 5, probes = 1;  // 0 is taken as 1
    std::chrono::milliseconds retry_after{60'000};
};

// Safe for any number of threads.
class Breaker {
  public:
    enum class State : std::uint8_t { closed = 0, open = 1, half_open = 2 };
    explicit Breaker(const BreakerOptions& options);

    // Whether a call may go through; each yes is answered by exactly one success() or failure().
    // [hot]
    bool allow(std::uint64_t now_ns) noexcept {
        return open_until_ns_.load(std::memory_order_relaxed) == 0 || allow_one(now_ns);
    }
    // True when this success closed it.
    bool success() noexcept {
        if (open_until_ns_.load(std::memory_order_relaxed) != 0 || failures_.load(std::memory_order_relaxed) != 0) [[unlikely]]
            return end_row();
        return false;
    }
    // True when this failure opened it.
    bool failure(std::uint64_t now_ns) noexcept;
    State state(std::uint64_t now_ns) const noexcept;
    std::uint64_t opened() const noexcept;  // how often it has opened
    // New limits for what comes; an open breaker stays open until the time it has.
    void configure(const BreakerOptions& options) noexcept;

  private:
    bool allow_one(std::uint64_t now_ns) noexcept;
    bool end_row() noexcept;
    void open(std::uint64_t now_ns) noexcept;

    // Changed under the mutex; read without it where the answer may be of a moment ago.
    std::atomic<std::uint64_t> open_until_ns_{0};  // 0: closed
    std::atomic<std::uint32_t> failures_{0};       // in a row, while closed
    std::atomic<std::uint64_t> opened_{0};
    std::mutex mutex_;
    BreakerOptions options_;       // guarded by mutex_, as what follows
    std::uint32_t probing_ = 0;    // calls let through since it is half open
    std::uint64_t probed_ns_ = 0;  // when the last of them was
};

}  // namespace larder
