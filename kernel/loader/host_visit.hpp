// kernel/loader/host_visit.hpp -- who of a plugin's own threads is inside the kernel, so that the kernel goes when nobody is.
//
// A call that a plugin makes from within a function the kernel called needs no count: the kernel waits for that function. A
// thread of the plugin's own may call at any time, also when a stop is over, which is its fault and not the kernel's end. So
// such calls are counted, and whoever takes something away that they use first makes it answer "closed", then waits until
// all are out that may have seen it open.
//
// Two counts take turns (McKenney's sleepable RCU): those who come later do not keep the one waiting who counts. In stripes,
// so that the threads of a gateway do not share a line: an uncontended atomic addition on the way in and one on the way out.
#pragma once

#include "kernel/loader/plugin_guard.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace larder::loader {

// How many visits of this thread there are, one within the other.
extern constinit thread_local std::uint32_t own_visits LARDER_FAST_TLS;

class HostVisit {
  public:
    HostVisit() noexcept {
        if (current_crumb == nullptr) {
            count_ = &enter();
            ++own_visits;
        }
    }
    ~HostVisit() {
        if (count_ != nullptr) {
            --own_visits;
            count_->fetch_sub(1, std::memory_order_release);
        }
    }
    HostVisit(const HostVisit&) = delete;
    HostVisit& operator=(const HostVisit&) = delete;

    // Returns when everybody is out who was in, or `at_most` is over: one who blocks is not waited for
    // for ever. Not for a thread that is in itself: what it is in is there. False: somebody still is.
    static bool wait_until_out(std::chrono::milliseconds at_most) noexcept;

  private:
    using Count = std::atomic<std::int64_t>;
    struct alignas(64) Stripe {
        std::array<Count, 2> in{};
    };
    static constexpr std::size_t stripe_count = 16;

    static Count& enter() noexcept {
        // The address of something of the thread's own tells threads apart.
        const auto self = reinterpret_cast<std::uintptr_t>(&current_crumb) * 0x9E3779B97F4A7C15ULL;
        Count& count = stripes[self >> 60].in[phase.load(std::memory_order_seq_cst) & 1];
        count.fetch_add(1, std::memory_order_seq_cst);
        return count;
    }

    static std::array<Stripe, stripe_count> stripes;
    static std::atomic<std::uint32_t> phase;
    Count* count_ = nullptr;
};

}  // namespace larder::loader
