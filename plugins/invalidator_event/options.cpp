// plugins/invalidator_event/options.cpp -- see options.hpp.
#include "options.hpp"

#include "plugins/redis_wire/named_server.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace larder::invalidator_event {
namespace {

using plugin::Error;
using redis_wire::refuse;

// What Redis sends at most (proto-max-bulk-len), and what a batch of such may be. A message that the reader refused
// could never be read past; what is too long for an event is skipped by max_payload instead.
constexpr std::uint64_t longest_value = std::uint64_t{512} << 20;
constexpr std::uint64_t longest_reply = std::uint64_t{2} << 30;

void need_redis(const plugin::Config& config, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (config.has(name)) {
            refuse(config, name, "of Redis only, and the url is of Postgres");
        }
    }
}

// The server of a URL for messages: nothing before the last @, nothing behind ?.
std::string shown_server(std::string_view url) {
    url.remove_prefix(url.find("://") + 3);
    url = url.substr(0, url.find('?'));
    if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) {
        url.remove_prefix(at + 1);
    }
    return "postgres " + std::string(url.empty() ? "by its defaults" : url);
}

void check_names(const plugin::Config& config, const char* option,
                 const std::vector<std::string>& names) {
    const std::set<std::string> different(names.begin(), names.end());
    if (different.size() != names.size()) {
        refuse(config, option, "one of them is named twice");
    }
    if (different.count("") != 0) {
        refuse(config, option, "an empty name");
    }
}

MappingOptions read_mapping(const plugin::Config& config) {
    MappingOptions o;
    o.json = config.text("format", "json") == "json";
    o.event_field = config.text("event_field", o.event_field);
    o.payload_field = config.text("payload_field", o.payload_field);
    o.value_name = config.text("value_name", o.value_name);
    o.events = config.list("events");
    o.fields = config.list("fields");
    o.max_payload = config.size("max_payload", o.max_payload);
    return o;
}

}  // namespace

Options Options::read(plugin::Host host, const plugin::Config& config) {
    Options o;
    o.instance = config.instance_name();
    o.channels = config.list("channels");
    o.streams = config.list("streams");
    check_names(config, "channels", o.channels);
    check_names(config, "streams", o.streams);
    if (o.channels.empty() && o.streams.empty()) {
        throw Error(LARDER_E_CONFIG,
                    "expected channels or streams: there is nothing to listen to");
    }
    o.group = config.text("group", "");
    o.consumer = config.text("consumer", "larder");
    o.position_file = config.text("position_file", "");
    o.resync = config.text("resync", "resync");
    o.resync_at_start = config.boolean("resync_at_start", true);
    o.heartbeat_ns = static_cast<std::uint64_t>(config.duration_ns("heartbeat", 5'000'000'000));
    o.claim_after_ns = static_cast<std::uint64_t>(config.duration_ns("claim_after", 60'000'000'000));
    o.connection.connect_timeout_ns =
        static_cast<std::uint64_t>(config.duration_ns("connect_timeout", 5'000'000'000));
    o.batch = static_cast<std::uint32_t>(config.integer("batch", 100));
    o.mapping = read_mapping(config);

    const std::string_view url = config.text("url");
    if (url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        o.server = Server::postgres;
        o.postgres_url = url;
        o.postgres_shown = shown_server(url);
        host.with_secret(config, "password",
                         [&](std::string_view secret) { o.postgres_password = secret; });
        need_redis(config, {"streams", "group", "consumer", "position_file", "claim_after", "batch",
                            "payload_field", "tls_verify", "tls_ca", "tls_cert", "tls_name"});
        for (const std::string& channel : o.channels) {
            if (channel.size() > 63) {
                refuse(config, "channels", "Postgres cuts names at 63 bytes: '" + channel + "'");
            }
        }
        return o;
    }
    if (!o.group.empty() && !o.position_file.empty()) {
        refuse(config, "position_file", "a group's position is kept by the server: write one of the two");
    }
    for (const char* name : {"group", "position_file"}) {
        if (o.streams.empty() && config.has(name)) {
            refuse(config, name, "of streams only, and none is named");
        }
    }
    redis_wire::read_server(host, config, url, o.endpoint, o.connection);
    o.connection.limits = {longest_value, longest_reply, 1'000'000};
    return o;
}

}  // namespace larder::invalidator_event
