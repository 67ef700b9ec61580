// kernel/core/pending.hpp -- operations that a store answers later.
//
// What a plugin gets as done_ctx is not a pointer but a number: slot and generation of a pool. So a
// done that comes late, twice or for nothing is recognised, counted and dropped, never a use of
// freed memory; and an operation that is never answered ends at its deadline with LARDER_E_TIMEOUT.
//
//   take() -> call plugin with done, done_ctx -> PENDING: wait for done or the timer
//                                             -> else: settle() right away, the slot is free again
//
// done may run on another thread before the caller has seen PENDING, or be called although the
// function answered something else: exactly one of done, settle and the timer completes the
// operation. One word for each slot decides which. A value that comes with a done or a settle that
// lost is released.
//
// Slots are never freed, only handed on to the next pool, and a generation never comes back in them
// (2^40 for each slot): so a done may come even after its pool has gone.
#pragma once

#include "kernel/core/executor.hpp"

#include <larder/plugin/abi.h>

#include <cstdint>
#include <functional>
#include <memory>

namespace larder {

// Runs on the thread of whoever completes the operation, with no lock held; value is its to
// release.
using Completion = std::function<void(larder_status, larder_value)>;

// Safe for any number of threads. At most 256 pools at a time in a process.
class PendingPool {
  public:
    static constexpr std::size_t capacity = 65'536;

    // `executor` outlives the pool.
    explicit PendingPool(Executor& executor);
    // What still waits ends with LARDER_E_CANCELLED. REQUIRES: no take() or settle() is under way.
    ~PendingPool();
    PendingPool(const PendingPool&) = delete;
    PendingPool& operator=(const PendingPool&) = delete;
    // done and done_ctx for the plugin; timeout 0: none. nullptr ctx: the pool is full
    // (`capacity`), and `then` never runs.
    struct Ticket {
        larder_done_fn done = nullptr;
        void* ctx = nullptr;
    };
    Ticket take(std::chrono::nanoseconds timeout, Completion then);
    // The plugin's function answered `status` (not PENDING) itself: completes now, unless done came
    // first.
    void settle(void* ctx, larder_status status, larder_value value);
    // done calls for an operation of this pool that had ended, or that never was.
    std::uint64_t unexpected() const noexcept;
    std::size_t waiting() const noexcept;

    struct Pool;

  private:
    Pool* const pool_;  // never freed
};

}  // namespace larder
