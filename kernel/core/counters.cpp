// kernel/core/counters.cpp -- which thread counts in which stripe.
#include "kernel/core/counters.hpp"

#include "kernel/core/durations.hpp"

#include <mutex>

namespace larder {

namespace detail {
constinit thread_local std::size_t counter_stripe = Counters::stripes;  // none yet
constinit thread_local std::uint32_t until_sample = sample_every;
constinit thread_local std::uint32_t sampled = 0;
constinit thread_local bool went_below = false;
}  // namespace detail

namespace {

// The mutex also orders the last count of a thread before the first of the next owner.
constinit std::mutex stripes_mutex;
constinit std::array<bool, Counters::owned> taken{};  // guarded by stripes_mutex

// Gives the stripe back when the thread ends. What thread-local destructors count after that goes
// to the shared stripe.
struct Lease {
    Lease() noexcept {
        const std::lock_guard lock(stripes_mutex);
        std::size_t free = 0;
        while (free < taken.size() && taken[free]) ++free;
        if (free < taken.size()) taken[free] = true;
        detail::counter_stripe = free;  // owned, or just behind: the shared one
    }
    ~Lease() {
        const std::lock_guard lock(stripes_mutex);
        if (detail::counter_stripe < taken.size()) taken[detail::counter_stripe] = false;
        detail::counter_stripe = Counters::owned;
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
};

}  // namespace

std::size_t Counters::stripe() noexcept {
    if (detail::counter_stripe == stripes) {
        thread_local const Lease lease;
        static_cast<void>(lease);
    }
    return detail::counter_stripe;
}

}  // namespace larder
