// plugins/gateway_resp/commands_info.cpp -- INFO and MEMORY STATS: what monitoring reads.
//
// The fields are those that redis_exporter, RedisInsight, redis-cli --stat and client libraries look
// for, where larder has the figure; a field of Redis that would be invented is left out. What Redis has
// and a cache has not (saving, replication) says so: 0, no, "master without replicas".
#include "commands.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
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

std::uint64_t machine_bytes() noexcept {
    return static_cast<std::uint64_t>(std::max(::sysconf(_SC_PHYS_PAGES), 0L)) *
           static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// "1.50M"
std::string human(std::uint64_t bytes) {
    constexpr std::string_view units = "BKMGT";
    double size = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (size >= 1024 && unit + 1 < units.size()) {
        size /= 1024;
        ++unit;
    }
    char text[32];
    const int length = std::snprintf(text, sizeof text, unit == 0 ? "%.0f" : "%.2f", size);
    return std::string(text, static_cast<std::size_t>(length)) + units[unit];
}

std::string seconds_of(const timeval& time) {
    const std::string micros = std::to_string(1'000'000 + time.tv_usec).substr(1);
    return std::to_string(time.tv_sec) + "." + micros;
}

std::uint64_t read(const auto& counter) noexcept {
    return counter.load(std::memory_order_relaxed);
}

// Builds INFO's text: "# Section", "field:value", an empty line.
class InfoText {
  public:
    explicit InfoText(Args wanted) : wanted_(wanted) {}
    // Whether the section is asked for; its heading is then written. usual: without being named.
    bool section(std::string_view name, bool usual = true) {
        std::string lower(name);
        for (char& c : lower) {
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        }
        bool asked = wanted_.empty() && usual;
        for (const std::string_view word : wanted_) {
            asked = asked || same_word(word, lower) || same_word(word, "all") ||
                    same_word(word, "everything") || (usual && same_word(word, "default"));
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
    void zeros(std::initializer_list<std::string_view> fields) {
        for (const std::string_view field : fields) {
            line(field, "0");
        }
    }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

  private:
    Args wanted_;
    std::string text_;
};

void server_section(InfoText& info, const Gateway& g) {
    if (!info.section("Server")) {
        return;
    }
    const std::uint64_t uptime = (g.wall_ms() - std::min(g.started_ms, g.wall_ms())) / 1000;
    utsname system{};
    ::uname(&system);
    info.line("redis_version", "7.0.15");
    info.line("redis_git_sha1", "00000000");
    info.line("redis_build_id", g.host->kernel_version);
    info.line("redis_mode", "standalone");
    info.line("larder_version", g.host->kernel_version);
    info.line("os", std::string(system.sysname) + " " + system.release + " " + system.machine);
    info.line("arch_bits", sizeof(void*) * 8);
    info.line("process_id", static_cast<std::uint64_t>(::getpid()));
    info.line("run_id", g.run_id());
    info.line("tcp_port", static_cast<std::uint64_t>(g.port.load(std::memory_order_relaxed)));
    info.line("server_time_usec", std::to_string(g.wall_ms()) + "000");
    info.line("uptime_in_seconds", uptime);
    info.line("uptime_in_days", uptime / 86400);
    info.line("hz", std::uint64_t{10});
    info.line("executable", "larder");
    info.line("config_file", "");
    info.line("io_threads_active", g.options.threads > 1 ? 1 : 0);
}

void clients_section(InfoText& info, const Gateway& g) {
    if (!info.section("Clients")) {
        return;
    }
    const auto is_pubsub = [](const ClientRecord& client) { return client.subscribed(); };
    info.line("connected_clients", read(g.counters.connections));
    info.line("cluster_connections", std::uint64_t{0});
    info.line("maxclients", g.options.max_connections);
    info.zeros({"blocked_clients"});
    info.line("tracking_clients", g.tracking.totals().clients);
    info.line("pubsub_clients", g.clients.count(is_pubsub));
    info.zeros({"clients_in_timeout_table"});
}

void memory_section(InfoText& info, Gateway& g) {
    if (!info.section("Memory")) {
        return;
    }
    const std::uint64_t bytes = resident_bytes(), machine = machine_bytes();
    const std::uint64_t peak = g.note_memory(bytes);
    info.line("used_memory", bytes);
    info.line("used_memory_human", human(bytes));
    info.line("used_memory_rss", bytes);
    info.line("used_memory_rss_human", human(bytes));
    info.line("used_memory_peak", peak);
    info.line("used_memory_peak_human", human(peak));
    info.line("total_system_memory", machine);
    info.line("total_system_memory_human", human(machine));
    info.line("used_memory_lua", std::uint64_t{0});
    info.line("maxmemory", std::uint64_t{0});
    info.line("maxmemory_human", "0B");
    info.line("maxmemory_policy", "allkeys-lfu");
    info.line("mem_fragmentation_ratio", "1.00");
    info.line("mem_not_counted_for_evict", std::uint64_t{0});
    info.line("mem_allocator", "libc");
    info.zeros({"active_defrag_running", "lazyfree_pending_objects"});
}

void persistence_section(InfoText& info, const Gateway& g) {
    if (!info.section("Persistence")) {
        return;
    }
    info.zeros({"loading", "async_loading", "rdb_changes_since_last_save",
                "rdb_bgsave_in_progress"});
    info.line("rdb_last_save_time", g.started_ms / 1000);
    info.line("rdb_last_bgsave_status", "ok");
    info.line("rdb_last_bgsave_time_sec", "-1");
    info.zeros({"aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"});
    info.line("aof_last_bgrewrite_status", "ok");
    info.line("aof_last_write_status", "ok");
}

void stats_section(InfoText& info, const Gateway& g) {
    if (!info.section("Stats")) {
        return;
    }
    const Counters& c = g.counters;
    info.line("total_connections_received", read(c.connections_total));
    info.line("total_commands_processed", read(c.requests));
    info.line("instantaneous_ops_per_sec", g.requests_per_second());
    info.line("total_net_input_bytes", read(c.bytes_in));
    info.line("total_net_output_bytes", read(c.bytes_out));
    info.line("rejected_connections", read(c.refused));
    info.zeros({"sync_full", "sync_partial_ok", "sync_partial_err"});
    info.line("keyspace_hits", read(c.hits));
    info.line("keyspace_misses", read(c.misses));
    info.line("pubsub_channels", g.channels.channel_count());
    info.line("pubsub_patterns", g.channels.pattern_count());
    info.line("latest_fork_usec", std::uint64_t{0});
    const TrackingTable::Totals tracking = g.tracking.totals();
    info.line("tracking_total_keys", tracking.keys);
    info.line("tracking_total_items", tracking.items);
    info.line("tracking_total_prefixes", tracking.prefixes);
    info.zeros({"unexpected_error_replies"});
    info.line("total_error_replies", read(c.errors));
}

void replication_section(InfoText& info, const Gateway& g) {
    if (!info.section("Replication")) {
        return;
    }
    info.line("role", "master");
    info.zeros({"connected_slaves"});
    info.line("master_failover_state", "no-failover");
    info.line("master_replid", g.run_id());
    info.zeros({"master_repl_offset", "repl_backlog_active", "repl_backlog_size"});
}

void cpu_section(InfoText& info) {
    if (!info.section("CPU")) {
        return;
    }
    rusage own{}, children{};
    ::getrusage(RUSAGE_SELF, &own);
    ::getrusage(RUSAGE_CHILDREN, &children);
    info.line("used_cpu_sys", seconds_of(own.ru_stime));
    info.line("used_cpu_user", seconds_of(own.ru_utime));
    info.line("used_cpu_sys_children", seconds_of(children.ru_stime));
    info.line("used_cpu_user_children", seconds_of(children.ru_utime));
}

// The time a command takes is not measured for each: usec stays 0.
void commandstats_section(InfoText& info, const Gateway& g) {
    if (!info.section("Commandstats", false)) {
        return;
    }
    const auto all = commands();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const CommandCounters& counted = g.counters.commands[i];
        if (read(counted.calls) + read(counted.rejected) != 0) {
            info.line("cmdstat_" + std::string(all[i].name),
                      "calls=" + std::to_string(read(counted.calls)) +
                          ",usec=0,usec_per_call=0.00,rejected_calls=" +
                          std::to_string(read(counted.rejected)) +
                          ",failed_calls=" + std::to_string(read(counted.failed)));
        }
    }
}

Step reply_info(Exchange& x) {
    Gateway& g = x.gateway;
    InfoText info(x.args.subspan(1));
    server_section(info, g);
    clients_section(info, g);
    memory_section(info, g);
    persistence_section(info, g);
    stats_section(info, g);
    replication_section(info, g);
    cpu_section(info);
    info.section("Modules");
    commandstats_section(info, g);
    info.section("Errorstats");
    if (info.section("Cluster")) {
        info.zeros({"cluster_enabled"});
    }
    if (info.section("Larder")) {
        info.line("fence_not_kept", read(g.counters.not_kept));
        info.line("client_timeouts", read(g.counters.timeouts));
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

// What of MEMORY STATS larder can tell.
Step memory_stats(Exchange& x) {
    x.counted = 0;
    return x.then(x.cache().count(x.host(), LARDER_NS_NONE, &x.counted, x.call()), [](Exchange& y) {
        const std::uint64_t bytes = resident_bytes();
        y.reply.map(4);
        y.reply.bulk("peak.allocated");
        y.reply.integer(static_cast<std::int64_t>(y.gateway.note_memory(bytes)));
        y.reply.bulk("total.allocated");
        y.reply.integer(static_cast<std::int64_t>(bytes));
        y.reply.bulk("keys.count");
        y.reply.integer(static_cast<std::int64_t>(y.counted));
        y.reply.bulk("keys.bytes-per-key");
        y.reply.integer(static_cast<std::int64_t>(y.counted == 0 ? 0 : bytes / y.counted));
        return Step::Done;
    });
}

}  // namespace larder::resp
