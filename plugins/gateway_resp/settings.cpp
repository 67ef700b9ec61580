// plugins/gateway_resp/settings.cpp -- see settings.hpp.
#include "settings.hpp"

#include "gateway.hpp"
#include "words.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>

namespace larder::resp {
namespace {

enum class Sort { Live, Fixed, Spare, Hidden };

struct Parameter {
    std::string_view name;
    Sort sort;
    std::string_view value = {};  // of a spare one, until it is set; of a fixed one without a source
};

// In order of their names. Values of spare ones are Redis' defaults.
constexpr Parameter parameters[] = {
    {"acllog-max-len", Sort::Spare, "128"},
    {"activedefrag", Sort::Spare, "no"},
    {"activerehashing", Sort::Spare, "yes"},
    {"always-show-logo", Sort::Fixed, "no"},
    {"appendfsync", Sort::Spare, "everysec"},
    {"appendonly", Sort::Spare, "no"},
    {"auto-aof-rewrite-percentage", Sort::Spare, "100"},
    {"bind", Sort::Fixed},
    {"busy-reply-threshold", Sort::Spare, "5000"},
    {"client-output-buffer-limit", Sort::Fixed},
    {"client-query-buffer-limit", Sort::Fixed},
    {"cluster-enabled", Sort::Fixed, "no"},
    {"daemonize", Sort::Fixed, "no"},
    {"databases", Sort::Fixed, "1"},
    {"dir", Sort::Fixed, ""},
    {"dynamic-hz", Sort::Spare, "yes"},
    {"hash-max-listpack-entries", Sort::Spare, "512"},
    {"hash-max-listpack-value", Sort::Spare, "64"},
    {"hash-max-ziplist-entries", Sort::Spare, "512"},
    {"hash-max-ziplist-value", Sort::Spare, "64"},
    {"hz", Sort::Spare, "10"},
    {"io-threads", Sort::Fixed},
    {"key-load-delay", Sort::Hidden, "0"},
    {"latency-monitor-threshold", Sort::Spare, "0"},
    {"lazyfree-lazy-eviction", Sort::Spare, "yes"},
    {"lazyfree-lazy-expire", Sort::Spare, "yes"},
    {"lazyfree-lazy-user-del", Sort::Spare, "yes"},
    {"lazyfree-lazy-user-flush", Sort::Spare, "yes"},
    {"lfu-decay-time", Sort::Spare, "1"},
    {"lfu-log-factor", Sort::Spare, "10"},
    {"list-max-listpack-size", Sort::Spare, "-2"},
    {"list-max-ziplist-size", Sort::Spare, "-2"},
    {"logfile", Sort::Fixed, ""},
    {"loglevel", Sort::Spare, "notice"},
    {"lua-time-limit", Sort::Spare, "5000"},
    {"maxclients", Sort::Fixed},
    {"maxmemory", Sort::Fixed, "0"},
    {"maxmemory-clients", Sort::Spare, "0"},
    {"maxmemory-eviction-tenacity", Sort::Spare, "10"},
    {"maxmemory-policy", Sort::Fixed, "allkeys-lfu"},
    {"maxmemory-samples", Sort::Spare, "5"},
    {"min-replicas-max-lag", Sort::Spare, "10"},
    {"min-replicas-to-write", Sort::Spare, "0"},
    {"no-appendfsync-on-rewrite", Sort::Spare, "no"},
    {"notify-keyspace-events", Sort::Live},
    {"port", Sort::Fixed},
    {"protected-mode", Sort::Fixed, "yes"},
    {"proto-max-bulk-len", Sort::Fixed},
    {"rdbcompression", Sort::Spare, "yes"},
    {"repl-backlog-size", Sort::Spare, "1048576"},
    {"repl-backlog-ttl", Sort::Spare, "3600"},
    {"repl-diskless-sync", Sort::Spare, "yes"},
    {"repl-timeout", Sort::Spare, "60"},
    {"replica-priority", Sort::Spare, "100"},
    {"replica-read-only", Sort::Spare, "yes"},
    {"replica-serve-stale-data", Sort::Spare, "yes"},
    {"replicaof", Sort::Fixed, ""},
    {"requirepass", Sort::Fixed, ""},
    {"save", Sort::Spare, ""},
    {"set-max-intset-entries", Sort::Spare, "512"},
    {"set-proc-title", Sort::Fixed, "no"},
    {"slaveof", Sort::Fixed, ""},
    {"slowlog-log-slower-than", Sort::Spare, "-1"},
    {"slowlog-max-len", Sort::Spare, "128"},
    {"stop-writes-on-bgsave-error", Sort::Spare, "no"},
    {"stream-node-max-entries", Sort::Spare, "100"},
    {"supervised", Sort::Fixed, "no"},
    {"tcp-backlog", Sort::Fixed, "511"},
    {"tcp-keepalive", Sort::Spare, "0"},
    {"timeout", Sort::Fixed},
    {"tracking-table-max-keys", Sort::Live},
    {"unixsocket", Sort::Fixed},
    {"zset-max-listpack-entries", Sort::Spare, "128"},
    {"zset-max-listpack-value", Sort::Spare, "64"},
    {"zset-max-ziplist-entries", Sort::Spare, "128"},
    {"zset-max-ziplist-value", Sort::Spare, "64"},
};

static_assert(std::is_sorted(
    std::begin(parameters), std::end(parameters),
    [](const Parameter& a, const Parameter& b) { return a.name < b.name; }));

const Parameter* find(std::string_view name) noexcept {
    const auto found = std::lower_bound(
        std::begin(parameters), std::end(parameters), name,
        [](const Parameter& known, std::string_view wanted) { return known.name < wanted; });
    return found != std::end(parameters) && found->name == name ? found : nullptr;
}

// "10mb" in bytes; a number that may end in a unit of 1000 or 1024.
std::optional<std::uint64_t> size_in(std::string_view text) {
    struct Unit {
        std::string_view name;
        std::uint64_t bytes;
    };
    constexpr Unit units[] = {{"kb", 1u << 10},   {"mb", 1u << 20},      {"gb", 1u << 30},
                              {"k", 1'000},       {"m", 1'000'000},      {"g", 1'000'000'000},
                              {"b", 1},           {"", 1}};
    for (const Unit& unit : units) {
        if (text.size() > unit.name.size() &&
            same_word(text.substr(text.size() - unit.name.size()), unit.name)) {
            std::uint64_t number = 0;
            if (parse_unsigned(text.substr(0, text.size() - unit.name.size()), number) &&
                number <= std::numeric_limits<std::uint64_t>::max() / unit.bytes) {
                return number * unit.bytes;
            }
        }
    }
    return std::nullopt;
}

bool same_value(std::string_view given, std::string_view has) {
    const auto number = size_in(given);
    return given == has || (number && number == size_in(has));
}

std::string failed(std::string_view name, std::string_view why) {
    return "ERR CONFIG SET failed (possibly related to argument '" + std::string(name) + "') - " +
           std::string(why);
}

std::string first_of(const std::vector<std::string>& listen, bool unix_socket) {
    for (const std::string& address : listen) {
        if (address.starts_with("unix:") == unix_socket) {
            return unix_socket ? address.substr(5) : address.substr(0, address.rfind(':'));
        }
    }
    return {};
}

}  // namespace

std::string Settings::value_of(std::string_view name) const {
    const Options& o = gateway_.options;
    const auto is = [name](std::string_view other) { return name == other; };
    const auto seconds = [](std::uint64_t ns) { return std::to_string(ns / 1'000'000'000); };
    if (is("notify-keyspace-events")) return gateway_.key_events.letters();
    if (is("tracking-table-max-keys")) return std::to_string(gateway_.tracking.limit());
    if (is("bind")) return first_of(o.listen, false);
    if (is("unixsocket")) return first_of(o.listen, true);
    if (is("client-query-buffer-limit")) return std::to_string(o.input_limit);
    if (is("client-output-buffer-limit")) {
        const std::string limit = std::to_string(o.output_limit);
        return "normal " + limit + " 0 0 slave 0 0 0 pubsub " + limit + " 0 0";
    }
    if (is("io-threads")) return std::to_string(o.threads);
    if (is("maxclients")) return std::to_string(o.max_connections);
    if (is("port")) return std::to_string(gateway_.port.load(std::memory_order_relaxed));
    if (is("proto-max-bulk-len")) return std::to_string(o.max_value);
    if (is("timeout")) return seconds(o.idle_timeout_ns);
    const std::lock_guard lock(mutex_);
    const auto changed = spare_.find(name);
    return changed != spare_.end() ? changed->second : std::string(find(name)->value);
}

std::vector<std::pair<std::string, std::string>> Settings::matching(
    const std::vector<std::string>& patterns) const {
    std::vector<std::pair<std::string, std::string>> found;
    for (const Parameter& parameter : parameters) {
        const bool asked = std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) {
            return parameter.sort == Sort::Hidden ? p == parameter.name
                                                  : glob_match(p, parameter.name);
        });
        if (asked) {
            found.emplace_back(parameter.name, value_of(parameter.name));
        }
    }
    return found;
}

std::string Settings::set(const std::vector<std::pair<std::string, std::string>>& wishes) {
    for (std::size_t i = 0; i < wishes.size(); ++i) {
        for (std::size_t k = 0; k < i; ++k) {
            if (wishes[k].first == wishes[i].first) {
                return failed(wishes[i].first, "duplicate parameter");
            }
        }
    }
    for (const auto& [name, value] : wishes) {
        const Parameter* known = find(name);
        if (known == nullptr) {
            return "ERR Unknown option or number of arguments for CONFIG SET - '" + name + "'";
        }
        if (known->sort == Sort::Fixed && !same_value(value, value_of(name))) {
            return failed(name, "can't set immutable config: larder is configured in larder.toml");
        }
        if (name == "tracking-table-max-keys" && !size_in(value)) {
            return failed(name, "argument couldn't be parsed into an integer");
        }
        if (name == "notify-keyspace-events" && !KeyEvents::valid(value)) {
            return failed(name,
                          "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
        }
    }
    for (const auto& [name, value] : wishes) {
        if (name == "notify-keyspace-events") {
            gateway_.key_events.choose(value);
        } else if (name == "tracking-table-max-keys") {
            gateway_.tracking.limit(*size_in(value));
        } else if (find(name)->sort == Sort::Spare) {
            const std::lock_guard lock(mutex_);
            spare_[name] = value;
        }
    }
    return {};
}

}  // namespace larder::resp
