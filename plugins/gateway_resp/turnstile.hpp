// plugins/gateway_resp/turnstile.hpp -- many requests at a time, or one transaction alone.
//
// Whoever runs requests is inside, together with others; an EXEC, and whatever names several keys and
// has to look like one step, is inside alone. Nobody blocks a thread: who cannot come in leaves word
// and is called again. Who wants to be alone is waited for by those who come later, so that it gets
// its turn; it then competes with them once.
//
// The price of not being alone: two atomic operations a turn of a connection, not a request.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace larder::resp {

class Turnstile {
  public:
    enum class Manner { Together, Alone };

    // True: inside. REQUIRES, as of wait_for(): the caller is not inside. [any, hot]
    bool enter(Manner manner) noexcept {
        std::uint32_t seen = state_.load(std::memory_order_relaxed);
        while (manner == Manner::Alone ? (seen & ~kWanted) == 0 : (seen & (kAlone | kWanted)) == 0) {
            const std::uint32_t entered = manner == Manner::Alone ? seen | kAlone : seen + 1;
            if (state_.compare_exchange_weak(seen, entered, std::memory_order_acquire,
                                             std::memory_order_relaxed)) {
                return true;
            }
        }
        return false;
    }
    // As enter(), after it was false. Again false: again() is called once, from any thread, when it is
    // worth another try.
    bool wait_for(Manner manner, std::function<void()> again);
    // [any, hot]
    void leave(Manner manner) {
        const std::uint32_t step = manner == Manner::Alone ? kAlone : 1;
        const std::uint32_t before = state_.fetch_sub(step, std::memory_order_acq_rel);
        if ((before & kWanted) != 0 && ((before - step) & ~kWanted) == 0) {
            call_again();
        }
    }

  private:
    static constexpr std::uint32_t kAlone = 1u << 31, kWanted = 1u << 30;

    void call_again();

    // The number of those inside; kAlone: one is alone; kWanted: somebody waits.
    std::atomic<std::uint32_t> state_{0};
    std::mutex mutex_;
    std::vector<std::function<void()>> waiting_;  // guarded by mutex_
};

}  // namespace larder::resp
