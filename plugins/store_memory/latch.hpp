// plugins/store_memory/latch.hpp -- a lock for sections of some hundred nanoseconds.
//
// A mutex of the system puts a thread to sleep that finds it taken, and waking it takes tens of
// microseconds: a hundred times what the holder needed. Here it looks again, politely, and only after
// many looks sleeps, for the case that the holder lost its processor. Taking a free one
// is one atomic exchange, giving it back a plain store.
//
// Not recursive, not fair. Nothing that may sleep or call foreign code belongs under it.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace larder::store_memory {

class Latch {
  public:
    void lock() noexcept {
        while (taken_.exchange(true, std::memory_order_acquire)) [[unlikely]] {
            wait();
        }
    }
    bool try_lock() noexcept { return !taken_.exchange(true, std::memory_order_acquire); }
    void unlock() noexcept { taken_.store(false, std::memory_order_release); }

  private:
    static constexpr int looks = 400;  // About ten microseconds.

    [[gnu::noinline]] void wait() noexcept {
        for (int seen = 0; taken_.load(std::memory_order_relaxed); ++seen) {
            if (seen >= looks) {
                // The holder lost its processor: sleeping gives it this one, yielding may not.
                std::this_thread::sleep_for(std::chrono::microseconds(50));
                continue;
            }
#if defined(__x86_64__)
            _mm_pause();
#endif
        }
    }

    std::atomic<bool> taken_{false};
};

}  // namespace larder::store_memory
