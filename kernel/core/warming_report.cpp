// kernel/core/warming_report.cpp -- what goes on, and what is to come: as it stands, in words and as JSON.
#include "kernel/core/warming.hpp"

#include <larder/plugin/warmer.h>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace larder {
namespace {

namespace json = boost::json;

double rounded(double value) { return std::round(value * 10) / 10; }

std::string seconds(std::uint64_t ms) {
    std::array<char, 32> text{};
    if (ms < 60'000) std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(ms) / 1000);
    else std::snprintf(text.data(), text.size(), "%llu min %llu s", static_cast<unsigned long long>(ms / 60'000), static_cast<unsigned long long>(ms / 1000 % 60));
    return text.data();
}

json::value number_or_null(bool there, std::uint64_t value) { return there ? json::value(value) : json::value(nullptr); }

json::object run_json(const WarmRun& run) {
    return {{"id", run.id},
            {"namespace", run.space},
            {"item", run.head},
            {"where", run.where},
            {"reason", warm_reason(run.reason)},
            {"priority", run.priority},
            {"state", warm_state(run.state)},
            {"total", run.total},
            {"loaded", run.loaded},
            {"fresh", run.fresh},
            {"absent", run.absent},
            {"loading_elsewhere", run.flying},
            {"not_kept", run.lost},
            {"errors", run.failed},
            {"left", run.left},
            {"percent", rounded(run.percent())},
            {"per_second", rounded(run.per_second())},
            {"remaining_ms", number_or_null(!run.over() && run.remaining_ms() != 0, run.remaining_ms())},
            {"took_ms", run.took_ms},
            {"bytes", run.bytes},
            {"load_ms", rounded(static_cast<double>(run.load_us) / 1000)},
            {"began_ms", number_or_null(run.began_ms != 0, run.began_ms)},
            {"ended_ms", number_or_null(run.ended_ms != 0, run.ended_ms)},
            {"problem", run.problem.empty() ? json::value(nullptr) : json::value(run.problem)}};
}

void append_counts(const WarmRun& run, std::string& out) {
    const std::pair<std::uint64_t, const char*> counts[] = {{run.loaded, "loaded"},
                                                            {run.fresh, "fresh already"},
                                                            {run.absent, "not there"},
                                                            {run.flying, "loaded by somebody else"},
                                                            {run.lost, "dropped meanwhile"},
                                                            {run.failed, "failed"},
                                                            {run.left, run.over() ? "not tried" : "left"}};
    bool any = false;
    for (const auto& [count, word] : counts) {
        if (count == 0) continue;
        out += (any ? ", " : "") + std::to_string(count) + " " + word;
        any = true;
    }
    if (!any) out += "nothing to do";
}

}  // namespace

std::string_view warm_reason(std::uint32_t reason) {
    static constexpr std::array<std::string_view, 5> words{"startup", "schedule", "demand", "refresh", "forecast"};
    return words[std::min<std::size_t>(reason, words.size() - 1)];
}

std::string_view warm_state(WarmRun::State state) {
    static constexpr std::array<std::string_view, 5> words{"waiting", "running", "done", "gave up", "closed"};
    return words[static_cast<std::size_t>(state)];
}

std::string warm_json(const std::vector<WarmRun>& runs) {
    json::array out;
    for (const WarmRun& run : runs) out.push_back(run_json(run));
    return json::serialize(json::object{{"runs", std::move(out)}});
}

std::string warm_text(const std::vector<WarmRun>& runs) {
    std::string out;
    for (const WarmRun& run : runs) {
        if (!out.empty()) out += '\n';
        std::array<char, 64> text{};
        std::snprintf(text.data(), text.size(), "%.0f%%", std::floor(run.percent()));
        out += run.head + " (" + run.where + ", " + std::string(warm_reason(run.reason)) + "): " + std::string(warm_state(run.state)) + ", " + text.data() + " of " +
               std::to_string(run.total) + ": ";
        append_counts(run, out);
        if (run.began_ms != 0) {
            std::snprintf(text.data(), text.size(), ", %.1f per second", run.per_second());
            out += " in " + seconds(run.took_ms) + text.data();
        }
        if (!run.over() && run.remaining_ms() != 0) out += ", about " + seconds(run.remaining_ms()) + " remain";
        if (!run.problem.empty()) out += "; last problem: " + run.problem;
    }
    return out;
}

std::vector<WarmRun> Warming::runs() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<WarmRun> out;
    for (const RunPtr& run : active_) {
        out.push_back(run->told);
        if (run->began_ns != 0) out.back().took_ms = (parts_.clock->mono_ns() - run->began_ns) / 1'000'000;
        if (run->going == 0 && !run->planning) out.back().state = WarmRun::State::waiting;
    }
    out.insert(out.end(), over_.begin(), over_.end());
    return out;
}

std::optional<WarmRun> Warming::run(std::uint64_t id) const {
    for (WarmRun& one : runs())
        if (one.id == id) return std::move(one);
    return std::nullopt;
}

std::vector<WarmPlan> Warming::plans() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<WarmPlan> out;
    if (policy_ == nullptr) return out;
    for (std::uint32_t i = 0; i < policy_->warms.size(); ++i) {
        const dsl::Warm& warm = policy_->warms[i];
        WarmPlan plan;
        plan.space = policy_->namespaces[warm.ns].name;
        plan.head = head_of(*policy_, warm);
        plan.source = warm.source;
        plan.where = warm.where.file + ":" + std::to_string(warm.where.line);
        plan.doc = warm.doc;
        plan.number = i;
        plan.enabled = warm.enabled;
        plan.learns = warm.learn_window.has_value();
        plan.items = static_cast<std::size_t>(std::count_if(warm.items.begin(), warm.items.end(), [](const dsl::WarmItem& item) { return !item.key.empty(); }));
        std::uint32_t ns = 0;
        plan.sleeps = parts_.cache->ns_find(plan.space, &ns) != LARDER_OK || !parts_.cache->has_source(ns, warm.source);
        const auto planned = planned_.find(same_of(*policy_, warm));
        const std::uint64_t now = parts_.clock->mono_ns();
        if (planned != planned_.end() && planned->second.at_ns != 0)
            plan.next_ms = static_cast<std::int64_t>((planned->second.at_ns > now ? planned->second.at_ns - now : 0) / 1'000'000);
        out.push_back(std::move(plan));
    }
    return out;
}

}  // namespace larder
