// plugins/store_redis/counters.hpp -- what is counted, for the kernel's metrics and for stats().
#pragma once

#include <larder/plugin/host.hpp>

#include <atomic>
#include <cstdint>
#include <string>

namespace larder::store_redis {

// Counted here and exported at once.
class Count {
  public:
    Count(plugin::Host host, const char* name, const char* help, const std::string& labels)
        : metric_(host.counter(name, help, labels.c_str())) {}
    void add(std::uint64_t n = 1) noexcept {
        value_.fetch_add(n, std::memory_order_relaxed);
        metric_.add(static_cast<double>(n));
    }
    std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
    plugin::Metric metric_;
};

class Level {
  public:
    Level(plugin::Host host, const char* name, const char* help, const std::string& labels)
        : metric_(host.gauge(name, help, labels.c_str())) {}
    void add(std::int64_t n) noexcept {
        metric_.set(static_cast<double>(value_.fetch_add(n, std::memory_order_relaxed) + n));
    }
    void set(std::int64_t n) noexcept {
        value_.store(n, std::memory_order_relaxed);
        metric_.set(static_cast<double>(n));
    }
    std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::int64_t> value_{0};
    plugin::Metric metric_;
};

struct Counters {
    Counters(plugin::Host host, const std::string& instance)
        : labels("store=" + instance),
          connections(host, "connections", "Connections to Redis that are up.", labels),
          in_flight(host, "in_flight", "Operations under way, as of the last heartbeat.", labels),
          canary_age_ms(host, "canary_age_ms", "Age of the last proof of the invalidation stream; -1: none.",
                        labels),
          reconnects(host, "reconnects_total", "Connections made after the first.", labels),
          discarded(host, "discarded_total", "Connections discarded: errors, timeouts, cancellations.", labels),
          exhausted(host, "pool_exhausted_total", "Operations refused because as many were under way as may be.", labels),
          timeouts(host, "timeouts_total", "Operations that ended at their deadline.", labels),
          protocol_errors(host, "protocol_errors_total", "Replies that no server should send.", labels),
          pushes(host, "pushes_total", "Invalidation messages of the stream.", labels),
          forged(host, "forged_pushes_total", "Messages on the stream's channel that no server sends.", labels),
          again(host, "sent_again_total", "Operations sent once more on another connection.", labels) {}

    const std::string labels;
    Level connections, in_flight, canary_age_ms;
    Count reconnects, discarded, exhausted, timeouts, protocol_errors, pushes, forged, again;
    std::atomic<std::uint64_t> hits{0}, misses{0}, errors{0};
};

}  // namespace larder::store_redis
