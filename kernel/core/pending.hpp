// kernel/core/pending.hpp -- operations that a store answers later.
//
// What a plugin gets as done_ctx is not a pointer but a number: slot and generation of a pool. So a
// done that comes late, twice or for nothing is recognised, counted and dropped, never a use of freed
// memory; and an operation that is never answered ends at its deadline with LARDER_E_TIMEOUT.
//
//   take() -> call plugin with done, done_ctx -> PENDING: wait for done or the timer
//                                             -> else: settle() right away, the slot is free again
//
// done may run on another thread before the caller has seen PENDING, or be called although the
// function answered something else: exactly one of done, settle and the timer completes the operation.
#pragma once

#include "kernel/core/executor.hpp"

#include <larder/plugin/abi.h>

#include <cstdint>
#include <functional>
#include <memory>

namespace larder {

using Completion = std::function<void(larder_status, larder_value)>;  // value is the callee's to release

// Safe for any number of threads. Outlives every plugin that was given one of its numbers.
class PendingPool {
  public:
    explicit PendingPool(Executor& executor);
    ~PendingPool();
    // done and done_ctx for the plugin; timeout 0: none. nullptr ctx: the pool is full (65,536).
    struct Ticket {
        larder_done_fn done = nullptr;
        void* ctx = nullptr;
    };
    Ticket take(std::chrono::nanoseconds timeout, Completion then);
    // The plugin's function answered `status` (not PENDING) itself: completes now, unless done came first.
    void settle(void* ctx, larder_status status, larder_value value);
    std::uint64_t unexpected() const noexcept;  // done calls that matched nothing
    std::size_t waiting() const noexcept;

  private:
    struct Pool;
    std::unique_ptr<Pool> pool_;
};

}  // namespace larder
