// plugins/exporter_webhook/webhook.cpp -- see webhook.hpp.
#include "webhook.hpp"

#include "signature.hpp"

#include <openssl/crypto.h>

namespace larder::exporter_webhook {
namespace {

http_post::Target target_from(const plugin::Config& config) {
    auto target = http_post::Target::parse(config.text("url"));
    if (!target) {
        throw plugin::Error(LARDER_E_CONFIG, "url is not an address like https://hooks.example/larder");
    }
    target->verify = config.boolean("tls_verify", true);
    target->ca = config.text("tls_ca", "");
    return *target;
}

std::string labels(const plugin::Config& config) {
    return "sink=" + std::string(config.instance_name());
}

std::string_view text(larder_bytes bytes) {
    return {static_cast<const char*>(bytes.data), bytes.size};
}

}  // namespace

Webhook::Webhook(plugin::Host host, const plugin::Config& config)
    : host_(host),
      target_(target_from(config)),
      timeout_(config.duration_ns("timeout", 5'000'000'000) / 1'000'000),
      sent_(host.counter("sent_total", "Requests that were answered with success.", labels(config).c_str())),
      failed_(host.counter("failed_total", "Requests that were not.", labels(config).c_str())) {
    host_.with_secret(config, "secret", [this](std::string_view secret) { secret_ = secret; });
}

Webhook::~Webhook() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

bool Webhook::send(const larder_event& event) {
    const std::string body(text(event.json));
    http_post::Headers headers{{"X-Larder-Event", std::string(text(event.type)) + "/" + std::string(text(event.subject)) +
                                           "/" + std::to_string(event.at_ms)}};
    if (!secret_.empty()) {
        headers.emplace_back("X-Larder-Signature", signature(secret_, host_.wall_ms() / 1000, body));
    }
    std::string problem;
    const unsigned status = http_post::post(target_, headers, body, timeout_, problem);
    const bool good = status >= 200 && status < 300;
    (good ? sent_ : failed_).add(1);
    if (!good) {
        host_.log(LARDER_LOG_WARN, {"webhook ", target_.host, ": ",
                                    status == 0 ? problem : "answered " + std::to_string(status)});
    }
    working_.store(good, std::memory_order_relaxed);
    return good;
}

// What of a call went out before it failed is not sent again when the kernel tries the call again.
larder_status Webhook::events(plugin::Events events, const larder_call& call) {
    for (const larder_event* const event : events) {
        const bool before = event->at_ms < last_at_ms_ ||
                            (event->at_ms == last_at_ms_ && text(event->json) == last_body_);
        if (before) {
            continue;
        }
        if (call.deadline_ns != 0 && host_.mono_ns() >= call.deadline_ns) {
            return LARDER_E_TIMEOUT;
        }
        if (!send(*event)) {
            return LARDER_E_IO;
        }
        last_at_ms_ = event->at_ms;
        last_body_ = text(event->json);
    }
    return LARDER_OK;
}

plugin::Health Webhook::health() const {
    const bool good = working_.load(std::memory_order_relaxed);
    return {good ? LARDER_HEALTH_OK : LARDER_HEALTH_DEGRADED, good ? "" : "the last request failed"};
}

}  // namespace larder::exporter_webhook
