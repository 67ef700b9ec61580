// kernel/serve/endpoints_figures.cpp -- statistics in the shapes that dashboards of five systems read.
#include "kernel/core/compression_report.hpp"
#include "kernel/serve/endpoints.hpp"
#include "kernel/serve/figures_json.hpp"

#include <algorithm>

namespace larder::serve {
namespace {

namespace json = boost::json;

json::value compression_of(const Figures& figures) { return json::parse(compression_json(figures)); }

json::object flow_of(const Figures& figures) {
    // A level is a place in the chain: the first tier of every namespace, the second, ...
    struct Level {
        std::string name;
        std::uint64_t hits = 0, misses = 0;
    };
    std::vector<Level> levels;
    json::object spaces;
    const Answers all = answers(figures);
    for (const SpaceFigures& space : figures.spaces) {
        json::array steps;
        for (const SpaceTierFigures& tier : space.tiers) {
            auto level = std::find_if(levels.begin(), levels.end(), [&](const Level& one) { return one.name == tier.tier; });
            if (level == levels.end()) level = levels.insert(levels.end(), {tier.tier});
            level->hits += tier.hits;
            level->misses += tier.misses;
            steps.push_back({{"tier", tier.tier}, {"hits", tier.hits}, {"misses", tier.misses}, {"hit_rate", percent(tier.hits, tier.hits + tier.misses)}});
        }
        spaces[space.counts.name] = std::move(steps);
    }
    json::array shown;
    for (std::size_t i = 0; i < levels.size(); ++i) {
        const Level& level = levels[i];
        const TierFigures* tier = figures.tier(level.name);
        shown.push_back({{"level", "L" + std::to_string(i + 1)},
                         {"tier", level.name},
                         {"plugin", tier == nullptr ? "" : tier->plugin},
                         {"hits", level.hits},
                         {"misses", level.misses},
                         {"hit_rate", percent(level.hits, level.hits + level.misses)},
                         {"share_of_requests", percent(level.hits, all.all())}});
    }
    return {{"levels", std::move(shown)},
            {"requests", all.all()},
            {"miss", json::object{{"requests", all.misses}, {"share_of_requests", percent(all.misses, all.all())}}},
            {"by_namespace", std::move(spaces)}};
}

}  // namespace

HttpReply statistics(const Ask& ask) {
    const std::string_view wanted = ask.parameter("namespace");
    if (!wanted.empty() && !ask.kernel.cache().policy()->find(wanted))
        return refusal(404, "the policy has no namespace `" + std::string(wanted) + "`");
    const Figures figures = ask.kernel.cache().figures();
    const auto spaces = under(figures, wanted);
    bool available = false;
    json::object info = cache_info(ask.kernel, figures, available);
    json::object by_namespace, tiers;
    for (const SpaceFigures* space : spaces) by_namespace[space->counts.name] = space_json(*space);
    for (const TierFigures& tier : figures.tiers) tiers[tier.name] = tier_json(tier);
    return reply({{"success", true},
                  {"cache_info", std::move(info)},
                  {"key_counts", key_counts(spaces)},
                  {"overall", summary(spaces)},
                  {"by_namespace", std::move(by_namespace)},
                  {"by_tier", std::move(tiers)}});
}

HttpReply performance(const Ask& ask) {
    const Figures figures = ask.kernel.cache().figures();
    json::object by_namespace, tiers;
    for (const SpaceFigures& space : figures.spaces) by_namespace[space.counts.name] = summary({&space});
    for (const TierFigures& tier : figures.tiers) tiers[tier.name] = tier_json(tier);
    json::object overall = summary(under(figures, ""));
    overall["by_namespace"] = std::move(by_namespace);
    overall["by_tier"] = std::move(tiers);
    overall["uptime_seconds"] = ask.kernel.uptime_ms() / 1000;
    return reply({{"performance", std::move(overall)},
                  {"compression", compression_of(figures)},
                  {"multi_level", flow_of(figures)}});
}

HttpReply compression(const Ask& ask) { return reply(compression_of(ask.kernel.cache().figures()).as_object()); }

HttpReply memory(const Ask& ask) {
    const Figures figures = ask.kernel.cache().figures();
    json::object tiers, spaces;
    for (const TierFigures& tier : figures.tiers) {
        tiers[tier.name] = json::object{{"plugin", tier.plugin},
                                        {"entries", tier.entries},
                                        {"bytes", tier.bytes},
                                        {"capacity_bytes", tier.capacity_bytes},
                                        {"used_percent", percent(tier.bytes, tier.capacity_bytes)},
                                        {"evictions", tier.evictions},
                                        {"expirations", tier.expirations}};
    }
    for (const SpaceFigures& space : figures.spaces) {
        json::object one{{"entries", space.entries}, {"bytes", space.bytes}};
        for (const SpaceTierFigures& tier : space.tiers)
            one[tier.tier] = json::object{{"entries", tier.entries}, {"bytes", tier.bytes}};
        spaces[space.counts.name] = std::move(one);
    }
    return reply({{"tiers", std::move(tiers)}, {"by_namespace", std::move(spaces)}});
}

HttpReply flow(const Ask& ask) { return reply(flow_of(ask.kernel.cache().figures())); }

HttpReply patterns(const Ask& ask) {
    const std::string_view wanted = ask.parameter("report");
    if (!wanted.empty() && wanted != "analysis" && wanted != "week") return refusal(400, "?report= is analysis or week");
    const std::string text = ask.kernel.patterns(wanted.empty() ? "analysis" : wanted, 200);
    if (text.empty())
        return not_here("patterns of access are not analysed: no `warm` of the policy says `learn`, or no plugin that learns is configured (`[source.NAME] plugin = \"predictive\"`)");
    json::object out = json::parse(text).as_object();
    out["success"] = true;
    return reply(std::move(out));
}

}  // namespace larder::serve
