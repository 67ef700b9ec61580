// plugins/store_redis/options.hpp -- what an instance was configured with, checked, in the units it is
// used in.
#pragma once

#include "wire.hpp"

#include <larder/plugin/host.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace larder::store_redis {

// How keys are laid out over servers.
enum class Layout : std::uint8_t {
    single,    // one server has all
    sentinel,  // one of several has all; Sentinels say which
    cluster,   // Redis Cluster: by slot
    shards,    // independent servers: by a ring
};

struct Options : ConnectionOptions {
    std::string instance;  // "l2" of [store.l2], for messages
    Endpoint endpoint;              // of layout single; its tls holds for all
    Layout layout = Layout::single;
    std::vector<Endpoint> servers;  // seeds of a cluster; Sentinels; shards
    std::string master_name;        // as Sentinels know it
    std::string sentinel_username, sentinel_password;  // empty: none
    std::string prefix = "larder";
    std::uint32_t connections = 2;   // that all operations share
    std::uint32_t lent = 4;          // that callers who wait take one at a time
    std::uint32_t pool = 100;        // most connections at once, those that end among them
    std::uint32_t in_flight = 10'000;  // most operations under way
    std::uint64_t command_timeout_ns = 5'000'000'000;
    std::uint64_t max_staleness_ns = 3'000'000'000;
    std::uint64_t heartbeat_ns = 1'000'000'000;
    std::uint64_t maxmemory = 0;   // that each server is to have; 0: as it has
    std::string maxmemory_policy;  // likewise; empty: as it has
    bool stream = true;
    unsigned looks = 0;  // of the loop, before it sleeps
    bool sentinel = false;  // what is asked is a Sentinel: no heartbeat, no scripts

    // Throws plugin::Error with what to write instead.
    static Options read(plugin::Host host, const plugin::Config& config);
};

}  // namespace larder::store_redis
