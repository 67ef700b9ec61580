// kernel/api/alerts.cpp -- a policy's alerts, judged.
#include "kernel/api/alerts.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace larder::api {
namespace {

bool compare(double value, dsl::Condition::Relation relation, double limit) {
    using R = dsl::Condition::Relation;
    switch (relation) {
        case R::lt: return value < limit;
        case R::le: return value <= limit;
        case R::gt: return value > limit;
        case R::ge: return value >= limit;
        case R::eq: return value == limit;
        case R::is: break;
    }
    return false;
}

const char* sign(dsl::Condition::Relation relation) {
    static constexpr std::array<const char*, 6> signs{"<", "<=", ">", ">=", "=", "is"};
    return signs[static_cast<std::size_t>(relation)];
}

std::string text_of(const dsl::Condition& condition) {
    std::string out = condition.metric;
    std::string of;
    for (const std::string& name : condition.of) (of += of.empty() ? "" : ", ") += name;
    if (!of.empty()) out += "(" + of + ")";
    out += std::string(" ") + sign(condition.relation) + " ";
    if (condition.relation == dsl::Condition::Relation::is) return out + condition.word;
    std::array<char, 40> number{};
    std::snprintf(number.data(), number.size(), "%g", condition.value);
    return out + number.data();
}

bool is_lasting(const Measure& measure) { return measure.kind == Measure::Kind::level || measure.kind == Measure::Kind::state; }

// Whether a level or a state is as the condition says, right now.
bool is_so(const dsl::Condition& condition, const Measure& measure) {
    if (measure.kind == Measure::Kind::state) return condition.relation == dsl::Condition::Relation::is && measure.word == condition.word;
    return measure.kind == Measure::Kind::level && measure.known && compare(measure.part, condition.relation, condition.value);
}

template <class Fn>
void each_condition(const dsl::Alert& alert, Fn&& fn) {
    std::size_t i = 0;
    for (const auto& group : alert.when)
        for (const dsl::Condition& condition : group) fn(condition, i++);
}

std::vector<Measure> measures_of(const dsl::Alert& alert, const Figures& figures, const StoreCapacities& capacities) {
    std::vector<Measure> out;
    each_condition(alert, [&](const dsl::Condition& condition, std::size_t) { out.push_back(measure(condition, figures, capacities)); });
    return out;
}

bool same(const dsl::Alert& a, const dsl::Alert& b) {
    return a.name == b.name && a.text == b.text && a.hold == b.hold;
}

}  // namespace

std::optional<double> value_between(const Measure& before, const Measure& after) {
    switch (after.kind) {
        case Measure::Kind::ratio: {
            const double whole = after.whole - before.whole;
            if (whole <= 0 || after.part < before.part) return std::nullopt;
            return std::min(1.0, (after.part - before.part) / whole);
        }
        case Measure::Kind::count: return after.part < before.part ? std::nullopt : std::optional(after.part - before.part);
        case Measure::Kind::mean:
        case Measure::Kind::quantile: {
            DurationFigures between = after.durations;
            if (between.count <= before.durations.count) return std::nullopt;
            between -= before.durations;
            return 1000 * (after.kind == Measure::Kind::mean ? between.mean_s() : between.quantile_s(after.quantile));
        }
        case Measure::Kind::level: return after.known ? std::optional(after.part) : std::nullopt;
        case Measure::Kind::state:
        case Measure::Kind::unknown: break;
    }
    return std::nullopt;
}

std::uint64_t AlertBook::window_ns(const dsl::Alert& alert) {
    constexpr std::uint64_t minute_ns = 60'000'000'000;
    return alert.hold.count() > 0 ? static_cast<std::uint64_t>(alert.hold.count()) * 1'000'000 : minute_ns;
}

void AlertBook::follow(const std::vector<dsl::Alert>& alerts) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Watched> next;
    for (const dsl::Alert& alert : alerts) {
        const auto known = std::find_if(watched_.begin(), watched_.end(), [&](const Watched& one) { return same(one.alert, alert); });
        Watched made;
        if (known != watched_.end()) made = std::move(*known);
        made.alert = alert;
        made.state.name = alert.name;
        made.state.doc = alert.doc;
        made.state.condition = alert.text;
        made.state.where = alert.where.text();
        made.state.to = alert.to;
        next.push_back(std::move(made));
    }
    watched_ = std::move(next);
}

bool AlertBook::empty() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return watched_.empty();
}

bool AlertBook::judge_one(const Watched& watched, const Sample& now, bool at_once, std::vector<AlertReading>& readings) {
    const std::uint64_t window = window_ns(watched.alert);
    // The youngest sample that is as old as the window; without one, it is not full yet.
    const Sample* from = nullptr;
    for (const Sample& sample : watched.samples)
        if (now.at_ns - sample.at_ns >= window) from = &sample;
    if (from == nullptr && at_once && !watched.samples.empty()) from = &watched.samples.front();
    const Measure nothing;
    readings.clear();
    each_condition(watched.alert, [&](const dsl::Condition& condition, std::size_t i) {
        const Measure& measured = now.measures[i];
        AlertReading reading;
        reading.text = text_of(condition);
        reading.value = value_between(from != nullptr ? from->measures[i] : nothing, measured);
        if (is_lasting(measured)) {
            const std::uint64_t since = i < watched.held_since_ns.size() ? watched.held_since_ns[i] : 0;
            // What fires needs no time again: it is over when it is not so any more.
            reading.holds = at_once || watched.state.firing ? is_so(condition, measured) : since != 0 && now.at_ns - since >= static_cast<std::uint64_t>(watched.alert.hold.count()) * 1'000'000;
        } else {
            reading.holds = (from != nullptr || at_once) && reading.value && compare(*reading.value, condition.relation, condition.value);
        }
        readings.push_back(std::move(reading));
    });
    std::size_t i = 0;
    bool any = false;
    for (const auto& group : watched.alert.when) {
        bool all = !group.empty();
        for (std::size_t k = 0; k < group.size(); ++k) all = readings[i++].holds && all;
        any = any || all;
    }
    return any;
}

std::vector<AlertNotice> AlertBook::judge(const Figures& figures, const StoreCapacities& capacities, bool at_once) {
    std::vector<AlertNotice> out;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Watched& watched : watched_) {
        Sample now{figures.mono_ns, measures_of(watched.alert, figures, capacities)};
        watched.held_since_ns.resize(now.measures.size());
        each_condition(watched.alert, [&](const dsl::Condition& condition, std::size_t i) {
            std::uint64_t& since = watched.held_since_ns[i];
            if (!is_lasting(now.measures[i]) || !is_so(condition, now.measures[i])) since = 0;
            else if (since == 0) since = now.at_ns;
        });
        const std::uint64_t window = window_ns(watched.alert), step = window / samples_of_window;
        // One that was made to fire before its window was full is judged by what there is until it is.
        const bool full = !watched.samples.empty() && now.at_ns - watched.samples.front().at_ns >= window;
        const bool so = judge_one(watched, now, at_once || (watched.state.firing && !full), watched.state.readings);
        if (watched.samples.empty() || now.at_ns - watched.samples.back().at_ns >= step) watched.samples.push_back(std::move(now));
        // One that is older than the window stays: the window begins at it.
        while (watched.samples.size() > 1 && figures.mono_ns - watched.samples[1].at_ns >= window) watched.samples.pop_front();
        if (so == watched.state.firing) continue;
        watched.state.firing = so;
        watched.state.holds_now = so;
        watched.state.since_ms = figures.wall_ms;
        out.push_back({watched.state, figures.wall_ms});
    }
    return out;
}

std::vector<AlertState> AlertBook::look(const Figures& figures, const StoreCapacities& capacities) const {
    std::vector<AlertState> out;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const Watched& watched : watched_) {
        AlertState state = watched.state;
        const Sample now{figures.mono_ns, measures_of(watched.alert, figures, capacities)};
        state.holds_now = judge_one(watched, now, true, state.readings);
        out.push_back(std::move(state));
    }
    return out;
}

}  // namespace larder::api
