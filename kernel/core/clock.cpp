// kernel/core/clock.cpp -- the machine's clocks, read the cheap way.
#include "kernel/core/clock.hpp"

#include <time.h>

namespace larder {
namespace {

std::uint64_t read_ns(clockid_t id) noexcept {
    timespec at{};
    clock_gettime(id, &at);
    return static_cast<std::uint64_t>(at.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(at.tv_nsec);
}

}  // namespace

SystemClock::SystemClock() { resync(); }

std::uint64_t SystemClock::mono_ns() const noexcept {
    return read_ns(CLOCK_MONOTONIC_COARSE) + suspended_ns_.load(std::memory_order_relaxed);
}

std::uint64_t SystemClock::fine_ns() const noexcept {
    return read_ns(CLOCK_MONOTONIC) + suspended_ns_.load(std::memory_order_relaxed);
}

std::uint64_t SystemClock::wall_ms() const noexcept { return read_ns(CLOCK_REALTIME) / 1'000'000; }

// Read in this order the difference is never more than the time in suspend, and only greater ones
// are taken: so mono_ns neither runs ahead of the boot-time clock nor goes back.
void SystemClock::resync() noexcept {
    const std::uint64_t boot = read_ns(CLOCK_BOOTTIME);
    const std::uint64_t mono = read_ns(CLOCK_MONOTONIC);
    const std::uint64_t suspended = boot > mono ? boot - mono : 0;
    std::uint64_t known = suspended_ns_.load(std::memory_order_relaxed);
    while (known < suspended &&
           !suspended_ns_.compare_exchange_weak(known, suspended, std::memory_order_relaxed)) {
    }
}

}  // namespace larder
