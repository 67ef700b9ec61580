// plugins/exporter_webhook/webhook.hpp -- the component "webhook": events as signed POST requests.
//
// One request an event, in order, over a connection of its own. Whatever the other side does (hangs,
// sends bytes one at a time, answers 500) a request ends after `timeout`, and the call with an error; the
// kernel then tries again, later and later, with the events that are left. So a receiver may see an event
// twice: `X-Larder-Event` says which one it is.
//
// With a secret the body is signed: `X-Larder-Signature: t=SECONDS,v1=HEX`, HMAC-SHA256 over
// "SECONDS.BODY", so that nobody can forge one or play an old one again.
#pragma once

#include "plugins/http_post/post.hpp"

#include <larder/plugin/exporter.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace larder::exporter_webhook {

class Webhook {
  public:
    static constexpr const char* name = "webhook";
    static constexpr std::uint64_t caps = LARDER_EXP_CAP_EVENTS;

    Webhook(plugin::Host host, const plugin::Config& config);
    ~Webhook();
    Webhook(const Webhook&) = delete;
    Webhook& operator=(const Webhook&) = delete;

    larder_status events(plugin::Events events, const larder_call& call);
    plugin::Health health() const;

  private:
    bool send(const larder_event& event);

    const plugin::Host host_;
    const http_post::Target target_;
    const std::chrono::milliseconds timeout_;
    std::string secret_;
    const plugin::Metric sent_, failed_;
    std::uint64_t last_at_ms_ = 0;  // of the last event that went out: those of one call are in order
    std::string last_body_;
    std::atomic<bool> working_{true};  // the last request went well
};

}  // namespace larder::exporter_webhook
