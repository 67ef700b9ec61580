// kernel/serve/endpoints_health.cpp -- whether the cache is there, in the words of those who ask.
#include "kernel/serve/endpoints.hpp"
#include "kernel/serve/figures_json.hpp"

#include <algorithm>
#include <charconv>

namespace larder::serve {
namespace {

namespace json = boost::json;

// The info of the first shared store that says something; null: none does.
const StoreInfo* server_of(const std::vector<StoreInfo>& infos) { return infos.empty() ? nullptr : &infos.front(); }

json::value number(std::string_view text) {
    if (text.empty()) return nullptr;
    std::int64_t whole = 0;
    const auto* const end = text.data() + text.size();
    if (const auto [at, error] = std::from_chars(text.data(), end, whole); error == std::errc{} && at == end) return whole;
    double real = 0;
    if (const auto [at, error] = std::from_chars(text.data(), end, real); error == std::errc{} && at == end) return real;
    return nullptr;
}

json::value text(std::string_view value) {
    return value.empty() ? json::value(nullptr) : json::value(json::string_view(value.data(), value.size()));
}

std::uint64_t bytes_in_memory(const Figures& figures) {
    std::uint64_t sum = 0;
    for (const TierFigures& tier : figures.tiers)
        if (!tier.shared) sum += tier.bytes;
    return sum;
}

// The member `name` of what the kernel says of its plugins; null: it is not there.
json::value of_plugins(Kernel& kernel, const char* name) {
    json::error_code error;
    const json::value root = json::parse(kernel.stats("plugins"), error);
    const auto* const found = error || !root.is_object() ? nullptr : root.get_object().if_contains(name);
    return found == nullptr ? json::value(nullptr) : *found;
}

// Whether calls of a store may succeed: its breaker is closed, and it does not say itself that it is down.
bool is_up(const TierFigures& tier, const json::value& plugins) {
    if (tier.breaker != 0) return false;
    const auto* const all = plugins.if_object();
    const auto* const instance = all == nullptr ? nullptr : all->if_contains("store." + tier.name);
    const auto* const facts = instance == nullptr ? nullptr : instance->if_object();
    const auto* const health = facts == nullptr ? nullptr : facts->if_contains("health");
    return health == nullptr || *health != "down";
}

// Clients of this process: what its gateways count.
json::value own_clients(Kernel& kernel) {
    const json::value read = of_plugins(kernel, "plugin_metrics");
    const auto* const metrics = &read;
    if (!metrics->is_object()) return nullptr;
    const auto* const family = metrics->get_object().if_contains("larder_plugin_org_larder_resp_connections");
    if (family == nullptr) return nullptr;
    double sum = 0;
    for (const json::value& sample : family->at("samples").as_array())
        if (const auto* const value = sample.as_object().if_contains("value")) sum += value->to_number<double>();
    return static_cast<std::int64_t>(sum);
}

}  // namespace

json::object cache_info(Kernel& kernel, const Figures& figures, bool& available) {
    const auto infos = kernel.store_infos();
    const StoreInfo* const server = server_of(infos);
    const Answers found = answers(figures);
    const json::value plugins = of_plugins(kernel, "plugins");
    available = std::all_of(figures.tiers.begin(), figures.tiers.end(),
                            [&](const TierFigures& tier) { return !tier.shared || is_up(tier, plugins); });
    json::object out{{"status", available ? "available" : "unavailable"}};
    out["redis_version"] = server == nullptr ? json::value(nullptr) : text(server->find("redis_version"));
    out["used_memory"] = server == nullptr || server->find("used_memory").empty()
                             ? json::value(json::string(human_bytes(bytes_in_memory(figures))))
                             : text(server->find("used_memory_human"));
    out["connected_clients"] = server == nullptr ? own_clients(kernel) : number(server->find("connected_clients"));
    out["hit_rate"] = percent(found.hits, found.all());
    return out;
}

json::object key_counts(const std::vector<const SpaceFigures*>& spaces) {
    json::object out;
    std::uint64_t total = 0;
    for (const SpaceFigures* space : spaces) {
        std::string name = space->counts.name;
        std::replace(name.begin(), name.end(), '.', '_');
        out[name + "_keys"] = space->entries;
        total += space->entries;
    }
    out["total_keys"] = total;
    return out;
}

HttpReply unavailable() {
    return reply({{"success", false}, {"error", "Redis cache not available"}, {"cache_available", false}}, 503);
}

HttpReply health(const Ask& ask) {
    bool available = false;
    json::object info = cache_info(ask.kernel, ask.kernel.cache().figures(), available);
    if (!available) return unavailable();
    return reply({{"success", true}, {"cache_info", std::move(info)}});
}

HttpReply health_detailed(const Ask& ask) {
    const Figures figures = ask.kernel.cache().figures();
    bool available = false;
    json::object info = cache_info(ask.kernel, figures, available);
    if (!available) return unavailable();
    const auto infos = ask.kernel.store_infos();
    const StoreInfo nothing;
    const StoreInfo& server = infos.empty() ? nothing : infos.front();
    const Answers found = answers(figures);
    const json::value uptime = server.find("uptime_in_seconds").empty()
                                   ? json::value(ask.kernel.uptime_ms() / 1000)
                                   : number(server.find("uptime_in_seconds"));
    json::object detail;
    detail["key_counts"] = key_counts(under(figures, ""));
    detail["memory_usage"] = json::object{{"used_memory", info["used_memory"]},
                                          {"used_memory_peak", text(server.find("used_memory_peak_human"))},
                                          {"memory_fragmentation_ratio", number(server.find("mem_fragmentation_ratio"))}};
    detail["connections"] = json::object{{"connected_clients", info["connected_clients"]},
                                         {"total_connections_received", number(server.find("total_connections_received"))},
                                         {"total_commands_processed", number(server.find("total_commands_processed"))},
                                         {"uptime_in_seconds", uptime}};
    detail["performance"] = json::object{{"keyspace_hits", found.hits},
                                         {"keyspace_misses", found.misses},
                                         {"hit_rate", percent(found.hits, found.all())}};
    detail["redis_version"] = info["redis_version"];
    detail["redis_mode"] = text(server.find("redis_mode"));
    return reply({{"success", true},
                  {"timestamp", timestamp(figures.wall_ms)},
                  {"cache_info", std::move(info)},
                  {"detailed_statistics", std::move(detail)}});
}

HttpReply self_test(const Ask& ask) {
    const auto probes = ask.kernel.cache().probe();
    const auto all = [&](bool StoreProbe::*what) {
        return !probes.empty() && std::all_of(probes.begin(), probes.end(), [&](const StoreProbe& one) { return one.*what; });
    };
    json::object results{{"cache_available", all(&StoreProbe::set)},      {"set_operation", all(&StoreProbe::set)},
                         {"get_operation", all(&StoreProbe::get)},       {"exists_operation", all(&StoreProbe::exists)},
                         {"delete_operation", all(&StoreProbe::removed)}, {"get_after_delete", all(&StoreProbe::gone)}};
    json::object stores;
    for (const StoreProbe& probe : probes) stores[probe.store] = probe.set && probe.get && probe.exists && probe.removed && probe.gone;
    if (!all(&StoreProbe::set)) return unavailable();
    const bool good = all(&StoreProbe::get) && all(&StoreProbe::exists) && all(&StoreProbe::removed) && all(&StoreProbe::gone);
    return reply({{"success", good}, {"test_results", std::move(results)}, {"stores", std::move(stores)}}, good ? 200 : 503);
}

HttpReply alive(const Ask&) { return reply({{"status", "ok"}}); }

HttpReply ready(const Ask& ask) {
    const Figures figures = ask.kernel.cache().figures();
    json::object checks{{"policy", ask.kernel.cache().policy() != nullptr}};
    const json::value plugins = of_plugins(ask.kernel, "plugins");
    bool good = true;
    for (const TierFigures& tier : figures.tiers) {
        const bool up = is_up(tier, plugins);
        checks["store." + tier.name] = up;
        good = good && (up || !tier.shared);
    }
    return reply({{"status", good ? "ready" : "not ready"}, {"checks", std::move(checks)}}, good ? 200 : 503);
}

}  // namespace larder::serve
