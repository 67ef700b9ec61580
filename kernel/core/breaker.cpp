// kernel/core/breaker.cpp -- closed without a lock, everything else under one.
#include "kernel/core/breaker.hpp"

#include <algorithm>

namespace larder {
namespace {

BreakerOptions usable(BreakerOptions options) noexcept {
    options.failures = std::max(options.failures, 1U);
    options.probes = std::max(options.probes, 1U);
    options.retry_after = std::max(options.retry_after, std::chrono::milliseconds{0});
    return options;
}

std::uint64_t in_ns(std::chrono::milliseconds span) noexcept {
    return static_cast<std::uint64_t>(span.count()) * 1'000'000;
}

}  // namespace

Breaker::Breaker(const BreakerOptions& options) : options_(usable(options)) {}

bool Breaker::allow_one(std::uint64_t now_ns) noexcept {
    const std::lock_guard lock(mutex_);
    const std::uint64_t until = open_until_ns_.load(std::memory_order_relaxed);
    if (until == 0) return true;
    if (now_ns < until) return false;
    if (probing_ >= options_.probes) {
        if (now_ns < probed_ns_ + in_ns(options_.retry_after)) return false;
        probing_ = 0;  // they were lost
    }
    ++probing_;
    probed_ns_ = now_ns;
    return true;
}

// After a success: a row of failures is over, or a probe came back.
bool Breaker::end_row() noexcept {
    if (open_until_ns_.load(std::memory_order_relaxed) == 0) {
        failures_.store(0, std::memory_order_relaxed);
        return false;
    }
    const std::lock_guard lock(mutex_);
    if (probing_ == 0) return false;
    probing_ = 0;
    failures_.store(0, std::memory_order_relaxed);
    open_until_ns_.store(0, std::memory_order_relaxed);
    return true;
}

bool Breaker::failure(std::uint64_t now_ns) noexcept {
    const std::lock_guard lock(mutex_);
    if (open_until_ns_.load(std::memory_order_relaxed) == 0) {
        if (failures_.fetch_add(1, std::memory_order_relaxed) + 1 < options_.failures) return false;
        open(now_ns);
        return true;
    }
    if (probing_ == 0) return false;
    open(now_ns);
    return true;
}

// REQUIRES: mutex held.
void Breaker::open(std::uint64_t now_ns) noexcept {
    probing_ = 0;
    failures_.store(0, std::memory_order_relaxed);
    opened_.fetch_add(1, std::memory_order_relaxed);
    open_until_ns_.store(std::max<std::uint64_t>(now_ns + in_ns(options_.retry_after), 1),
                         std::memory_order_relaxed);
}

Breaker::State Breaker::state(std::uint64_t now_ns) const noexcept {
    const std::uint64_t until = open_until_ns_.load(std::memory_order_relaxed);
    if (until == 0) return State::closed;
    return now_ns < until ? State::open : State::half_open;
}

std::uint64_t Breaker::opened() const noexcept { return opened_.load(std::memory_order_relaxed); }

void Breaker::configure(const BreakerOptions& options) noexcept {
    const std::lock_guard lock(mutex_);
    options_ = usable(options);
}

}  // namespace larder
