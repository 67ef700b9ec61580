// kernel/api/guard_watch.cpp -- guards, judged from the switch on.
#include "kernel/api/guard_watch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace larder::api {
namespace {

// No window is longer than what is watched, or it would never be full.
std::vector<dsl::Alert> fitted(std::vector<dsl::Alert> watches, dsl::Ms length) {
    for (dsl::Alert& watch : watches) {
        watch.hold = std::min(watch.hold, length);
        watch.name = watch.text;
    }
    return watches;
}

bool is_share(std::string_view metric) {
    static constexpr std::array<std::string_view, 5> shares{"hit_rate", "miss_rate", "error_rate", "compression_ratio", "memory_used"};
    return std::find(shares.begin(), shares.end(), metric) != shares.end();
}


std::string number(const char* form, double value) {
    std::array<char, 48> out{};
    std::snprintf(out.data(), out.size(), form, value);
    return out.data();
}

std::string name_of(const dsl::Condition& condition) {
    std::string of;
    for (const std::string& one : condition.of) (of += of.empty() ? "" : ", ") += one;
    return condition.metric + (of.empty() ? "" : "(" + of + ")");
}


bool same(const dsl::Alert& a, const dsl::Alert& b) { return a.text == b.text && a.hold == b.hold; }

}  // namespace

std::string metric_text(std::string_view metric, double value) {
    if (is_share(metric)) return number("%.1f%%", value * 100);
    if (metric.find("latency") != std::string_view::npos) return number("%.3gms", value);
    return number("%.6g", value);
}

std::vector<dsl::Alert> watches_of(const dsl::Policy& before, const dsl::Policy& after) {
    std::vector<dsl::Alert> out = after.guards.watches;
    for (const dsl::Alert& one : before.guards.watches)
        if (std::none_of(out.begin(), out.end(), [&](const dsl::Alert& known) { return same(known, one); })) out.push_back(one);
    return out;
}

GuardWatch::GuardWatch(std::vector<dsl::Alert> watches, dsl::Ms length, const Figures& begin, const StoreCapacities& capacities)
    : watches_(fitted(std::move(watches), length)),
      length_(length),
      begin_(begin),
      capacities_(capacities),
      until_ns_(begin.mono_ns + static_cast<std::uint64_t>(length.count()) * 1'000'000) {
    book_.follow(watches_);
    book_.judge(begin, capacities);
}

std::string GuardWatch::measured(const dsl::Condition& condition, const AlertReading& reading) const {
    if (condition.relation == dsl::Condition::Relation::is) return name_of(condition) + (reading.holds ? " is " + condition.word : " is not " + condition.word);
    return name_of(condition) + " " + (reading.value ? metric_text(condition.metric, *reading.value) : std::string("nothing to measure"));
}

std::string GuardWatch::judge(const Figures& now, const StoreCapacities& capacities) {
    std::string breach;
    book_.judge(now, capacities);
    progress_.clear();
    const std::vector<AlertState> states = book_.look(now, capacities);
    for (std::size_t i = 0; i < states.size() && i < watches_.size(); ++i) {
        std::size_t r = 0;
        std::string seen, why;
        for (const auto& group : watches_[i].when)
            for (const dsl::Condition& condition : group) {
                if (r >= states[i].readings.size()) break;
                const AlertReading& reading = states[i].readings[r++];
                (seen += seen.empty() ? "" : ", ") += measured(condition, reading);
                if (!reading.holds) continue;
                (why += why.empty() ? "" : "; ") += measured(condition, reading);
                if (condition.relation == dsl::Condition::Relation::is || !reading.value) continue;
                why += ", " + metric_text(condition.metric, std::abs(*reading.value - condition.value)) +
                       (*reading.value < condition.value ? " below " : " above ") + metric_text(condition.metric, condition.value);
                if (const auto was = value_between(Measure{}, measure(condition, begin_, capacities_)); was && is_share(condition.metric))
                    why += " (" + metric_text(condition.metric, *was) + " until the switch)";
            }
        (progress_ += progress_.empty() ? "" : "; ") += seen + " (breach: " + watches_[i].text + ")";
        if (states[i].firing && breach.empty())
            breach = (why.empty() ? seen : why) + "; guard `watch " + watches_[i].text + "`, " + watches_[i].where.text();
    }
    return breach;
}

}  // namespace larder::api
