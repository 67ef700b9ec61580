// kernel/core/clock.hpp -- the time, passed in.
//
// Deadlines of entries in memory are kept on the boot-time clock, which goes on in suspend (Linux
// CLOCK_BOOTTIME); the wall clock is for people and for stored dates. Nothing in the kernel asks
// the system itself, so the whole kernel runs on virtual time in tests.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace larder {

using Ms = std::chrono::milliseconds;

class Clock {
  public:
    virtual ~Clock() = default;
    virtual std::uint64_t mono_ns() const noexcept = 0;  // [any thread] never goes back
    virtual std::uint64_t wall_ms() const noexcept = 0;  // [any thread] since 1970, UTC
    // As mono_ns, but to the nanosecond and dearer: for measuring how long something took, off the hit path.
    virtual std::uint64_t fine_ns() const noexcept { return mono_ns(); }
};

// The machine's. mono_ns costs a few ns: the coarse monotonic clock (4 ms steps on a 250 Hz
// kernel) plus the time spent in suspend, which resync() measures; who owns the clock calls it
// about once a second.
class SystemClock final : public Clock {
  public:
    SystemClock();
    std::uint64_t mono_ns() const noexcept override;
    std::uint64_t wall_ms() const noexcept override;
    std::uint64_t fine_ns() const noexcept override;
    void resync() noexcept;

  private:
    std::atomic<std::uint64_t> suspended_ns_{0};
};

// Moves when told to. Starts at one hour, so that subtracting never wraps.
class ManualClock final : public Clock {
  public:
    std::uint64_t mono_ns() const noexcept override {
        return mono_.load(std::memory_order_acquire);
    }
    std::uint64_t wall_ms() const noexcept override {
        return wall_.load(std::memory_order_acquire);
    }
    void advance(Ms by) noexcept {
        mono_.fetch_add(static_cast<std::uint64_t>(by.count()) * 1'000'000,
                        std::memory_order_acq_rel);
        wall_.fetch_add(static_cast<std::uint64_t>(by.count()), std::memory_order_acq_rel);
    }
    void set_wall_ms(std::uint64_t at) noexcept { wall_.store(at, std::memory_order_release); }

  private:
    std::atomic<std::uint64_t> mono_{3'600'000'000'000};
    std::atomic<std::uint64_t> wall_{1'700'000'000'000};
};

}  // namespace larder
