// plugins/gateway_resp/turnstile.cpp -- see turnstile.hpp.
#include "turnstile.hpp"

#include <utility>

namespace larder::resp {

// kWanted is only ever set while somebody is inside, in one step with seeing that. So the last one to
// leave sees it, and calls those who wait; and where kWanted is seen with nobody inside, that call is
// on its way and takes the mutex after this.
bool Turnstile::wait_for(Manner manner, std::function<void()> again) {
    const std::lock_guard lock(mutex_);
    std::uint32_t seen = state_.load(std::memory_order_relaxed);
    for (;;) {
        const bool empty = (seen & ~kWanted) == 0;
        const bool free = manner == Manner::Alone ? empty : (seen & (kAlone | kWanted)) == 0;
        if (!free && empty) {
            break;
        }
        const std::uint32_t entered = manner == Manner::Alone ? seen | kAlone : seen + 1;
        if (state_.compare_exchange_weak(seen, free ? entered : seen | kWanted,
                                         std::memory_order_acq_rel, std::memory_order_relaxed)) {
            if (free) {
                return true;
            }
            break;
        }
    }
    waiting_.push_back(std::move(again));
    return false;
}

void Turnstile::call_again() {
    std::vector<std::function<void()>> ready;
    {
        const std::lock_guard lock(mutex_);
        ready.swap(waiting_);
        state_.fetch_and(~kWanted, std::memory_order_acq_rel);
    }
    for (const auto& again : ready) {
        again();
    }
}

}  // namespace larder::resp
