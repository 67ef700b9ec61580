// plugins/gateway_http/counters.hpp -- what one thread has done; written by that thread alone, read by any.
#pragma once
#include <atomic>
#include <cstdint>

namespace larder::http {

class Count {
  public:
    void add(std::uint64_t n = 1) noexcept { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

struct alignas(64) Counters {
    Count requests, hits, stale, misses, passes, collapsed, stored, not_stored, fenced;
    Count refused;      // requests that were no requests: 400 to 501 of our own
    Count upstream_errors, retries, timeouts, aborted;
    Count purges, denied, rules, tunnels;
    Count connections_total, connections_refused, bytes_in, bytes_out;
};

}  // namespace larder::http
