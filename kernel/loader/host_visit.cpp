// kernel/loader/host_visit.cpp -- waiting for a plugin's own threads to leave the kernel.
#include "kernel/loader/host_visit.hpp"

#include <mutex>
#include <thread>

namespace larder::loader {

constinit thread_local std::uint32_t own_visits LARDER_FAST_TLS = 0;
constinit std::array<HostVisit::Stripe, HostVisit::stripe_count> HostVisit::stripes{};
constinit std::atomic<std::uint32_t> HostVisit::phase{0};

bool HostVisit::wait_until_out(std::chrono::milliseconds at_most) noexcept {
    if (own_visits != 0) {
        return false;
    }
    static constinit std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    const auto end = std::chrono::steady_clock::now() + at_most;
    // Twice: who has read the phase and not counted yet is found in the second turn.
    for (int turn = 0; turn < 2; ++turn) {
        const std::size_t old = phase.fetch_add(1, std::memory_order_seq_cst) & 1;
        for (;;) {
            std::int64_t inside = 0;
            for (const Stripe& stripe : stripes) {
                inside += stripe.in[old].load(std::memory_order_seq_cst);
            }
            if (inside == 0) {
                break;
            }
            if (std::chrono::steady_clock::now() > end) {
                return false;
            }
            std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
    }
    return true;
}

}  // namespace larder::loader
