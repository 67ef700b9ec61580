// plugins/warmer_predictive/predictive.cpp -- see predictive.hpp.
#include "predictive.hpp"

#include "history_file.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>

namespace larder::warmer_predictive {

namespace json = boost::json;
using plugin::text_of;

namespace {

double rounded(double value) { return std::round(value * 1000) / 1000; }

json::value or_null(bool there, json::value value) { return there ? std::move(value) : json::value(nullptr); }

}  // namespace

Predictive::Predictive(plugin::Host host, const plugin::Config& config)
    : host_(host), file_(config.text("history", "")), save_every_ms_(static_cast<std::uint64_t>(config.duration_ns("save_every") / 1'000'000)), patterns_(config.size("memory")) {}

void Predictive::start() {
    if (file_.empty()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    std::string text, why;
    saved_ms_ = host_.wall_ms();
    if (!read_history(file_, text, why)) {
        problem_ = "the history is not read: " + why;
    } else if (!text.empty() && !patterns_.load(text)) {
        problem_ = "the history is not read: it says what it cannot";
    }
    if (!problem_.empty()) host_.log(LARDER_LOG_WARN, {file_, ": ", problem_, "; learning begins anew"});
}

void Predictive::stop(std::uint64_t) {
    const std::lock_guard<std::mutex> lock(mutex_);
    save();
}

void Predictive::save() {
    if (file_.empty()) return;
    saved_ms_ = host_.wall_ms();
    std::string why;
    const bool was_well = problem_.empty();
    problem_ = write_history(file_, patterns_.save(), why) ? std::string() : "the history is not written: " + why;
    if (!problem_.empty() && was_well) host_.log(LARDER_LOG_WARN, {file_, ": ", problem_});
}

plugin::Health Predictive::health() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (problem_.empty()) return {};
    return {LARDER_HEALTH_DEGRADED, problem_};
}

std::string Predictive::space_of(std::uint32_t ns) {
    larder_bytes found{};
    const larder_cache_api& cache = host_.cache();
    return cache.ns_name(host_.raw(), ns, &found) == LARDER_OK ? std::string(text_of(found)) : std::string();
}

Rules Predictive::rules_of(const larder_warm_run& run) const {
    Rules out;
    const auto minutes = [](std::uint64_t ms) { return static_cast<std::uint32_t>(std::min<std::uint64_t>(ms / 60'000, 7 * 1440)); };
    if (run.window_ms != 0) out.window_min = std::max(minutes(run.window_ms), 1u);
    if (run.horizon_ms != 0) out.horizon_min = std::max(minutes(run.horizon_ms), 1u);
    out.ttl_min = minutes(run.ttl_ms);
    out.min_accesses = run.min_accesses;
    out.min_priority = run.min_priority;
    return out;
}

larder_status Predictive::fetch(const larder_warm_item&, const larder_call&, larder_cache_set&, plugin::Reply) { return plugin::Reply::miss(); }

void Predictive::observe(std::span<const larder_access> batch) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::uint32_t ns = LARDER_NS_NONE;
    std::string space;
    for (const larder_access& access : batch) {
        if (access.ns != ns) {
            ns = access.ns;
            space = space_of(ns);
        }
        if (space.empty()) continue;
        const std::string_view key = text_of(access.key);
        if (access.what == LARDER_ACCESS_PRELOADED) {
            patterns_.made(space, key);
            patterns_.cost(space, key, access.cost_us);
        } else if (access.weight == 0) {
            patterns_.cost(space, key, access.cost_us);
        } else {
            if (access.what == LARDER_ACCESS_FIRST_HIT) patterns_.used(space, key);
            patterns_.add({access.at_ms, space, key, access.weight, access.cost_us, 1});
        }
    }
    if (!file_.empty() && host_.wall_ms() >= saved_ms_ + save_every_ms_) save();
}

larder_status Predictive::plan(const larder_warm_run& run, plugin::WarmSink sink) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::string space = space_of(run.ns);
    for (const PlannedKey& one : patterns_.plan(space, host_.wall_ms(), rules_of(run), run.max_items)) {
        larder_warm_item item{};
        item.struct_size = sizeof item;
        item.ns = run.ns;
        item.key = plugin::bytes_of(one.key);
        item.priority = one.priority;
        item.cost_ms = one.cost_us / 1000;
        item.due_ms = one.due_ms;
        if (!sink.add(item)) break;
    }
    return LARDER_OK;
}

std::string Predictive::analysis(std::string_view space, const Rules& rules, std::size_t most, bool week) {
    const std::uint64_t now = host_.wall_ms();
    json::array patterns;
    std::array<std::uint64_t, 5> of{};
    for (const Pattern& one : patterns_.list(space, now, rules, 0)) {
        ++of[static_cast<std::size_t>(one.verdict.type)];
        if (patterns.size() >= most || (week && one.priority < 8)) continue;
        json::array hours(one.verdict.peak_hours.begin(), one.verdict.peak_hours.end());
        const json::string_view follower(one.follower.data(), one.follower.size());
        patterns.push_back({{"key", json::string_view(one.key.data(), one.key.size())},
                            {"namespace", json::string_view(space.data(), space.size())},
                            {"access_type", word_of(one.verdict.type).data()},
                            {"preload_priority", one.priority},
                            {"predictability_score", rounded(one.verdict.predictability)},
                            {"peak_hours", std::move(hours)},
                            {"access_count", one.accesses},
                            {"period_minutes", or_null(one.verdict.period_min != 0, one.verdict.period_min)},
                            {"load_ms", or_null(one.cost_us != 0, one.cost_us / 1000.0)},
                            {"next_ms", or_null(one.next_ms != 0, one.next_ms)},
                            {"followed_by", or_null(!one.follower.empty(), follower)},
                            {"followed_share", or_null(!one.follower.empty(), rounded(one.follower_share))},
                            {"preloads", one.made},
                            {"preloads_used", one.used}});
    }
    json::object types;
    for (std::size_t i = 0; i < of.size(); ++i) types[word_of(static_cast<AccessType>(i)).data()] = of[i];
    const Score score = patterns_.score();
    json::object out{{"patterns", std::move(patterns)},
                     {"access_types", std::move(types)},
                     {"min_accesses", rules.min_accesses},
                     {"preload_threshold_priority", rules.min_priority},
                     {"proposed_threshold", patterns_.proposed_threshold(space, now, rules)},
                     {"preloads", score.made},
                     {"preloads_used", score.used},
                     {"success_rate", or_null(score.made != 0, rounded(score.success()))},
                     {"ms_saved", score.saved_us / 1000},
                     {"keys_tracked", patterns_.keys()},
                     {"memory_bytes", patterns_.bytes()}};
    return json::serialize(out);
}

larder_status Predictive::report(std::string_view what, const larder_warm_run& run, plugin::Reply out) {
    if (what != "analysis" && what != "week") return LARDER_E_UNSUPPORTED;
    const std::lock_guard<std::mutex> lock(mutex_);
    return out.owned(analysis(space_of(run.ns), rules_of(run), run.max_items == 0 ? 1000 : run.max_items, what == "week"));
}

}  // namespace larder::warmer_predictive
