// plugins/invalidator_route/route_source.hpp -- the component "route": answered requests from
// outside, told to the kernel.
//
// For hosts that cannot call the kernel: it reads what their server logs, and what they send to a
// socket. Each request is told to larder_cache_api.request, where the policy's route rules are;
// this plugin knows no rule. One thread sleeps until the log's folder or the socket has something,
// and looks once a second besides, for file systems that do not tell. A line that cannot be read is
// counted and now and then logged; it never stops the rest.
#pragma once

#include "event_socket.hpp"
#include "log_tail.hpp"
#include "route_event.hpp"

#include <larder/plugin/invalidator.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace larder::invalidator_route {

class RouteSource {
  public:
    static constexpr const char* name = "route";
    static constexpr std::uint64_t caps = LARDER_INV_CAP_SOURCE;

    RouteSource(plugin::Host host, const plugin::Config& config);
    ~RouteSource() { stop(0); }

    void start();
    void stop(std::uint64_t deadline_ns) noexcept;
    plugin::Health health() const;

  private:
    void run();
    // Sleeps until there is something to read, `patience_ms` is over, or stop() was called: false.
    bool wait(int patience_ms);
    void hear_log_line(std::string_view line);
    void hear_datagram_line(std::string_view line);
    void tell(const RouteEvent& event);
    larder_status request(const RouteEvent& event) const;
    void complain(std::string_view line);
    void count_too_long();
    void watch_log();

    plugin::Host host_;
    const std::string log_path_;
    const std::optional<JsonLine> json_;  // Empty: the common log format.
    std::optional<LogTail> log_;
    std::unique_ptr<EventSocket> socket_;

    const larder_cache_api* cache_ = nullptr;
    plugin::Metric requests_, bad_lines_, too_long_, failed_;
    FileDescriptor wake_, watch_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> log_missing_{false};
    std::thread thread_;

    // The thread's own.
    RouteEvent event_;
    std::uint64_t too_long_told_ = 0;
    std::uint64_t bad_since_complaint_ = 0;
    std::uint64_t next_complaint_ns_ = 0;
};

}  // namespace larder::invalidator_route
