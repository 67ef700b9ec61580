// kernel/core/executor.hpp -- threads and timers, passed in.
//
// Work that may block has threads of its own, so that a store that hangs never stops the timers
// that end waiting for it. A timer that is due runs among the work that does not block, past the
// bound of its queue: a deadline is not lost because there is much to do.
#pragma once

#include "kernel/core/clock.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace larder {

class Executor {
  public:
    virtual ~Executor() = default;
    // Runs fn soon, once, on another thread (never inside post). may_block: it may wait for I/O;
    // such work has threads of its own. fn must not throw. False: the queue is full (bounded) or
    // stop() has begun. [any thread]
    virtual bool post(bool may_block, std::function<void()> fn) = 0;
    // Runs fn after `delay`, once, as post(false, fn) would. Returns an id for cancel(), never 0.
    // After stop() it never runs. [any thread]
    virtual std::uint64_t after(std::chrono::nanoseconds delay, std::function<void()> fn) = 0;
    // True: fn will not run. False: it ran or is running. [any thread]
    virtual bool cancel(std::uint64_t id) = 0;
    // No fn runs after it returned; what is queued is dropped. Idempotent, and part of destruction.
    // REQUIRES: not called by an fn. [control]
    virtual void stop() = 0;
};

struct ExecutorOptions {
    unsigned workers = 2;        // for work that does not block
    unsigned blocking = 4;       // for work that may
    std::size_t queue = 65'536;  // at most so many waiting in each
};

// Its threads block all signals: those are the host's.
std::unique_ptr<Executor> make_thread_executor(const ExecutorOptions& options);

// For tests: nothing runs until told, and timers follow the manual clock.
class ManualExecutor final : public Executor {
  public:
    explicit ManualExecutor(ManualClock& clock);
    ~ManualExecutor() override;
    bool post(bool may_block, std::function<void()> fn) override;
    std::uint64_t after(std::chrono::nanoseconds delay, std::function<void()> fn) override;
    bool cancel(std::uint64_t id) override;
    void stop() override;
    // Runs what is posted and due, and what that posts in turn; returns how many ran.
    std::size_t run();
    // Moves the clock in steps from timer to timer, running each at its time (of a clock that moves
    // in whole milliseconds: at the first one not before it).
    void advance(Ms by);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace larder
