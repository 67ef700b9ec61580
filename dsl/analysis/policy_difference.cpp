// dsl/analysis/policy_difference.cpp -- the classes of both policies together, and what each policy
// does.
#include "dsl/analysis/policy_difference.hpp"

#include "dsl/schema.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace larder::dsl {
namespace {

// What one side does and the other does not.
std::vector<Effect> without(const std::vector<Effect>& these, const std::vector<Effect>& those) {
    std::set<std::string> known;
    for (const Effect& e : those) known.insert(e.meaning());
    std::vector<Effect> out;
    for (const Effect& e : these)
        if (!known.contains(e.meaning())) out.push_back(e);
    return out;
}

template <class Difference>
bool compare(Difference& into, const std::vector<Effect>& old, const std::vector<Effect>& now) {
    into.lost = without(old, now);
    into.won = without(now, old);
    return !into.lost.empty() || !into.won.empty();
}

// The rules `on drop of`, by what they are about.
struct About {
    std::string ns, key;  // key without the names of its fields
    auto operator<=>(const About&) const = default;
};
struct DropRules {
    std::string shown;
    std::vector<std::uint32_t> rules;
};

std::map<About, DropRules> drop_rules(const Policy& policy) {
    std::map<About, DropRules> out;
    for (std::uint32_t r = 0; r < policy.rules.size(); ++r) {
        const Rule& rule = policy.rules[r];
        if (rule.kind != TriggerKind::drop_of) continue;
        const Namespace& of = policy.namespaces[rule.of];
        About about{of.name, {}};
        if (rule.of_key) about.key = meaning_of(rule.of_key->pattern(), of);
        DropRules& mine = out[about];
        if (mine.rules.empty() && rule.of_key) mine.shown = rule.of_key->pattern().source;
        mine.rules.push_back(r);
    }
    return out;
}

class Comparison {
  public:
    Comparison(const Policy& before, const Policy& after) : before_(before), after_(after) {}

    PolicyDifference run(JointBounds bounds) {
        const std::array<const Policy*, 2> both{&before_.policy(), &after_.policy()};
        bounds.segments = std::max(before_.segments(), after_.segments());
        RequestClasses classes = classes_of(both, bounds);
        out_.complete = classes.complete;
        out_.classes = classes.requests.size() + classes.events.size();
        for (RequestClass& c : classes.requests) request(std::move(c));
        for (EventClass& c : classes.events) {
            EventDifference d;
            if (compare(d, before_.of(c.rules[0], none), after_.of(c.rules[1], none))) {
                d.event = std::move(c.name);
                out_.events.push_back(std::move(d));
            }
        }
        drops();
        out_.items = item_differences(before_.policy(), after_.policy());
        return std::move(out_);
    }

  private:
    void request(RequestClass c) {
        if (c.idle()) return;
        RequestDifference d;
        if (!compare(d, before_.of(c.rules[0], c.serving[0], c.segments),
                     after_.of(c.rules[1], c.serving[1], c.segments)))
            return;
        d.requests = std::move(c);
        out_.requests.push_back(std::move(d));
    }

    void drops() {
        const auto old = drop_rules(before_.policy()), now = drop_rules(after_.policy());
        std::map<About, std::pair<const DropRules*, const DropRules*>> all;
        for (const auto& [about, rules] : old) all[about].first = &rules;
        for (const auto& [about, rules] : now) all[about].second = &rules;
        for (const auto& [about, rules] : all) {
            DropDifference d{about.ns, (rules.second ? rules.second : rules.first)->shown, {}, {}};
            const auto effects = [](const Effects& from, const DropRules* some) {
                return some ? from.of(some->rules, none) : std::vector<Effect>();
            };
            if (compare(d, effects(before_, rules.first), effects(after_, rules.second)))
                out_.drops.push_back(std::move(d));
        }
    }

    Effects before_, after_;
    PolicyDifference out_;
};

}  // namespace

PolicyDifference difference(const Policy& before, const Policy& after, const JointBounds& bounds) {
    return Comparison(before, after).run(bounds);
}

}  // namespace larder::dsl
