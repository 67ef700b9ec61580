// kernel/core/ramp.cpp -- the limit by the time, and the wait for a place.
#include "kernel/core/ramp.hpp"

#include <algorithm>
#include <utility>

namespace larder {

void Ramp::configure(const RampOptions& options) {
    const std::lock_guard lock(mutex_);
    options_ = options;
}

void Ramp::begin() noexcept {
    const std::uint64_t now = std::max<std::uint64_t>(clock_.mono_ns(), 1);
    const std::lock_guard lock(mutex_);
    if (options_.first == 0 || options_.step.count() <= 0) return;
    first_.store(options_.first);
    step_ns_.store(static_cast<std::uint64_t>(options_.step.count()) * 1'000'000);
    began_ns_.store(now);
    began_.fetch_add(1);
}

std::uint64_t Ramp::limit(std::uint64_t now_ns) const noexcept {
    const std::uint64_t began = began_ns_.load();
    if (began == 0) return 0;
    const std::uint64_t steps = (now_ns - std::min(now_ns, began)) / step_ns_.load();
    return steps >= doublings ? 0 : std::uint64_t{first_.load()} << steps;
}

bool Ramp::full(std::uint64_t now_ns) const noexcept {
    const std::uint64_t most = limit(now_ns);
    return most != 0 && running_.load() >= most;
}

void Ramp::enter(std::uint64_t until_ns) {
    if (began_ns_.load(std::memory_order_relaxed) == 0) {
        running_.fetch_add(1);
        return;
    }
    std::uint64_t now = clock_.mono_ns();
    std::unique_lock lock(mutex_);
    bool waited = false;
    while (full(now)) {
        if (now >= until_ns) {
            overran_.fetch_add(1);
            break;
        }
        if (!std::exchange(waited, true)) waited_.fetch_add(1);
        const std::uint64_t step = step_ns_.load(), next = step - (now - std::min(now, began_ns_.load())) % step;
        waiting_.fetch_add(1);
        room_.wait_for(lock, std::chrono::nanoseconds(std::min(next, until_ns - now)));
        waiting_.fetch_sub(1);
        lock.unlock();
        now = clock_.mono_ns();
        lock.lock();
    }
    running_.fetch_add(1);
    // Over: no load looks any closer from now on.
    std::uint64_t began = began_ns_.load();
    if (began != 0 && limit(now) == 0) began_ns_.compare_exchange_strong(began, 0);
}

void Ramp::leave() {
    running_.fetch_sub(1);
    if (waiting_.load() == 0) return;
    const std::lock_guard lock(mutex_);
    room_.notify_one();
}

Ramp::Counts Ramp::counts() const noexcept { return {began_.load(), waited_.load(), overran_.load()}; }

}  // namespace larder
