// dsl/check_thresholds.cpp -- conditions of alerts that nothing measured can meet, or can fail to
// meet.
//
// Every metric has a range: a rate lies between 0 and 1, a count is not negative. A condition keeps a
// part of it; conditions joined by `and` keep what all of them do. What is left of a metric is empty:
// never. Every condition keeps the whole range: always.
#include "dsl/check_run.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

namespace larder::dsl {

namespace {

constexpr double unbounded = std::numeric_limits<double>::infinity();
constexpr std::array<std::string_view, 3> breaker_states{"closed", "open", "half_open"};

struct Range {
    double low = 0, high = unbounded;
    bool with_low = true, with_high = true;

    bool empty() const {
        return low > high || (!(low < high) && !(with_low && with_high));
    }
    bool holds(double v) const {
        return (v > low || (with_low && !(v < low))) && (v < high || (with_high && !(v > high)));
    }
};

// What a metric can be. Percentages are 0..1 as everywhere in a Condition.
Range range_of(std::string_view metric) {
    if (metric == "hit_rate" || metric == "miss_rate" || metric == "error_rate") return {0, 1};
    // A value that grew under its codec saves less than nothing.
    if (metric == "compression_ratio") return {-unbounded, 1};
    return {};
}

bool is_share(std::string_view metric) {
    return std::isfinite(range_of(metric).high) || metric == "memory_used";
}

void keep(Range& range, Condition::Relation relation, double value) {
    using Relation = Condition::Relation;
    const bool below = relation == Relation::lt || relation == Relation::le,
               above = relation == Relation::gt || relation == Relation::ge,
               equal = relation == Relation::eq;
    const bool with = relation == Relation::le || relation == Relation::ge || equal;
    if ((below || equal) && (value < range.high || (!(value > range.high) && !with))) {
        range.high = value;
        range.with_high = with;
    }
    if ((above || equal) && (value > range.low || (!(value < range.low) && !with))) {
        range.low = value;
        range.with_low = with;
    }
    // `= 5` of something that ends at 1: the other end stays, and the range is empty.
}

bool always(const Condition& c) {
    if (c.relation == Condition::Relation::is || c.relation == Condition::Relation::eq) return false;
    const Range all = range_of(c.metric);
    Range kept = all;
    keep(kept, c.relation, c.value);
    return kept.low == all.low && kept.high == all.high && kept.with_low == all.with_low &&
           kept.with_high == all.with_high;
}

std::string between(std::string_view metric) {
    if (std::isfinite(range_of(metric).low) && std::isfinite(range_of(metric).high))
        return ticked(metric) + " is between 0 % and 100 %";
    if (std::isfinite(range_of(metric).high)) return ticked(metric) + " is never above 100 %";
    return ticked(metric) + " is never negative";
}

class Thresholds {
  public:
    Thresholds(Draft& draft, const ast::Alert& node, const Alert& alert)
        : draft_(draft), node_(node), alert_(alert) {}

    void run() {
        std::size_t never = 0;
        bool all_always = true;
        for (std::size_t g = 0; g < alert_.when.size(); ++g) {
            if (impossible(g)) ++never;
        }
        for (const auto& group : alert_.when) {
            all_always = all_always && std::all_of(group.begin(), group.end(), always);
        }
        if (never > 0) {
            auto& d = draft_.say.warning(
                "L0315", at_,
                never == alert_.when.size()
                    ? "alert " + ticked(alert_.name) + " can never fire"
                    : "this part of alert " + ticked(alert_.name) + " can never be true",
                why_);
            if (!help_.empty()) d.helps.push_back(help_);
        } else if (all_always && !alert_.when.empty()) {
            const ast::Compare& c = node_.when[0][0];
            auto& d = draft_.say.warning(
                "L0315", cover(c.metric.at, c.limit.at),
                "alert " + ticked(alert_.name) + " fires whenever anything is measured",
                between(c.metric.text));
            if (auto help = percent_of(alert_.when[0][0], c); !help.empty())
                d.helps.push_back(std::move(help));
        }
    }

  private:
    // A number where a share was meant.
    static std::string percent_of(const Condition& c, const ast::Compare& shown) {
        if (!is_share(c.metric) || shown.limit.kind == ast::Unit::percent || c.value <= 1 ||
            c.value > 100)
            return {};
        const auto whole = static_cast<long>(c.value);
        return "a share is written with its sign: `" + std::to_string(whole) + "%`";
    }

    bool impossible(std::size_t g) {
        std::map<std::pair<std::string, std::vector<std::string>>, Range> left;
        std::map<std::vector<std::string>, std::string> states;
        for (std::size_t k = 0; k < alert_.when[g].size(); ++k) {
            const Condition& c = alert_.when[g][k];
            const ast::Compare& shown = node_.when[g][k];
            if (c.metric == "breaker") {
                if (!state(c, shown, states)) return true;
                continue;
            }
            if (c.relation == Condition::Relation::is)
                return say(shown, ticked(c.metric) + " is a number, not a word", {});
            const auto [it, fresh] =
                left.try_emplace({c.metric, c.of}, range_of(c.metric));
            const bool alone = [&] {
                Range one = range_of(c.metric);
                keep(one, c.relation, c.value);
                return one.empty();
            }();
            keep(it->second, c.relation, c.value);
            if (!it->second.empty()) continue;
            return say(shown,
                       alone ? between(c.metric)
                             : "contradicts what is asked of " + ticked(c.metric) + " before",
                       alone ? percent_of(c, shown) : std::string());
        }
        return false;
    }

    bool state(const Condition& c, const ast::Compare& shown,
               std::map<std::vector<std::string>, std::string>& states) {
        if (c.relation != Condition::Relation::is) {
            say(shown, "`breaker` is a state, not a number",
                "write `breaker" + of(c) + " is open`");
            return false;
        }
        if (std::find(breaker_states.begin(), breaker_states.end(), c.word) ==
            breaker_states.end()) {
            const auto meant = nearest(c.word, breaker_states);
            say(shown, ticked(c.word) + " is no state of a breaker",
                meant.empty() ? "its states are `closed`, `open` and `half_open`"
                              : "did you mean " + ticked(meant) + "?");
            return false;
        }
        const auto [it, fresh] = states.try_emplace(c.of, c.word);
        if (fresh || it->second == c.word) return true;
        say(shown, "it cannot be " + ticked(it->second) + " at the same time", {});
        return false;
    }

    static std::string of(const Condition& c) {
        return c.of.empty() ? std::string() : "(" + c.of.front() + ")";
    }

    // Remembers the first; always true.
    bool say(const ast::Compare& shown, std::string why, std::string help) {
        if (!why_.empty()) return true;
        at_ = cover(shown.metric.at, shown.limit.at);
        why_ = std::move(why);
        help_ = std::move(help);
        return true;
    }

    Draft& draft_;
    const ast::Alert& node_;
    const Alert& alert_;
    Span at_;
    std::string why_, help_;
};

}  // namespace

void check_thresholds(Draft& draft) {
    std::size_t k = 0;
    for (const ast::Policy* tree : draft.trees) {
        for (const ast::Item& item : *tree) {
            const auto* node = as<ast::Alert>(item);
            if (node) Thresholds(draft, *node, draft.policy.alerts[k++]).run();
        }
    }
}

}  // namespace larder::dsl
