// kernel/core/absent_budget.hpp -- negative entries may fill a tenth of a tier and no more.
//
// Somebody who asks for a million keys that do not exist must not push out what does. What negative
// entries take is estimated from when they were put and how long they live, in two windows as long as
// the longest of those lives: so it is never too low, and up to twice too high.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace larder {

// Safe for any number of threads.
class AbsentBudget {
  public:
    // Whether one more, of `bytes` and living `life_ns`, fits into a tenth of `capacity`; counts it if so.
    // capacity 0: not bounded.
    bool take(std::uint64_t bytes, std::uint64_t capacity, std::uint64_t life_ns, std::uint64_t now_ns) {
        if (capacity == 0) return true;
        const std::lock_guard lock(mutex_);
        if (now_ns >= window_end_) {
            before_ = now_ns < window_end_ + window_ns_ ? now_ : 0;
            now_ = 0;
            window_ns_ = std::max(window_ns_, life_ns);
            window_end_ = now_ns + window_ns_;
        }
        if (before_ + now_ + bytes > capacity / 10) return false;
        now_ += bytes;
        return true;
    }

  private:
    std::mutex mutex_;
    std::uint64_t window_ns_ = 0, window_end_ = 0;  // guarded by mutex_, like the sums
    std::uint64_t before_ = 0, now_ = 0;
};

}  // namespace larder
