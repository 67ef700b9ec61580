// plugins/exporter_cdn/cdn.cpp -- see cdn.hpp.
#include "cdn.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace larder::exporter_cdn {
namespace {

std::string_view text(larder_bytes bytes) { return {static_cast<const char*>(bytes.data), bytes.size}; }

Shape shape_from(const plugin::Config& config) {
    return config.text("shape") == "fastly" ? Shape::fastly : Shape::cloudflare;
}

std::string id_from(const plugin::Config& config) {
    const std::string_view id = config.text("id");
    if (!is_id(id)) {
        throw plugin::Error(LARDER_E_CONFIG, "id is not one of a service or zone: letters, digits, - and _");
    }
    return std::string(id);
}

http_post::Target api_from(const plugin::Config& config) {
    auto target = http_post::Target::parse(config.text("api", default_api(shape_from(config))));
    if (!target || target->path.find_first_of("?#") != std::string::npos) {
        throw plugin::Error(LARDER_E_CONFIG, "api is not an address like https://api.example/v1");
    }
    while (target->path.ends_with('/')) {
        target->path.pop_back();
    }
    target->verify = config.boolean("tls_verify", true);
    target->ca = config.text("tls_ca", "");
    return *target;
}

Mapping mapping_from(const plugin::Config& config) {
    try {
        return {config.list("namespaces"), config.boolean("everything", false)};
    } catch (const std::exception& error) {
        throw plugin::Error(LARDER_E_CONFIG, std::string("namespaces: ") + error.what());
    }
}

Outbox::Limits limits_from(const plugin::Config& config) {
    Outbox::Limits out;
    out.most_waiting = static_cast<std::size_t>(config.integer("most_waiting", 10'000));
    out.most_tags = most_tags(shape_from(config));
    out.gather_ns = static_cast<std::uint64_t>(config.duration_ns("gather", 100'000'000));
    out.give_up_ns = static_cast<std::uint64_t>(config.duration_ns("give_up", 600'000'000'000));
    return out;
}

std::string labels(const plugin::Config& config) { return "sink=" + std::string(config.instance_name()); }

}  // namespace

Cdn::Cdn(plugin::Host host, const plugin::Config& config)
    : host_(host),
      shape_(shape_from(config)),
      id_(id_from(config)),
      api_(api_from(config)),
      timeout_(config.duration_ns("timeout", 5'000'000'000) / 1'000'000),
      mapping_(mapping_from(config)),
      sent_(host.counter("sent_total", "Requests that were answered with success.", labels(config).c_str())),
      failed_(host.counter("failed_total", "Requests that were not.", labels(config).c_str())),
      purged_(host.counter("purged_total", "Purges that the CDN has taken.", labels(config).c_str())),
      lost_(host.counter("lost_total", "Purges that were given up.", labels(config).c_str())),
      outbox_(limits_from(config)) {
    host_.with_secret(config, "token", [this](std::string_view token) { token_ = token; });
    if (!is_token(token_)) {
        OPENSSL_cleanse(token_.data(), token_.size());
        throw plugin::Error(LARDER_E_CONFIG, "token is empty, or has what cannot stand in a header");
    }
}

Cdn::~Cdn() {
    stop(0);
    OPENSSL_cleanse(token_.data(), token_.size());
}

void Cdn::start() {
    if (!api_.tls) {
        host_.log(LARDER_LOG_WARN, "the token goes to the api in clear: its address begins with http://");
    }
    {
        const Lock lock(mutex_);
        ended_ = false;
    }
    try {
        thread_ = std::thread([this] { run(); });
    } catch (...) {
        const Lock lock(mutex_);
        ended_ = true;
        throw;
    }
}

void Cdn::stop(std::uint64_t deadline_ns) {
    {
        Lock lock(mutex_);
        stopping_ = true;
        deadline_ns_ = deadline_ns;
        changed_.notify_all();
        const std::uint64_t now = host_.mono_ns();
        const std::chrono::nanoseconds left(deadline_ns > now ? deadline_ns - now : 0);
        changed_.wait_for(lock, left, [this] { return ended_; });
    }
    cancel_.now();
    if (thread_.joinable()) {
        thread_.join();
    }
}

larder_status Cdn::events(plugin::Events events, const larder_call&) {
    for (const larder_event* const event : events) {
        if (text(event->type) != "invalidate") {
            continue;  // an alert that the policy sends here
        }
        const Lock lock(mutex_);
        const Mapping::Purges to{[&](std::string tag, bool soft) { add(std::move(tag), soft); },
                                 [&] {
                                     if (ended_) {
                                         return lose(1, "it was told after the end");
                                     }
                                     outbox_.add_everything(host_.mono_ns());
                                 }};
        if (!mapping_.read(text(event->json), to)) {
            host_.log(LARDER_LOG_ERROR, "an invalidation cannot be read: it is not told to the CDN");
        }
        changed_.notify_all();
    }
    return LARDER_OK;
}

void Cdn::add(std::string tag, bool soft) {
    if (ended_) {
        return lose(1, "it was told after the end");
    }
    if (!is_sayable(tag)) {
        return lose(1, "a tag has spaces, commas or other characters that a CDN does not take, or is too long");
    }
    if (!outbox_.add(std::move(tag), soft && knows_soft(shape_), host_.mono_ns())) {
        lost_.add(1);
        if (!std::exchange(full_, true)) {
            host_.log(LARDER_LOG_ERROR, "too many purges wait: further ones are lost");
        }
    }
}

bool Cdn::wait(Lock& lock) {
    while (true) {
        const auto due = outbox_.due_ns();
        if (stopping_) {
            return due && host_.mono_ns() < deadline_ns_;
        }
        if (!due) {
            changed_.wait(lock);
            continue;
        }
        const std::uint64_t now = host_.mono_ns();
        if (*due <= now) {
            return true;
        }
        changed_.wait_for(lock, std::chrono::nanoseconds(*due - now));
    }
}

void Cdn::run() {
    Lock lock(mutex_);
    while (wait(lock)) {
        const bool last = stopping_;
        auto timeout = timeout_;
        if (last) {
            const auto left = std::chrono::nanoseconds(deadline_ns_ - std::min(deadline_ns_, host_.mono_ns()));
            timeout = std::min(timeout, std::chrono::duration_cast<std::chrono::milliseconds>(left));
        }
        Batch batch = outbox_.take();
        full_ = false;
        lock.unlock();
        const bool good = send(batch, timeout);
        lock.lock();
        if (good) {
            outbox_.delivered();
            continue;
        }
        if (const std::size_t lost = outbox_.failed(std::move(batch), host_.mono_ns()); lost != 0) {
            lose(lost, "the CDN has not taken them for as long as `give_up` says");
        }
        if (last) {
            break;
        }
    }
    if (outbox_.size() != 0) {
        lose(outbox_.size(), "they were not sent before the end");
    }
    ended_ = true;
    changed_.notify_all();
}

bool Cdn::send(const Batch& batch, std::chrono::milliseconds timeout) {
    Message message = message_for(shape_, id_, token_, batch);
    http_post::Target target = api_;
    target.path += message.path;
    std::string problem;
    const unsigned status = http_post::post(target, message.headers, message.body, timeout, problem, &cancel_);
    for (auto& [header, value] : message.headers) {
        OPENSSL_cleanse(value.data(), value.size());
    }
    const bool good = status >= 200 && status < 300;
    (good ? sent_ : failed_).add(1);
    if (good) {
        purged_.add(static_cast<double>(batch.size()));
    } else {
        host_.log(LARDER_LOG_WARN, {api_.host, ": ", status == 0 ? problem : "answered " + std::to_string(status), "; ",
                                    std::to_string(batch.size()), " purges wait"});
    }
    working_.store(good, std::memory_order_relaxed);
    return good;
}

void Cdn::lose(std::size_t purges, std::string_view why) {
    lost_.add(static_cast<double>(purges));
    host_.log(LARDER_LOG_ERROR, {std::to_string(purges), " purges are lost: ", why});
}

plugin::Health Cdn::health() const {
    const bool good = working_.load(std::memory_order_relaxed);
    return {good ? LARDER_HEALTH_OK : LARDER_HEALTH_DEGRADED, good ? "" : "the last request failed"};
}

}  // namespace larder::exporter_cdn
