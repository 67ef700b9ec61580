// plugins/invalidator_event/options.hpp -- what an instance was configured with, checked, in the units it is used in.
#pragma once

#include "mapping.hpp"

#include "plugins/redis_wire/connection_options.hpp"

#include <larder/plugin/host.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace larder::invalidator_event {

struct Options {
    enum class Server : std::uint8_t { redis, postgres };

    std::string instance;
    Server server = Server::redis;
    redis_wire::ConnectionOptions connection;
    redis_wire::Endpoint endpoint;            // of redis
    std::string postgres_url, postgres_password;
    std::string postgres_shown;               // the server without user and password, for messages
    std::vector<std::string> channels, streams;
    std::string group, consumer;              // group empty: each node reads all
    std::string position_file;
    std::string resync;                       // the event's name; empty: none
    bool resync_at_start = true;
    std::uint64_t heartbeat_ns = 5'000'000'000;
    std::uint64_t claim_after_ns = 60'000'000'000;
    std::uint32_t batch = 100;
    MappingOptions mapping;

    // Throws plugin::Error with what to write instead.
    static Options read(plugin::Host host, const plugin::Config& config);
};

}  // namespace larder::invalidator_event
