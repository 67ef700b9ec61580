// plugins/store_redis/options.cpp -- see options.hpp.
#include "options.hpp"

#include "layout_options.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <limits>
#include <thread>

namespace larder::store_redis {
namespace {

using plugin::Error;

[[noreturn]] void refuse(const plugin::Config& config, const char* option, const std::string& why) {
    const std::string where = config.where(option);
    throw Error(LARDER_E_CONFIG, (where.empty() ? "" : where + ": ") + option + ": " + why);
}

std::uint64_t duration(const plugin::Config& config, const char* name) {
    return static_cast<std::uint64_t>(config.duration_ns(name));
}

void read_place(const plugin::Config& config, Options& o) {
    if (const auto several = read_servers(config)) {
        o.layout = several->layout;
        o.servers = several->endpoints;
        o.master_name = several->master_name;
        o.username = several->username.empty() ? config.text("username", "") : several->username;
        o.password = several->password;
        o.db = static_cast<std::uint32_t>(config.integer("db", 0));
        o.endpoint.tls = o.servers.front().tls;
        o.sentinel_username = config.text("sentinel_username", "");
        return;
    }
    const std::string_view url = config.text("url", "");
    if (url.empty()) {
        o.endpoint.host = config.text("host", "127.0.0.1");
        o.endpoint.port = static_cast<std::uint16_t>(config.integer("port", 6379));
        o.db = static_cast<std::uint32_t>(config.integer("db", 0));
        o.username = config.text("username", "");
        return;
    }
    for (const char* apart : {"host", "port", "db", "username"}) {
        if (config.has(apart)) {
            refuse(config, apart, "the url says it already: write one of the two");
        }
    }
    Url parsed;
    std::string why;
    if (!parse_url(url, parsed, why)) {
        refuse(config, "url", why);
    }
    o.endpoint = parsed.endpoint;
    o.db = parsed.db.value_or(0);
    o.username = parsed.username;
    o.password = parsed.password;
}

// Keys are matched and tracked by it, so it holds nothing that a pattern or a hash tag would mean.
void check_prefix(const plugin::Config& config, const std::string& prefix) {
    const bool good = !prefix.empty() && std::all_of(prefix.begin(), prefix.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.' || c == ':';
    });
    if (!good) {
        refuse(config, "prefix", "letters, digits and _ - . : only");
    }
}

}  // namespace

Options Options::read(plugin::Host host, const plugin::Config& config) {
    Options o;
    o.instance = config.instance_name();
    read_place(config, o);
    host.with_secret(config, "password", [&](std::string_view secret) { o.password = secret; });
    host.with_secret(config, "sentinel_password",
                     [&](std::string_view secret) { o.sentinel_password = secret; });
    if (o.layout == Layout::cluster && o.db != 0) {
        refuse(config, "db", "a cluster has database 0 only");
    }
    if (!o.username.empty() && o.password.empty()) {
        refuse(config, "username", "it needs a password");
    }
    o.prefix = config.text("prefix", "larder");
    check_prefix(config, o.prefix);
    o.connections = static_cast<std::uint32_t>(config.integer("connections", 2));
    o.pool = static_cast<std::uint32_t>(config.integer("pool", 100));
    o.in_flight = static_cast<std::uint32_t>(config.integer("in_flight", 10'000));
    if (o.pool < o.connections + 3) {
        refuse(config, "pool", "make it at least connections + 3: there is a connection for the stream, one for what "
                               "waits, and one that replaces another");
    }
    o.lent = std::min(static_cast<std::uint32_t>(config.integer("lent", 4)), o.pool - o.connections - 3);
    o.connect_timeout_ns = duration(config, "connect_timeout");
    o.command_timeout_ns = duration(config, "command_timeout");
    o.max_staleness_ns = duration(config, "max_staleness");
    o.heartbeat_ns = duration(config, "heartbeat");
    o.maxmemory = config.size("maxmemory", 0);
    o.maxmemory_policy = config.text("maxmemory_policy", "keep");
    if (o.maxmemory_policy == "keep") {
        o.maxmemory_policy.clear();
    }
    if (o.heartbeat_ns * 2 > o.max_staleness_ns) {
        refuse(config, "heartbeat", "make it at most half of max_staleness");
    }
    // Looking for a reply that a single core would have to make meanwhile finds none.
    o.looks = std::thread::hardware_concurrency() > 1
                  ? static_cast<unsigned>(config.integer("looks", 300))
                  : 0;
    o.stream = config.boolean("stream", true);
    if (o.stream && o.db != 0) {
        refuse(config, config.has("url") ? "url" : "db",
               "the invalidation stream, by which memory tiers hear of changes, is told of database 0 only. Use "
               "database 0 (prefix keeps caches apart), or set stream = false");
    }
    o.endpoint.tls = o.endpoint.tls || config.boolean("tls", false);
    if (o.endpoint.tls && !o.endpoint.path.empty()) {
        refuse(config, "tls", "not over a unix socket");
    }
    for (Endpoint& server : o.servers) {
        server.tls = o.endpoint.tls;
        if (server.tls && !server.path.empty()) {
            refuse(config, "servers", "no TLS over a unix socket");
        }
    }
    o.tls_verify = config.boolean("tls_verify", true);
    o.tls_ca = config.text("tls_ca", "");
    o.tls_cert = config.text("tls_cert", "");
    o.tls_name = config.text("tls_name", "");
    host.with_secret(config, "tls_key", [&](std::string_view secret) { o.tls_key = secret; });
    if (o.tls_cert.empty() != o.tls_key.empty()) {
        refuse(config, "tls_cert", "tls_cert and tls_key belong together");
    }
    o.limits.value_bytes = config.size("max_value", o.limits.value_bytes);
    o.limits.reply_bytes = config.size("max_reply", o.limits.reply_bytes);
    if (o.limits.reply_bytes < o.limits.value_bytes) {
        refuse(config, "max_reply", "a value of max_value does not fit");
    }
    RAND_bytes(reinterpret_cast<unsigned char*>(&o.seed), sizeof o.seed);
    return o;
}

}  // namespace larder::store_redis
