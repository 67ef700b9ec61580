// kernel/core/breaker.hpp -- a store that fails is left alone for a while.
//
//   closed --- failures in a row reach the limit ---> open --- retry_after ---> half open
//     ^                                                ^                            |
//     +--------------- a probe succeeds ---------------|---- a probe fails ---------+
//
// (Nygard, "Release It!", 2007.) Closed costs one relaxed load. While half open at most `probes` calls
// are let through at once. Time is passed in, so that the hit path reads the clock once.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace larder {

struct BreakerOptions {
    std::uint32_t failures = 5, probes = 1;
    std::chrono::milliseconds retry_after{60'000};
};

// Safe for any number of threads.
class Breaker {
  public:
    enum class State : std::uint8_t { closed = 0, open = 1, half_open = 2 };
    explicit Breaker(const BreakerOptions& options);

    // Whether a call may go through; each yes is answered by exactly one success() or failure(). [hot]
    bool allow(std::uint64_t now_ns) noexcept;
    void success() noexcept;
    // True when this failure opened it.
    bool failure(std::uint64_t now_ns) noexcept;
    State state(std::uint64_t now_ns) const noexcept;
    std::uint64_t opened() const noexcept;  // how often it has opened
    void configure(const BreakerOptions& options) noexcept;

  private:
    std::atomic<std::uint32_t> failures_limit_, probes_limit_;
    std::atomic<std::uint64_t> retry_after_ns_;
    std::atomic<std::uint32_t> failures_{0};
    std::atomic<std::uint64_t> open_until_ns_{0};  // 0: closed
    std::atomic<std::uint32_t> probing_{0};
    std::atomic<std::uint64_t> opened_{0};
};

}  // namespace larder
