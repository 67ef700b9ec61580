// kernel/serve/figures_json.cpp -- figures as the admin API writes them.
#include "kernel/serve/figures_json.hpp"

#include "kernel/core/entry_history.hpp"
#include "kernel/core/ledger.hpp"

#include <array>
#include <cmath>
#include <ctime>

namespace larder::serve {

namespace json = boost::json;

double rounded(double value, int decimals) {
    const double by = std::pow(10, decimals);
    return std::round(value * by) / by;
}

json::value percent(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) return nullptr;
    return rounded(100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

json::value milliseconds(const DurationFigures& durations, double quantile) {
    if (durations.count == 0) return nullptr;
    return rounded(1000 * (quantile < 0 ? durations.mean_s() : durations.quantile_s(quantile)), 4);
}

std::string human_bytes(std::uint64_t bytes) {
    static constexpr std::array<const char*, 4> units{"B", "K", "M", "G"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    if (unit == 0) return std::to_string(bytes) + "B";
    std::array<char, 32> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.2f%s", value, units[unit]);
    return std::string(text.data(), static_cast<std::size_t>(size));
}

std::string timestamp(std::uint64_t wall_ms) {
    const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return std::string(text.data(), size);
}

Answers answers(const Figures& figures) {
    Answers out;
    for (const SpaceFigures& space : figures.spaces) out += space.counts;
    return out;
}

json::object summary(const std::vector<const SpaceFigures*>& spaces) {
    Answers found;
    DurationFigures took;
    std::uint64_t operations = 0;
    for (const SpaceFigures* space : spaces) {
        found += space->counts;
        operations += space->counts.puts + space->counts.removes;
        for (const auto* one : {&space->gets, &space->puts, &space->loads}) took += *one;
    }
    return {{"hit_rate", percent(found.hits, found.all())},
            {"miss_rate", percent(found.misses, found.all())},
            {"hits", found.hits},
            {"misses", found.misses},
            {"total_operations", found.all() + operations},
            {"average_latency_ms", milliseconds(took, -1)},
            {"p95_latency_ms", milliseconds(took, 0.95)}};
}

json::object durations_json(const DurationFigures& durations) {
    return {{"buckets", json::array(durations.in_bucket.begin(), durations.in_bucket.end())}, {"sum_s", durations.sum_s}};
}

json::object space_json(const SpaceFigures& space) {
    const SpaceCounts& c = space.counts;
    json::object out = summary({&space});
    out["sets"] = c.puts;
    out["set_bytes"] = space.put_bytes;
    out["removes"] = c.removes;
    out["stale"] = c.stale;
    out["absent"] = c.absent;
    out["loads"] = c.loads;
    out["load_errors"] = c.load_errors;
    out["waits"] = c.waits;
    out["refused"] = c.refused;
    out["fenced"] = c.fenced;
    out["errors"] = c.errors;
    out["damaged"] = c.damaged;
    out["entries"] = space.entries;
    out["bytes"] = space.bytes;
    out["ttl_ms"] = space.ttl_ms == 0 ? json::value(nullptr) : json::value(space.ttl_ms);
    out["latency_ms"] = json::object{{"get_p50", milliseconds(space.gets, 0.5)},
                                     {"get_p95", milliseconds(space.gets, 0.95)},
                                     {"get_p99", milliseconds(space.gets, 0.99)},
                                     {"set_p95", milliseconds(space.puts, 0.95)},
                                     {"load_mean", milliseconds(space.loads, -1)},
                                     {"load_p95", milliseconds(space.loads, 0.95)}};
    out["durations"] = json::object{{"gets", durations_json(space.gets)}, {"puts", durations_json(space.puts)}, {"loads", durations_json(space.loads)}};
    if (space.demotes) out["demotions"] = json::object{{"placed", space.demoted}, {"lost", space.demotions_lost}, {"overtaken", space.demotions_overtaken}};
    const Ledger ledger = ledger_of(space);
    out["ledger"] = json::object{{"queries_avoided", ledger.queries_avoided},
                                 {"origin_queries", ledger.origin_queries},
                                 {"warmed", ledger.ahead},
                                 {"ms_saved", ledger.load_ms == 0 ? json::value(nullptr) : json::value(rounded(ledger.ms_saved, 0))},
                                 {"load_ms", ledger.load_ms == 0 ? json::value(nullptr) : json::value(rounded(ledger.load_ms, 3))},
                                 {"bytes_spent", ledger.bytes},
                                 {"exact", ledger.exact}};
    out["withheld"] = space.counts.withheld;
    out["stripped"] = space.counts.stripped;
    out["codec"] = space.codec;
    out["raw_bytes"] = space.raw_bytes;
    out["stored_bytes"] = space.stored_bytes;
    json::array tiers;
    for (const SpaceTierFigures& tier : space.tiers)
        tiers.push_back({{"tier", tier.tier},
                         {"hits", tier.hits},
                         {"misses", tier.misses},
                         {"hit_rate", percent(tier.hits, tier.hits + tier.misses)},
                         {"entries", tier.entries},
                         {"bytes", tier.bytes}});
    out["tiers"] = std::move(tiers);
    return out;
}

json::object tier_json(const TierFigures& tier) {
    static constexpr std::array<const char*, 3> states{"closed", "open", "half open"};
    json::object errors;
    for (std::size_t i = 0; i < tier.errors.size(); ++i) errors[store_error_words[i]] = tier.errors[i];
    const std::uint64_t calls = tier.hits + tier.misses;
    json::object out{{"plugin", tier.plugin},
                     {"shared", tier.shared},
                     {"hits", tier.hits},
                     {"misses", tier.misses},
                     {"hit_rate", percent(tier.hits, calls)},
                     {"entries", tier.entries},
                     {"bytes", tier.bytes},
                     {"capacity_bytes", tier.capacity_bytes},
                     {"memory_used_percent", percent(tier.bytes, tier.capacity_bytes)},
                     {"evictions", tier.evictions},
                     {"expirations", tier.expirations},
                     {"bypassed", tier.bypassed},
                     {"errors", std::move(errors)},
                     {"error_rate", percent(tier.error_sum(), calls + tier.error_sum())},
                     {"breaker", states[std::min<std::size_t>(tier.breaker, 2)]},
                     {"breaker_opened", tier.breaker_opened},
                     {"trusted", tier.trusted},
                     {"latency_ms", json::object{{"get_p50", milliseconds(tier.gets, 0.5)},
                                                 {"get_p95", milliseconds(tier.gets, 0.95)},
                                                 {"get_p99", milliseconds(tier.gets, 0.99)},
                                                 {"set_p95", milliseconds(tier.puts, 0.95)},
                                                 {"remove_p95", milliseconds(tier.removes, 0.95)}}}};
    out["durations"] = json::object{{"gets", durations_json(tier.gets)}, {"puts", durations_json(tier.puts)}, {"removes", durations_json(tier.removes)}};
    const TierFigures::Ends& e = tier.ends;
    out["ends"] = json::object{{"expired_used", e.expired_used}, {"expired_unused", e.expired_unused},
                               {"evicted_used", e.evicted_used}, {"evicted_unused", e.evicted_unused},
                               {"removed_used", e.removed_used}, {"removed_unused", e.removed_unused}};
    return out;
}

json::array alerts_json(const std::vector<AlertState>& alerts) {
    json::array out;
    for (const AlertState& alert : alerts) {
        json::array readings, sinks;
        for (const AlertReading& reading : alert.readings)
            readings.push_back({{"condition", reading.text},
                                {"value", reading.value ? json::value(*reading.value) : json::value(nullptr)},
                                {"holds", reading.holds}});
        for (const auto& [kind, name] : alert.to) sinks.emplace_back(name.empty() ? kind : kind + " " + name);
        out.push_back({{"type", alert.name},
                       {"condition", alert.condition},
                       {"doc", alert.doc},
                       {"where", alert.where},
                       {"firing", alert.firing},
                       {"holds_now", alert.holds_now},
                       {"since_ms", alert.since_ms == 0 ? json::value(nullptr) : json::value(alert.since_ms)},
                       {"readings", std::move(readings)},
                       {"sinks", std::move(sinks)}});
    }
    return out;
}

std::vector<const SpaceFigures*> under(const Figures& figures, std::string_view name) {
    std::vector<const SpaceFigures*> out;
    for (const SpaceFigures& space : figures.spaces) {
        const std::string_view own = space.counts.name;
        const bool below = own.size() > name.size() && own.starts_with(name) && own[name.size()] == '.';
        if (name.empty() || own == name || below) out.push_back(&space);
    }
    return out;
}

json::array rules_json(const Figures& figures) {
    json::array out;
    for (const RuleFigures& rule : figures.rules)
        out.push_back({{"file", rule.file}, {"line", rule.line}, {"rule", rule.head}, {"fired", rule.fired}});
    return out;
}

boost::json::object history_json(const EntryHistory& history) {
    static constexpr const char* words[] = {"missing", "unknown", "dead", "damaged", "stale", "live"};
    boost::json::array copies;
    for (const EntryCopy& c : history.copies) {
        boost::json::object one{{"tier", c.tier}, {"is", words[static_cast<std::size_t>(c.is)]}};
        if (c.is == EntryCopy::Is::stale || c.is == EntryCopy::Is::live) {
            one["made_ms"] = c.made_ms;
            one["filled_by"] = c.load_us != 0 ? "load" : "put";
            one["load_us"] = c.load_us;
            one["left_ms"] = c.left_ms;
            one["bytes"] = c.raw_bytes;
            one["stored_bytes"] = c.stored_bytes;
            one["absent"] = c.absent;
            one["scopes"] = c.scopes;
        }
        copies.push_back(std::move(one));
    }
    boost::json::object out{{"entry", history.key}, {"present", history.present()}, {"now_ms", history.now_ms},
                            {"copies", std::move(copies)}, {"reads_about", history.reads}, {"removal", nullptr}};
    if (history.removal)
        out["removal"] = boost::json::object{{"at_ms", history.removal->at_ms}, {"expired", history.removal->expire},
                                             {"with", history.removal->what}, {"by", history.removal->cause}};
    return out;
}

}  // namespace larder::serve
