// kernel/core/manual_executor.cpp -- an executor that runs when a test says so, in a fixed order.
//
// What is posted runs first come, first served, and before timers that are due; those run by time,
// and by age where the times are equal. Any thread may post; run() and advance() belong to the
// test.
#include "kernel/core/executor.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace larder {

struct ManualExecutor::State {
    using Due = std::pair<std::uint64_t, std::uint64_t>;  // mono_ns, id

    explicit State(ManualClock& manual) : clock(manual) {}

    // What is to run now; empty: nothing.
    std::function<void()> next() {
        const std::lock_guard lock(mutex);
        std::function<void()> fn;
        if (!posted.empty()) {
            fn = std::move(posted.front());
            posted.pop_front();
        } else if (!timers.empty() && timers.begin()->first.first <= clock.mono_ns()) {
            fn = std::move(timers.begin()->second);
            timers.erase(timers.begin());
        }
        return fn;
    }

    // How far to move for the next timer, at most `limit`.
    Ms step(Ms limit) {
        const std::lock_guard lock(mutex);
        if (timers.empty()) return limit;
        const std::uint64_t now = clock.mono_ns();
        const std::uint64_t at = timers.begin()->first.first;
        const std::uint64_t wait_ms = at > now ? (at - now - 1) / 1'000'000 + 1 : 0;
        return wait_ms < static_cast<std::uint64_t>(limit.count())
                   ? Ms{static_cast<Ms::rep>(wait_ms)}
                   : limit;
    }

    ManualClock& clock;
    std::mutex mutex;
    std::deque<std::function<void()>> posted;  // guarded by mutex, as what follows
    std::map<Due, std::function<void()>> timers;
    std::set<std::uint64_t> dropped;  // timers that stop() kept from running
    std::uint64_t next_id = 1;
    bool stopped = false;
};

ManualExecutor::ManualExecutor(ManualClock& clock) : state_(std::make_unique<State>(clock)) {}

ManualExecutor::~ManualExecutor() { ManualExecutor::stop(); }

bool ManualExecutor::post(bool, std::function<void()> fn) {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopped) return false;
    state_->posted.push_back(std::move(fn));
    return true;
}

std::uint64_t ManualExecutor::after(std::chrono::nanoseconds delay, std::function<void()> fn) {
    const auto wait = static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0));
    const std::lock_guard lock(state_->mutex);
    const std::uint64_t id = state_->next_id++;
    if (state_->stopped)
        state_->dropped.insert(id);
    else
        state_->timers.emplace(State::Due{state_->clock.mono_ns() + wait, id}, std::move(fn));
    return id;
}

bool ManualExecutor::cancel(std::uint64_t id) {
    std::function<void()> cancelled;  // destroyed behind the lock
    const std::lock_guard lock(state_->mutex);
    const auto found = std::find_if(state_->timers.begin(), state_->timers.end(),
                                    [id](const auto& timer) { return timer.first.second == id; });
    if (found == state_->timers.end()) return state_->dropped.erase(id) != 0;
    cancelled = std::move(found->second);
    state_->timers.erase(found);
    return true;
}

void ManualExecutor::stop() {
    decltype(State::posted) posted;
    decltype(State::timers) timers;
    const std::lock_guard lock(state_->mutex);
    state_->stopped = true;
    posted.swap(state_->posted);
    timers.swap(state_->timers);
    // Who made a timer may still cancel it, and is told that it did not run.
    for (const auto& [due, fn] : timers) state_->dropped.insert(due.second);
}

std::size_t ManualExecutor::run() {
    std::size_t ran = 0;
    for (auto fn = state_->next(); fn; fn = state_->next()) {
        fn();
        ++ran;
    }
    return ran;
}

void ManualExecutor::advance(Ms by) {
    run();
    for (Ms left = by; left.count() > 0;) {
        const Ms step = state_->step(left);
        state_->clock.advance(step);
        left -= step;
        run();
    }
}

}  // namespace larder
