// plugins/gateway_resp/commands_server.cpp -- INFO, CONFIG, TIME, MONITOR and what tools ask of a
// server.
#include "commands.hpp"

#include <unistd.h>

#include <cstdio>

namespace larder::resp {
namespace {

// Resident memory of this process, from the second field of /proc/self/statm; 0 where there is
// none.
std::uint64_t resident_bytes() noexcept {
    std::FILE* file = std::fopen("/proc/self/statm", "re");
    if (file == nullptr) {
        return 0;
    }
    unsigned long pages = 0;
    const int read = std::fscanf(file, "%*u %lu", &pages);
    std::fclose(file);
    return read == 1 ? std::uint64_t{pages} * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))
                     : 0;
}

// Builds INFO's text: "# Section", "field:value", an empty line.
class InfoText {
  public:
    explicit InfoText(Args wanted) : wanted_(wanted) {}
    // Whether the section is asked for; its heading is then written.
    bool section(std::string_view name) {
        std::string lower(name);
        for (char& c : lower) {
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        }
        bool asked = wanted_.empty();
        for (const std::string_view word : wanted_) {
            asked = asked || same_word(word, lower) || same_word(word, "all") ||
                    same_word(word, "default") || same_word(word, "everything");
        }
        if (asked) {
            text_ += (text_.empty() ? "# " : "\r\n# ");
            text_ += name;
            text_ += "\r\n";
        }
        return asked;
    }
    void line(std::string_view field, std::string_view value) {
        text_.append(field).append(":").append(value).append("\r\n");
    }
    void line(std::string_view field, std::uint64_t value) { line(field, std::to_string(value)); }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

  private:
    Args wanted_;
    std::string text_;
};

std::uint64_t read(const auto& counter) noexcept {
    return counter.load(std::memory_order_relaxed);
}

Step reply_info(Exchange& x) {
    const Gateway& g = x.gateway;
    const Counters& c = g.counters;
    const std::uint64_t uptime = (g.wall_ms() - std::min(g.started_ms, g.wall_ms())) / 1000;
    InfoText info(x.args.subspan(1));
    if (info.section("Server")) {
        info.line("redis_version", "7.0.15");
        info.line("redis_mode", "standalone");
        info.line("larder_version", g.host->kernel_version);
        info.line("process_id", static_cast<std::uint64_t>(::getpid()));
        info.line("tcp_port", static_cast<std::uint64_t>(g.port.load(std::memory_order_relaxed)));
        info.line("uptime_in_seconds", uptime);
        info.line("uptime_in_days", uptime / 86400);
        info.line("io_threads_active", g.options.threads);
    }
    if (info.section("Clients")) {
        info.line("connected_clients", read(c.connections));
        info.line("maxclients", g.options.max_connections);
        info.line("blocked_clients", std::uint64_t{0});
    }
    if (info.section("Memory")) {
        const std::uint64_t bytes = resident_bytes();
        const std::string human = std::to_string(bytes >> 20) + "M";
        info.line("used_memory", bytes);
        info.line("used_memory_human", human);
        info.line("used_memory_rss", bytes);
        info.line("maxmemory", std::uint64_t{0});
    }
    if (info.section("Persistence")) {
        info.line("loading", std::uint64_t{0});
        info.line("rdb_bgsave_in_progress", std::uint64_t{0});
        info.line("aof_enabled", std::uint64_t{0});
    }
    if (info.section("Stats")) {
        info.line("total_connections_received", read(c.connections_total));
        info.line("total_commands_processed", read(c.requests));
        info.line("total_net_input_bytes", read(c.bytes_in));
        info.line("total_net_output_bytes", read(c.bytes_out));
        info.line("rejected_connections", read(c.refused));
        info.line("keyspace_hits", read(c.hits));
        info.line("keyspace_misses", read(c.misses));
        info.line("total_error_replies", read(c.errors));
    }
    if (info.section("Replication")) {
        info.line("role", "master");
        info.line("connected_slaves", std::uint64_t{0});
    }
    if (info.section("Larder")) {
        info.line("fence_not_kept", read(c.not_kept));
        info.line("client_timeouts", read(c.timeouts));
    }
    if (info.section("Keyspace") && x.counted != 0) {
        info.line("db0", "keys=" + std::to_string(x.counted) + ",expires=0,avg_ttl=0");
    }
    x.reply.verbatim(info.text());
    return Step::Done;
}

}  // namespace

Step info(Exchange& x) {
    x.counted = 0;
    return x.then(x.cache().count(x.host(), LARDER_NS_NONE, &x.counted, x.call()), &reply_info);
}

// ---- CONFIG: a view of larder.toml under Redis' names ------------------------------------------
namespace {

struct Setting {
    std::string_view name;
    std::string value;
};

std::vector<Setting> settings(const Gateway& g) {
    const auto seconds = [](std::uint64_t ns) { return std::to_string(ns / 1'000'000'000); };
    return {{"appendonly", "no"},
            {"bind", "127.0.0.1"},
            {"databases", "1"},
            {"io-threads", std::to_string(g.options.threads)},
            {"maxclients", std::to_string(g.options.max_connections)},
            {"maxmemory", "0"},
            {"maxmemory-policy", "allkeys-lru"},
            {"port", std::to_string(g.port.load(std::memory_order_relaxed))},
            {"proto-max-bulk-len", std::to_string(g.options.max_value)},
            {"client-query-buffer-limit", std::to_string(g.options.input_limit)},
            {"save", ""},
            {"timeout", seconds(g.options.idle_timeout_ns)}};
}

}  // namespace

Step config_get(Exchange& x) {
    const std::vector<Setting> all = settings(x.gateway);
    std::vector<const Setting*> found;
    for (const Setting& setting : all) {
        for (std::string pattern : std::vector<std::string>(x.args.begin() + 2, x.args.end())) {
            for (char& c : pattern) {
                c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
            }
            if (glob_match(pattern, setting.name)) {
                found.push_back(&setting);
                break;
            }
        }
    }
    x.reply.map(found.size());
    for (const Setting* setting : found) {
        x.reply.bulk(setting->name);
        x.reply.bulk(setting->value);
    }
    return Step::Done;
}

// Setting a parameter to what it is succeeds, which is what tools do; anything else belongs in the
// file.
Step config_set(Exchange& x) {
    if (x.args.size() % 2 != 0) {
        return x.wrong_arity();
    }
    const std::vector<Setting> all = settings(x.gateway);
    for (std::size_t i = 2; i < x.args.size(); i += 2) {
        const Setting* known = nullptr;
        for (const Setting& setting : all) {
            known = same_word(x.args[i], setting.name) ? &setting : known;
        }
        if (known == nullptr) {
            return x.error("ERR Unknown option or number of arguments for CONFIG SET - '" +
                           std::string(x.args[i]) + "'");
        }
        if (known->value != x.args[i + 1]) {
            return x.error("ERR CONFIG SET failed (possibly related to argument '" +
                           std::string(x.args[i]) + "') - larder is configured in larder.toml");
        }
    }
    return x.ok();
}

Step config_resetstat(Exchange& x) {
    Counters& c = x.gateway.counters;
    for (auto* counter : {&c.connections_total, &c.refused, &c.requests, &c.errors, &c.bytes_in,
                          &c.bytes_out, &c.hits, &c.misses, &c.not_kept, &c.timeouts}) {
        counter->reset();
    }
    return x.ok();
}

// ---- small things
// ----------------------------------------------------------------------------------

Step time_of_day(Exchange& x) {
    const std::uint64_t now = x.gateway.wall_ms();
    x.reply.array(2);
    x.reply.bulk(std::to_string(now / 1000));
    x.reply.bulk(std::to_string(now % 1000 * 1000));
    return Step::Done;
}

// Test suites call these before they begin; none of them does anything here.
Step debug(Exchange& x) {
    constexpr std::string_view harmless[] = {"sleep", "jmap", "log", "set-active-expire",
                                             "quicklist-packed-threshold"};
    for (const std::string_view word : harmless) {
        if (same_word(x.args[1], word)) {
            return x.ok();
        }
    }
    return x.error("ERR DEBUG " + std::string(x.args[1].substr(0, 64)) + " is not available");
}

Step function_flush(Exchange& x) {
    const bool fits =
        x.args.size() == 2 ||
        (x.args.size() == 3 && (same_word(x.args[2], "async") || same_word(x.args[2], "sync")));
    return fits ? x.ok() : x.error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
}

Step function_list(Exchange& x) {
    x.reply.array(0);
    return Step::Done;
}

Step acl_whoami(Exchange& x) {
    x.reply.bulk(x.session.record->user);
    return Step::Done;
}

// The events of the cache from now on: drops, reloads, breakers. Redis' MONITOR shows commands;
// what people look for here is why an entry went, and a stream of commands would slow everybody.
Step monitor(Exchange& x) {
    x.session.monitor_at = 0;
    const auto skip = [](void*, const larder_event_record*) noexcept {};
    x.cache().events(x.host(), &x.session.monitor_at, skip, nullptr);
    x.session.monitor = true;
    x.session.record->mode.store('O', std::memory_order_relaxed);
    return x.ok();
}

}  // namespace larder::resp
