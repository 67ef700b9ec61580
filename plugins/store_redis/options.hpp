// plugins/store_redis/options.hpp -- what an instance was configured with, checked, in the units it is
// used in.
#pragma once

#include <larder/plugin/host.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace larder::store_redis {

// Where one server is.
struct Endpoint {
    std::string host = "127.0.0.1";  // a name or a numeric address; unused with a path
    std::uint16_t port = 6379;
    std::string path;                // of a unix socket; empty: TCP
    bool tls = false;

    std::string text() const;        // "127.0.0.1:6379", "[::1]:6379", "unix:/run/redis.sock"
    bool operator==(const Endpoint&) const = default;
};

// How keys are laid out over servers.
enum class Layout : std::uint8_t {
    single,    // one server has all
    sentinel,  // one of several has all; Sentinels say which
    cluster,   // Redis Cluster: by slot
    shards,    // independent servers: by a ring
};

// What a server's replies may be; more is a protocol error, and the connection is discarded.
struct ReplyLimits {
    std::uint64_t value_bytes = 8u << 20;
    std::uint64_t reply_bytes = 64u << 20;
    std::uint32_t array_elements = 100'000;
};

struct Options {
    std::string instance;  // "l2" of [store.l2], for messages
    Endpoint endpoint;              // of layout single; its tls holds for all
    Layout layout = Layout::single;
    std::vector<Endpoint> servers;  // seeds of a cluster; Sentinels; shards
    std::string master_name;        // as Sentinels know it
    std::string sentinel_username, sentinel_password;  // empty: none
    std::uint32_t db = 0;
    std::string username, password;  // empty: none
    std::string prefix = "larder";
    std::uint32_t connections = 2;   // that all operations share
    std::uint32_t pool = 100;        // most connections at once, those that end among them
    std::uint32_t in_flight = 10'000;  // most operations under way
    std::uint64_t connect_timeout_ns = 5'000'000'000;
    std::uint64_t command_timeout_ns = 5'000'000'000;
    std::uint64_t max_staleness_ns = 3'000'000'000;
    std::uint64_t heartbeat_ns = 1'000'000'000;
    bool stream = true;
    unsigned looks = 0;  // of the loop, before it sleeps
    bool sentinel = false;  // what is asked is a Sentinel: no heartbeat, no scripts
    bool tls_verify = true;
    std::string tls_ca, tls_cert, tls_key, tls_name;  // paths; the key itself, PEM; the name to expect
    ReplyLimits limits;
    std::uint64_t seed = 0;  // of jitter and of what has to be unlike other nodes'

    // Throws plugin::Error with what to write instead.
    static Options read(plugin::Host host, const plugin::Config& config);
};

}  // namespace larder::store_redis
