// dsl/check_redundant.cpp -- rules that add nothing: others fire on every such request and do the
// same.
//
// A rule is judged change by change. Who else does a change is looked up by its meaning, so that only
// rules about the same thing are compared; whether those fire on all requests of the rule is decided
// by subtracting their routes. From the last rule to the first, and a rule that is found is not there
// for the ones judged after it: taking away all that are reported loses nothing.
#include "dsl/automaton.hpp"
#include "dsl/check_reach.hpp"
#include "dsl/check_texts.hpp"
#include "dsl/rule_meaning.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace larder::dsl {

namespace {

class Redundant {
  public:
    explicit Redundant(Draft& draft) : draft_(draft), policy_(draft.policy) {}

    void run() {
        for (std::uint32_t r = 0; r < policy_.rules.size(); ++r) learn(r);
        for (auto r = static_cast<std::uint32_t>(policy_.rules.size()); r-- > 0;) judge(r);
        if (budget_ == 0) stopped();
    }

  private:
    struct Known {
        RouteGlob glob;
        std::optional<RuleMeaning> meaning;  // none: the rule is not looked at
        std::optional<Automaton> route;      // made when it is compared
        bool gone = false;
    };
    // The rules that do one thing; when there are several, by what their routes begin with.
    struct Doers {
        std::vector<std::uint32_t> rules;
        std::map<std::string, std::vector<std::uint32_t>, std::less<>> by_head;
    };

    const ast::Text* text_of(std::uint32_t r) const {
        const ast::Trigger& when = draft_.rules[r].node->when;
        if (const auto* t = as<ast::HttpTrigger>(when)) return &t->route;
        if (const auto* t = as<ast::EventTrigger>(when)) return &t->event;
        if (const auto* t = as<ast::PluginTrigger>(when)) return &t->topic;
        return nullptr;
    }

    static std::string key_of(const Rule& rule, const std::string& change) {
        return std::to_string(static_cast<int>(rule.kind)) + rule.plugin + '\0' + change;
    }

    void learn(std::uint32_t r) {
        Known& known = known_.emplace_back();
        const Rule& rule = policy_.rules[r];
        const ast::Text* text = text_of(r);
        if (!draft_.rules[r].sound || text == nullptr || rule.changes.empty()) return;
        const auto bound = bind(draft_, *text, {rule.variables, "in this rule"});
        if (!bound) return;
        known.glob = RouteGlob(*bound, rule.kind == TriggerKind::route);
        known.meaning.emplace(rule, known.glob);
        for (const Change& c : rule.changes) {
            auto& doers = doers_[key_of(rule, known.meaning->of(c))].rules;
            if (doers.empty() || doers.back() != r) doers.push_back(r);
        }
    }

    const Automaton& route(std::uint32_t r) {
        Known& known = known_[r];
        if (!known.route) known.route = Automaton::of_route(known.glob);
        return *known.route;
    }

    // What a change comes to when it is done more broadly: the namespace instead of an entry of it, the
    // one around it, everything.
    std::vector<std::string> broader(const RuleMeaning& meaning, const Change& c) const {
        std::vector<std::string> out{meaning.of(c)};
        Change wide;
        wide.action = c.action;
        wide.kind = TargetKind::everything;
        if (c.kind != TargetKind::everything) out.push_back(meaning.of(wide));
        if (c.kind == TargetKind::tag || c.kind == TargetKind::everything) return out;
        wide.kind = TargetKind::namespace_;
        for (const NamespaceIndex above : policy_.namespaces[c.ns].chain) {
            if (c.kind == TargetKind::namespace_ && above == c.ns) continue;
            wide.ns = above;
            out.push_back(meaning.of(wide));
        }
        return out;
    }

    static bool fires_whenever(const Rule& other, const Rule& rule) {
        if ((rule.methods & ~other.methods) != 0) return false;
        return std::all_of(rule.status.begin(), rule.status.end(), [&other](const StatusRange& s) {
            return std::any_of(other.status.begin(), other.status.end(), [&s](const StatusRange& o) {
                return o.from <= s.from && s.to <= o.to;
            });
        });
    }

    // Rules whose routes could contain that of `r`: such a route begins with less.
    void candidates(std::uint32_t r, const std::string& change, std::vector<std::uint32_t>& out) {
        const auto found = doers_.find(key_of(policy_.rules[r], change));
        if (found == doers_.end()) return;
        Doers& doers = found->second;
        if (doers.rules.size() == 1 && doers.rules[0] == r) return;
        if (doers.by_head.empty())
            for (const std::uint32_t one : doers.rules)
                doers.by_head[route(one).head()].push_back(one);
        const std::string_view head = route(r).head();
        for (std::size_t n = 0; n <= head.size(); ++n) {
            const auto some = doers.by_head.find(head.substr(0, n));
            if (some == doers.by_head.end()) continue;
            for (const std::uint32_t other : some->second) {
                if (budget_ == 0) return;
                --budget_;
                if (other == r || known_[other].gone) continue;
                if (fires_whenever(policy_.rules[other], policy_.rules[r])) out.push_back(other);
            }
        }
    }

    // The rules that do this change whenever `r` does; empty: not always.
    std::vector<std::uint32_t> done_by(std::uint32_t r, const Change& c) {
        std::vector<std::uint32_t> out;
        for (const std::string& change : broader(*known_[r].meaning, c)) candidates(r, change, out);
        std::sort(out.begin(), out.end());
        out.erase(std::unique(out.begin(), out.end()), out.end());
        if (out.size() > most_together) out.resize(most_together);
        std::vector<const Automaton*> routes;
        for (const std::uint32_t other : out) {
            const Automaton* one = &route(other);
            if (covers(r, {&one, 1})) return {other};
            routes.push_back(one);
        }
        if (out.size() < 2 || !covers(r, routes)) out.clear();
        return out;
    }

    bool covers(std::uint32_t r, std::span<const Automaton* const> routes) {
        if (budget_ < cost) budget_ = 0;
        if (budget_ == 0) return false;
        budget_ -= cost;
        const Coverage coverage = not_covered(route(r), routes);
        return !coverage.witness && !coverage.gave_up;
    }

    void judge(std::uint32_t r) {
        const Rule& rule = policy_.rules[r];
        const RulePlace& place = draft_.rules[r];
        if (!known_[r].meaning || rule.serve || !rule.warm.empty() || !rule.end_sessions.empty())
            return;
        // What is dead has findings of its own.
        if (std::any_of(place.changes.begin(), place.changes.end(),
                        [](const ChangePlace& c) { return c.dead; }))
            return;
        std::vector<std::uint32_t> doing;
        for (const Change& c : rule.changes) {
            const auto others = done_by(r, c);
            if (others.empty()) return;
            doing.insert(doing.end(), others.begin(), others.end());
        }
        std::sort(doing.begin(), doing.end());
        doing.erase(std::unique(doing.begin(), doing.end()), doing.end());
        known_[r].gone = true;
        say(r, doing);
    }

    void say(std::uint32_t r, const std::vector<std::uint32_t>& doing) {
        const Where& first = policy_.rules[doing[0]].where;
        const bool here = first.file == policy_.rules[r].where.file;
        const std::string which = here ? "line " + std::to_string(first.line) : first.text();
        auto& d = draft_.say.warning(
            "L0305", draft_.rules[r].node->kw.at,
            doing.size() == 1
                ? "this rule adds nothing: the rule at " + which +
                      " fires on every such request and does the same"
                : "this rule adds nothing: other rules fire on every such request and do the same",
            "may go");
        for (std::size_t k = 0; k < std::min<std::size_t>(doing.size(), 4); ++k)
            d.more.push_back({draft_.rules[doing[k]].node->kw.at, "this one does it"});
        d.helps.push_back("take it away, or let it do something else");
    }

    void stopped() {
        const Span begin{draft_.sources.file(FileId{0}).base(),
                         draft_.sources.file(FileId{0}).base()};
        auto& d = draft_.say.warning(
            "L0326", begin, "this policy has too many rules that overlap to compare all of them");
        d.notes.push_back("rules that add nothing may not all have been found");
        d.helps.push_back("begin routes with fixed text");
    }

    static constexpr std::size_t most_together = 16, cost = 500;

    Draft& draft_;
    Policy& policy_;
    std::vector<Known> known_;
    std::unordered_map<std::string, Doers> doers_;
    std::size_t budget_ = 5'000'000;  // rules looked at; a subtraction of routes counts as many
};

}  // namespace

void check_redundant(Draft& draft) { Redundant(draft).run(); }

}  // namespace larder::dsl
