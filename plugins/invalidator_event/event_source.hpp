// plugins/invalidator_event/event_source.hpp -- the component "event": what is told elsewhere fires `on event` rules.
//
// An application, a trigger or another service says that something happened, by a channel or stream of Redis or by
// NOTIFY of Postgres. Each message becomes an event of the policy (mapping.hpp) and is told to larder_cache_api.event;
// this plugin knows no rule. One thread for an instance reads, tells and connects, so that events are told in the
// order they came.
#pragma once

#include "listener.hpp"

#include "plugins/redis_wire/transport.hpp"

#include <larder/plugin/invalidator.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace larder::invalidator_event {

class EventSource {
  public:
    static constexpr const char* name = "event";
    static constexpr std::uint64_t caps = LARDER_INV_CAP_SOURCE;

    EventSource(plugin::Host host, const plugin::Config& config);
    ~EventSource();

    void start();
    void stop(std::uint64_t deadline_ns) noexcept;
    plugin::Health health() const;

  private:
    const Options options_;
    const Mapping mapping_;
    Teller teller_;
    redis_wire::Journal journal_;
    redis_wire::Loop loop_;
    std::optional<redis_wire::TlsContext> tls_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    bool running_ = false;
};

}  // namespace larder::invalidator_event
