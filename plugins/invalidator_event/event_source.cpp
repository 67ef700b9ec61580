// plugins/invalidator_event/event_source.cpp -- see event_source.hpp.
#include "event_source.hpp"

#include "postgres_channels.hpp"
#include "redis_channels.hpp"
#include "redis_streams.hpp"

namespace larder::invalidator_event {

EventSource::EventSource(plugin::Host host, const plugin::Config& config)
    : options_(Options::read(host, config)),
      mapping_(options_.mapping),
      teller_(host, options_.instance, options_.resync),
      journal_(host, "event " + options_.instance),
      loop_(host) {
    const Listener::Surroundings around{loop_, options_, mapping_, teller_, journal_};
    if (options_.server == Options::Server::postgres) {
        listeners_.push_back(std::make_unique<PostgresChannels>(around));
        return;
    }
    const redis_wire::TlsContext* tls = nullptr;
    if (options_.endpoint.tls) {
        tls = &tls_.emplace(options_.connection);
    }
    if (!options_.channels.empty()) {
        listeners_.push_back(std::make_unique<RedisChannels>(around, tls));
    }
    if (!options_.streams.empty()) {
        listeners_.push_back(std::make_unique<RedisStreams>(around, tls));
    }
}

EventSource::~EventSource() { stop(0); }

void EventSource::start() {
    if (running_) {
        return;
    }
    teller_.start();
    loop_.start();
    running_ = true;
    loop_.post([this] {
        for (const auto& listener : listeners_) {
            listener->open();
        }
    });
}

void EventSource::stop(std::uint64_t) noexcept {
    if (!running_) {
        return;
    }
    teller_.stop();
    loop_.post([this] {
        for (const auto& listener : listeners_) {
            listener->close();
        }
    });
    loop_.join();
    running_ = false;
}

plugin::Health EventSource::health() const {
    for (const auto& listener : listeners_) {
        if (!listener->listening()) {
            return {LARDER_HEALTH_DEGRADED, "not listening to " + listener->what()};
        }
    }
    return {};
}

}  // namespace larder::invalidator_event
