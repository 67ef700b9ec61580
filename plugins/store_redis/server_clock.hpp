// plugins/store_redis/server_clock.hpp -- a server's clock, known from here to about half a round trip.
//
// A sample is what TIME answered, and when it was asked and heard. The answer was true at some moment
// between the two, so the quicker the round trip the better the sample; a slow one is used only when
// no better one has come for a while, because clocks drift and are set.
#pragma once

#include <atomic>
#include <cstdint>

namespace larder::store_redis {

class ServerClock {
  public:
    // One thread at a time.
    void sample(std::uint64_t asked_ns, std::uint64_t heard_ns, std::uint64_t server_us) noexcept {
        constexpr unsigned patience = 8;  // samples
        const std::uint64_t trip = heard_ns - asked_ns;
        if (known_.load(std::memory_order_relaxed) && trip > best_ns_ + best_ns_ / 4 &&
            ++passed_over_ < patience) {
            return;
        }
        passed_over_ = 0;
        best_ns_ = trip;
        const std::uint64_t middle_us = (asked_ns + trip / 2) / 1000;
        offset_us_.store(static_cast<std::int64_t>(server_us - middle_us), std::memory_order_relaxed);
        known_.store(true, std::memory_order_release);
    }
    // ms since 1970 by the server; 0: no sample yet. [any]
    std::uint64_t now_ms(std::uint64_t now_ns) const noexcept {
        if (!known_.load(std::memory_order_acquire)) {
            return 0;
        }
        return (now_ns / 1000 + static_cast<std::uint64_t>(
                                    offset_us_.load(std::memory_order_relaxed))) / 1000;
    }

  private:
    std::atomic<std::int64_t> offset_us_{0};
    std::atomic<bool> known_{false};
    std::uint64_t best_ns_ = 0;
    unsigned passed_over_ = 0;
};

}  // namespace larder::store_redis
