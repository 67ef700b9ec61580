// plugins/redis_wire/connection_options.hpp -- what one connection to a server of Redis needs to be known.
#pragma once

#include <cstdint>
#include <string>

namespace larder::redis_wire {

// Where one server is.
struct Endpoint {
    std::string host = "127.0.0.1";  // a name or a numeric address; unused with a path
    std::uint16_t port = 6379;
    std::string path;                // of a unix socket; empty: TCP
    bool tls = false;

    std::string text() const;        // "127.0.0.1:6379", "[::1]:6379", "unix:/run/redis.sock"
    bool operator==(const Endpoint&) const = default;
};

// What a server's replies may be; more is a protocol error, and the connection is discarded.
struct ReplyLimits {
    std::uint64_t value_bytes = 8u << 20;
    std::uint64_t reply_bytes = 64u << 20;
    std::uint32_t array_elements = 100'000;
};

// Who asks, and how TLS is judged; where the endpoint has it.
struct ConnectionOptions {
    std::uint32_t db = 0;
    std::string username, password;  // empty: none
    std::uint64_t connect_timeout_ns = 5'000'000'000;
    bool tls_verify = true;
    std::string tls_ca, tls_cert, tls_key, tls_name;  // paths; the key itself, PEM; the name to expect
    ReplyLimits limits;
    std::uint64_t seed = 0;  // of jitter and of what has to be unlike other nodes'
};

}  // namespace larder::redis_wire
