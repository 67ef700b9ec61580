// plugins/gateway_http/options.hpp -- what larder.toml says of one HTTP gateway. gateway_http.larder.toml has
// the defaults and the words.
#pragma once
#include "head_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace larder::http {

enum class Cdn : std::uint8_t { none, fastly, cloudflare };  // whose words a CDN in front is spoken to in

struct Options {
    std::vector<std::string> listen{"127.0.0.1:7381"};
    unsigned unix_mode = 0600;
    std::vector<std::string> upstream;  // "http://HOST:PORT", or "/PREFIX http://HOST:PORT"

    bool by_policy = true;              // freshness = "policy"
    double heuristic = 0;
    std::int64_t keep_s = 600;          // past its freshness, to be asked for again with its validator
    std::size_t max_object = 8u << 20;  // bytes of a body that is kept
    std::size_t variants = 32;          // answers of one entry
    std::vector<std::string> ignore_query;
    bool collapse = true;
    std::uint64_t collapse_wait_ns = 10'000'000'000;

    std::string value_type = "auto";    // of what a namespace's source gives
    std::string name = "larder";        // in Cache-Status and Via
    bool cache_status = true;
    bool tags_to_clients = false;       // Surrogate-Key and the like go on to the client
    Cdn cdn = Cdn::none;
    bool groups = true;                 // RFC 9875
    std::vector<std::string> purge{"local"};  // who may PURGE: "local", addresses, NET/BITS
    std::vector<std::string> graphql;   // paths
    std::string forwarded = "append";   // X-Forwarded-For: append, replace, off

    std::size_t max_connections = 10000;
    std::size_t upstream_connections = 256;  // a thread, to one address
    HeadLimits head;
    std::size_t max_body = 0;           // of a request; 0: any
    std::uint64_t timeout_ns = 30'000'000'000;        // a request's head, an unread answer
    std::uint64_t idle_timeout_ns = 75'000'000'000;
    std::uint64_t connect_timeout_ns = 3'000'000'000;
    std::uint64_t upstream_timeout_ns = 60'000'000'000;  // between two pieces of an answer, its head first
    std::uint64_t upstream_idle_ns = 60'000'000'000;
    std::uint64_t call_timeout_ns = 5'000'000'000;
    unsigned breaker_failures = 5;
    std::uint64_t breaker_retry_ns = 10'000'000'000;
    unsigned threads = 1;
    unsigned looks = 0;
};

}  // namespace larder::http
