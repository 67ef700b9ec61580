// kernel/serve/endpoints_kernel.cpp -- larder's own endpoints: live figures, the policy, events, metrics.
#include "kernel/serve/endpoints.hpp"

#include "kernel/core/warming.hpp"
#include "kernel/serve/figures_json.hpp"

#include "kernel/api/history.hpp"
#include "kernel/api/version.hpp"
#include "kernel/core/entry_history.hpp"

#include <larder/plugin/services.h>

#include <algorithm>
#include <charconv>

namespace larder::serve {
namespace {

namespace json = boost::json;

std::uint64_t after_of(const Ask& ask) {
    const std::string_view text = ask.parameter("after");
    std::uint64_t after = 0;
    std::from_chars(text.data(), text.data() + text.size(), after);
    return after;
}

// Events after a number, of one type or of all (""), the last `most` of them.
json::array events_after(Kernel& kernel, std::uint64_t after, std::string_view type, std::size_t most, std::uint64_t& last) {
    json::array out;
    last = kernel.cache().each_event(after, [&](std::uint64_t at, std::uint64_t at_ms, int severity, std::string_view what, std::string_view text) {
        if (!type.empty() && what != type) return;
        if (out.size() >= most) out.erase(out.begin());
        out.push_back({{"number", at},
                       {"at_ms", at_ms},
                       {"severity", severity},
                       {"type", json::string_view(what.data(), what.size())},
                       {"text", json::string_view(text.data(), text.size())}});
    });
    return out;
}

// A section of the kernel's own statistics.
json::value section(Kernel& kernel, const char* name) {
    json::error_code error;
    const json::value root = json::parse(kernel.stats(name), error);
    const auto* const found = error || !root.is_object() ? nullptr : root.get_object().if_contains(name);
    return found == nullptr ? json::value(nullptr) : *found;
}

json::object changes_of(const Figures& figures) {
    json::object out;
    for (std::size_t scope = 0; scope < change_scope_words.size(); ++scope) {
        json::object by_cause;
        for (std::size_t cause = 0; cause < change_cause_words.size(); ++cause)
            by_cause[change_cause_words[cause]] = figures.changes[scope][cause];
        out[change_scope_words[scope]] = std::move(by_cause);
    }
    return out;
}

}  // namespace

HttpReply live(const Ask& ask) {
    const Figures figures = ask.kernel.cache().figures();
    json::object spaces, tiers;
    for (const SpaceFigures& space : figures.spaces) spaces[space.counts.name] = space_json(space);
    for (const TierFigures& tier : figures.tiers) tiers[tier.name] = tier_json(tier);
    std::uint64_t last = 0;
    json::array dropped = events_after(ask.kernel, after_of(ask), "invalidate", 100, last);
    // Keys are what clients asked for: who may only read figures is not told them.
    if (ask.role >= LARDER_ROLE_INVALIDATE)
        for (const Cache::HotKey& hot : ask.kernel.cache().hot_keys()) {
            auto* const space = spaces.if_contains(hot.space);
            if (space == nullptr) continue;
            auto& shown = space->get_object()["hot_keys"];
            if (shown.is_null()) {
                const SpaceFigures* counted = figures.space(hot.space);
                shown = json::object{{"sampled", counted == nullptr ? 0 : counted->gets.count}, {"keys", json::array()}};
            }
            shown.get_object()["keys"].get_array().push_back(
                json::object{{"key", hot.key},
                             {"reads", hot.reads},
                             {"bytes", hot.bytes == 0 ? json::value(nullptr) : json::value(hot.bytes)},
                             {"load_ms", hot.load_us == 0 ? json::value(nullptr) : json::value(hot.load_us / 1000.0)}});
        }
    json::array bounds(DurationFigures::bounds_s.begin(), DurationFigures::bounds_s.end());
    return reply({{"at_ms", figures.wall_ms},
                  {"mono_ms", figures.mono_ns / 1'000'000},
                  {"version", version},
                  {"uptime_seconds", ask.kernel.uptime_ms() / 1000},
                  {"overall", summary(under(figures, ""))},
                  {"namespaces", std::move(spaces)},
                  {"tiers", std::move(tiers)},
                  {"rules", rules_json(figures)},
                  {"warming", json::parse(warm_json(ask.kernel.warming().runs())).at("runs")},
                  {"changes", changes_of(figures)},
                  {"invalidations", std::move(dropped)},
                  {"removals", section(ask.kernel, "removals")},
                  {"kernel", section(ask.kernel, "kernel")},
                  {"duration_bounds_s", std::move(bounds)},
                  {"durations", json::object{{"changes", durations_json(figures.changing)}}},
                  {"last_event", last}});
}

HttpReply plugins(const Ask& ask) {
    json::error_code error;
    const json::value read = json::parse(ask.kernel.stats("plugins"), error);
    return error || !read.is_object() ? refusal(500, "the kernel failed; its log says more") : reply(read.get_object());
}

HttpReply events(const Ask& ask) {
    std::uint64_t last = 0;
    json::array found = events_after(ask.kernel, after_of(ask), ask.parameter("type"), 1000, last);
    return reply({{"events", std::move(found)}, {"last", last}});
}

HttpReply explain(const Ask& ask) {
    bool ok = false;
    std::string text = ask.kernel.explain(ask.parameter("what"), ok);
    if (!ok) return refusal(400, std::move(text));
    return reply({{"success", true}, {"text", std::move(text)}});
}

HttpReply why(const Ask& ask) {
    const std::string_view space = ask.parameter("namespace"), key = ask.parameter("key");
    if (space.empty() || key.empty()) return refusal(400, "say which entry: ?namespace=NAMESPACE&key=KEY");
    std::uint32_t ns = 0;
    if (ask.kernel.cache().ns_find(space, &ns) != LARDER_OK) return refusal(404, "the policy has no such namespace");
    const auto history = ask.kernel.cache().history(ns, key);
    if (!history) return refusal(400, "no key of that namespace looks like this");
    return reply(history_json(*history));
}

HttpReply metrics(const Ask& ask) {
    HttpReply out;
    std::string problem;
    if (!ask.kernel.render_metrics(ask.request.accept, out.body, out.content_type, problem)) return not_here(std::move(problem));
    return out;
}

HttpReply alerts(const Ask& ask) { return reply({{"alerts", alerts_json(ask.kernel.alerts())}}); }

HttpReply check_alerts(const Ask& ask) { return reply({{"success", true}, {"alerts", alerts_json(ask.kernel.check_alerts())}}); }

// Points: thinned to at most ?points of them, 288 without (of seven days, so one in 35 minutes).
HttpReply capacity(const Ask& ask) {
    const api::History& history = ask.kernel.history();
    std::size_t most = 288;
    if (const std::string_view text = ask.parameter("points"); !text.empty()) {
        std::from_chars(text.data(), text.data() + text.size(), most);
        most = std::clamp<std::size_t>(most, 1, api::History::points);
    }
    const auto line = [&](const std::string& what) {
        const auto points = history.points_of(what);
        json::array out;
        const std::size_t step = std::max<std::size_t>(1, (points.size() + most - 1) / most);
        for (std::size_t i = points.empty() ? 0 : (points.size() - 1) % step; i < points.size(); i += step)
            out.push_back(json::array{points[i].at_ms, points[i].entries, points[i].bytes});
        return out;
    };
    const Figures figures = ask.kernel.cache().figures();
    const StoreCapacities servers = ask.kernel.store_capacities();
    json::object stores, spaces;
    for (const TierFigures& tier : figures.tiers) {
        std::uint64_t most_bytes = tier.capacity_bytes;
        for (const auto& [name, said] : servers)
            if (name == tier.name) most_bytes = said.second;
        const std::string what = "store:" + tier.name;
        const auto forecast = history.forecast(what, most_bytes);
        stores[tier.name] = json::object{{"capacity_bytes", most_bytes},
                                         {"bytes_per_hour", forecast ? json::value(rounded(forecast->bytes_per_hour)) : json::value(nullptr)},
                                         {"full_in_hours", forecast && forecast->full_in_hours ? json::value(rounded(*forecast->full_in_hours)) : json::value(nullptr)},
                                         {"points", line(what)}};
    }
    for (const SpaceFigures* space : under(figures, ask.parameter("namespace"))) {
        const auto forecast = history.forecast("namespace:" + space->counts.name, 0);
        spaces[space->counts.name] = json::object{{"bytes_per_hour", forecast ? json::value(rounded(forecast->bytes_per_hour)) : json::value(nullptr)},
                                                  {"points", line("namespace:" + space->counts.name)}};
    }
    return reply({{"columns", json::array{"at_ms", "entries", "bytes"}}, {"stores", std::move(stores)}, {"namespaces", std::move(spaces)}});
}

HttpReply description(const Ask& ask) { return reply(openapi(ask.options)); }

}  // namespace larder::serve
