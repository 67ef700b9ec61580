// tests/sim/node_parts.hpp -- what the core is passed in a simulated node: its clock, its chance, its threads.
#pragma once

#include "kernel/core/clock.hpp"
#include "kernel/core/executor.hpp"
#include "kernel/core/random.hpp"
#include "tests/sim/scheduler.hpp"

#include <functional>
#include <string>
#include <utility>

namespace larder::sim {

// Each node was started at another time, and its wall clock is wrong by up to a quarter of an hour.
class NodeClock final : public Clock {
  public:
    NodeClock(Scheduler& scheduler, Rng& rng)
        : scheduler_(scheduler),
          offset_ns_(rng.below(86'400) * 1'000'000'000),
          wall_ms_(1'700'000'000'000 + rng.below(1'800'000) - 900'000) {}
    // A task may be held up where it reads the time.
    std::uint64_t mono_ns() const noexcept override {
        scheduler_.pause();
        return local(scheduler_.now_ns());
    }
    std::uint64_t wall_ms() const noexcept override { return wall_ms_ + scheduler_.now_ns() / 1'000'000; }
    std::uint64_t local(std::uint64_t world_ns) const noexcept { return world_ns + offset_ns_; }
    std::uint64_t world(std::uint64_t local_ns) const noexcept { return local_ns - offset_ns_; }

  private:
    Scheduler& scheduler_;
    const std::uint64_t offset_ns_, wall_ms_;
};

// What is posted becomes a task.
class NodeExecutor final : public Executor {
  public:
    NodeExecutor(Scheduler& scheduler, std::string name) : scheduler_(scheduler), name_(std::move(name)) {}
    ~NodeExecutor() override { stopped_ = true; }
    bool post(bool, std::function<void()> fn) override {
        if (stopped_) return false;
        start(std::move(fn));
        return true;
    }
    std::uint64_t after(std::chrono::nanoseconds delay, std::function<void()> fn) override {
        const auto wait = static_cast<std::uint64_t>(delay.count() > 0 ? delay.count() : 0);
        return scheduler_.after(wait, [this, fn = std::move(fn)]() mutable {
            if (!stopped_) start(std::move(fn));
        });
    }
    bool cancel(std::uint64_t id) override { return scheduler_.cancel(id); }
    void stop() override { stopped_ = true; }
    std::size_t at_work() const { return at_work_; }

  private:
    void start(std::function<void()> fn) {
        ++at_work_;
        scheduler_.spawn(name_, scheduler_.rng().below(100'000), [this, fn = std::move(fn)] {
            fn();
            --at_work_;
        });
    }

    Scheduler& scheduler_;
    const std::string name_;
    bool stopped_ = false;
    std::size_t at_work_ = 0;
};

}  // namespace larder::sim
