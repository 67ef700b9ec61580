// plugins/store_redis/node_breaker.hpp -- whether one server of several is worth asking now.
//
// The kernel's breaker is for the store as a whole. Of a store of many servers one may be dead or
// frozen while the others serve: after 5 failures in a row this one is not asked for a second, then one
// command is let through, and what becomes of it decides. So a frozen server costs its keys five timeouts,
// not one each, and other keys nothing.
#pragma once

#include <cstdint>

namespace larder::store_redis {

// Not safe for many threads: it lives on the loop.
class NodeBreaker {
  public:
    static constexpr std::uint32_t failures_to_open = 5;
    static constexpr std::uint64_t pause_ns = 1'000'000'000;

    // False: fail at once. True while half-open is said once a pause: to the probe.
    bool admits(std::uint64_t now_ns) noexcept {
        if (failures_ < failures_to_open) {
            return true;
        }
        if (now_ns < until_ns_) {
            return false;
        }
        until_ns_ = now_ns + pause_ns;
        return true;
    }
    void succeeded() noexcept { failures_ = 0; }
    // True: it has just opened.
    bool failed(std::uint64_t now_ns) noexcept {
        until_ns_ = now_ns + pause_ns;
        failures_ += failures_ < failures_to_open ? 1u : 0u;
        return failures_ == failures_to_open;
    }
    bool open() const noexcept { return failures_ >= failures_to_open; }

  private:
    std::uint32_t failures_ = 0;
    std::uint64_t until_ns_ = 0;
};

}  // namespace larder::store_redis
