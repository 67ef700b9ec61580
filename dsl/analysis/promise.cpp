// dsl/analysis/promise.cpp -- one promise against the rules that can meet its trigger.
#include "dsl/analysis/promise.hpp"

#include "dsl/analysis/reach.hpp"
#include "dsl/automaton.hpp"
#include "dsl/route_glob.hpp"
#include "dsl/schema.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <utility>

namespace larder::dsl {
namespace {

using RuleList = std::vector<std::uint32_t>;

// In which order methods are tried for a counterexample.
constexpr std::array<const char*, 7> all_methods{"DELETE", "PATCH", "POST",   "PUT",
                                                 "GET",    "HEAD",  "OPTIONS"};

bool is_under(const Policy& policy, NamespaceIndex ns, NamespaceIndex of) {
    const auto& chain = policy.namespaces[ns].chain;
    return std::find(chain.begin(), chain.end(), of) != chain.end();
}

bool meets(const Template& a, const Template& b) {
    return both_match(Automaton::of_text(a), Automaton::of_text(b)).has_value();
}

class Judgement {
  public:
    Judgement(const Effects& effects, const Promise& promise, const JointBounds& bounds)
        : effects_(effects),
          policy_(effects.policy()),
          promise_(promise),
          when_(promise.when),
          wanted_(promise.when.changes.front()),
          bounds_(bounds) {}

    Verdict run() {
        if (when_.kind == TriggerKind::drop_of) return when_.of == none ? out_ : of_drops();
        const bool paths = when_.kind == TriggerKind::route;
        find_rules(paths);
        std::vector<const Automaton*> views;
        for (const Automaton& a : automata_) views.push_back(&a);
        JointBounds bounds = bounds_;
        bounds.segments = paths ? std::max(effects_.segments(), own_segments()) : 0;
        const JointWalk walk = walk_jointly(views, paths ? Texts::paths : Texts::names, bounds);
        for (const JointWord& word : walk.words) {
            if (word.accepted.empty() || word.accepted.front() != 0) continue;
            RuleList matching;
            for (const std::uint32_t a : word.accepted)
                if (a != 0) matching.push_back(rules_[a - 1]);
            if (paths ? by_method(word, matching) : broken_by(matching, 0, "event " + word.witness))
                return std::move(out_);
        }
        if (!walk.complete || unsure_) out_.is = Verdict::Is::undecided;
        return std::move(out_);
    }

  private:
    // The rules whose trigger can match what the promise's does.
    void find_rules(bool paths) {
        automata_.push_back(Automaton::of_route(RouteGlob(when_.trigger, paths)));
        for (std::uint32_t r = 0; r < policy_.rules.size(); ++r) {
            const Rule& rule = policy_.rules[r];
            if ((rule.kind == TriggerKind::route) != paths || rule.kind == TriggerKind::drop_of)
                continue;
            if (rule.changes.empty() || (paths && (rule.methods & when_.methods) == 0)) continue;
            Automaton a = Automaton::of_route(RouteGlob(rule.trigger, paths));
            if (heads_differ(a.head(), automata_.front().head())) continue;
            automata_.push_back(std::move(a));
            rules_.push_back(r);
        }
    }

    std::uint32_t own_segments() const {
        const RouteGlob route(when_.trigger, true);
        const auto& segments = route.segments();
        const bool rest = !segments.empty() && segments.back().size() == 1 &&
                          segments.back().front().kind == RouteToken::Kind::rest;
        return rest ? static_cast<std::uint32_t>(segments.size() + 1) : 0;
    }

    bool by_method(const JointWord& word, const RuleList& matching) {
        for (const char* name : all_methods) {
            const MethodSet method = method_of(name);
            if ((when_.methods & method) == 0) continue;
            for (const std::uint16_t status : statuses(matching, method)) {
                RuleList firing;
                for (const std::uint32_t r : matching)
                    if ((policy_.rules[r].methods & method) != 0 &&
                        policy_.rules[r].fires_on(status))
                        firing.push_back(r);
                std::string shown = std::string(name) + " " + word.witness;
                if (status != 200) shown += "` answered with `" + std::to_string(status);
                if (broken_by(firing, word.segments, shown)) return true;
            }
        }
        return false;
    }

    // One status of each range within the promise's that rules tell apart; 200 before others.
    std::vector<std::uint16_t> statuses(const RuleList& matching, MethodSet method) const {
        std::vector<std::uint16_t> out;
        for (const StatusRange& s : when_.status) {
            if (s.from <= 200 && 200 <= s.to) out.insert(out.begin(), 200);
            out.push_back(s.from);
            for (const std::uint32_t r : matching) {
                if ((policy_.rules[r].methods & method) == 0) continue;
                for (const StatusRange& x : policy_.rules[r].status)
                    for (const int border : {static_cast<int>(x.from), x.to + 1})
                        if (s.from < border && border <= s.to)
                            out.push_back(static_cast<std::uint16_t>(border));
            }
        }
        return out;
    }

    bool broken_by(const RuleList& firing, std::uint32_t segments, std::string shown) {
        doubt_ = false;
        if (promise_.always ? does(firing, segments) : !touching(firing)) return false;
        unsure_ = unsure_ || doubt_;
        if (doubt_) return false;
        out_.is = Verdict::Is::broken;
        out_.counterexample = std::move(shown);
        out_.rules = firing;
        return true;
    }

    // ---- always

    bool does(const RuleList& firing, std::uint32_t segments) {
        const std::vector<Effect> wanted = effects_.of_one(when_, segments);
        const std::vector<Effect> done = effects_.of(firing, none, segments);
        const auto any = [&](const std::vector<Effect>& some) {
            return std::any_of(some.begin(), some.end(),
                               [&](const Effect& e) { return enough(e, wanted.front()); });
        };
        return any(done) || any(set_off_surely(firing, segments));
    }

    bool enough(const Effect& e, const Effect& wanted) const {
        const bool drops = wanted.deed == Deed::drop && e.deed == Deed::refresh;
        if (e.deed != wanted.deed && !drops) return false;
        if (e.kind == TargetKind::everything) return true;
        if (e.kind == TargetKind::namespace_ && wanted.ns != none && e.ns != none)
            return is_under(policy_, wanted.ns, e.ns);
        return e.kind == wanted.kind && e.target == wanted.target;
    }

    // What rules `on drop of` do for certain: those for all keys of a namespace, and those for one
    // key when it is one key that is dropped, with the rule's values in the place of its own.
    std::vector<Effect> set_off_surely(const RuleList& firing, std::uint32_t segments) {
        std::vector<Effect> out;
        for (const std::uint32_t r : firing)
            for (const Change& c : policy_.rules[r].changes) {
                if (c.kind == TargetKind::tag || c.kind == TargetKind::matching) continue;
                for (const std::uint32_t other : set_off(policy_, c)) {
                    Rule rule = policy_.rules[other];
                    if (!put_in_place(rule, policy_.rules[r], c)) {
                        doubt_ = true;
                        continue;
                    }
                    const auto more = effects_.of_one(rule, segments);
                    out.insert(out.end(), more.begin(), more.end());
                }
            }
        return out;
    }

    // `rule` as the change `c` of `first` sets it off: triggered as `first` is, its fields filled
    // in.
    bool put_in_place(Rule& rule, const Rule& first, const Change& c) const {
        const bool all = !rule.of_key;
        if (!all && c.kind == TargetKind::key) {
            const Namespace& of = policy_.namespaces[c.ns];
            if (!of.key) return false;
            if (meaning_of(rule.of_key->pattern(), of) != meaning_of(of.key->pattern(), of))
                return false;
        }
        std::vector<Change> changes;
        for (Change x : rule.changes) {
            const bool needs =
                std::any_of(x.text.pieces.begin(), x.text.pieces.end(), [](const Piece& p) {
                    return p.kind == Piece::Kind::variable || p.kind == Piece::Kind::rest;
                });
            if (needs && (all || c.kind != TargetKind::key)) {
                if (x.kind == TargetKind::tag)
                    continue;  // all that may carry it: more than is known here
                x.kind = TargetKind::namespace_;
                x.text = {};
            } else if (needs && !fill(x.text, c)) {
                return false;
            }
            changes.push_back(std::move(x));
        }
        rule = first;
        rule.changes = std::move(changes);
        rule.warm.clear();
        rule.end_sessions.clear();
        rule.serve.reset();
        return true;
    }

    // Pieces of the dropped key in the place of the fields they fill. REQUIRES: one piece a field.
    bool fill(Template& text, const Change& c) const {
        std::vector<Piece> fields;
        const auto& shape = policy_.namespaces[c.ns].key->pattern().pieces;
        if (shape.size() != c.text.pieces.size()) return false;
        for (std::size_t k = 0; k < shape.size(); ++k)
            if (shape[k].kind != Piece::Kind::literal) fields.push_back(c.text.pieces[k]);
        for (Piece& p : text.pieces) {
            if (p.kind != Piece::Kind::variable && p.kind != Piece::Kind::rest) continue;
            if (p.slot >= fields.size()) return false;
            p = fields[p.slot];
        }
        return true;
    }

    // ---- never

    bool touching(const RuleList& firing) {
        RuleList ahead = firing, from = firing;
        for (std::size_t k = 0; k < ahead.size() && k < 1'000; ++k)
            for (const Change& c : policy_.rules[ahead[k]].changes) {
                if (touches(c)) {
                    out_.culprit = from[k];
                    return true;
                }
                for (const std::uint32_t r : set_off(policy_, c))
                    if (std::find(ahead.begin(), ahead.end(), r) == ahead.end()) {
                        ahead.push_back(r);
                        from.push_back(r);
                    }
            }
        return false;
    }

    bool touches(const Change& c) const {
        const bool as_promised = wanted_.action == Action::drop ? c.action != Action::expire
                                                                : c.action == wanted_.action;
        if (!as_promised) return false;
        if (wanted_.kind == TargetKind::everything) return c.kind == TargetKind::everything;
        if (c.kind == TargetKind::everything) return true;
        if (wanted_.kind == TargetKind::tag) {
            if (c.kind == TargetKind::tag) return meets(c.text, wanted_.text);
            return std::any_of(
                policy_.namespaces.begin(), policy_.namespaces.end(), [&](const Namespace& n) {
                    const auto ns = static_cast<NamespaceIndex>(&n - policy_.namespaces.data());
                    const auto same = [&](const Template& t) { return meets(t, wanted_.text); };
                    return (std::any_of(n.tags.begin(), n.tags.end(), same) ||
                            std::any_of(n.late_tags.begin(), n.late_tags.end(), same)) &&
                           reaches(policy_, c, ns);
                });
        }
        const bool same_keys = c.ns == wanted_.ns && wanted_.kind != TargetKind::namespace_ &&
                               (c.kind == TargetKind::key || c.kind == TargetKind::matching);
        if (same_keys) return meets(c.text, wanted_.text);
        const std::vector<NamespaceIndex> all = policy_.under(wanted_.ns);
        return std::any_of(all.begin(), all.end(),
                           [&](NamespaceIndex i) { return reaches(policy_, c, i); });
    }

    // ---- on drop of

    Verdict of_drops() {
        RuleList sure, some;
        for (std::uint32_t r = 0; r < policy_.rules.size(); ++r) {
            const Rule& rule = policy_.rules[r];
            if (rule.kind != TriggerKind::drop_of || rule.of == none) continue;
            if (is_under(policy_, when_.of, rule.of) || is_under(policy_, rule.of, when_.of))
                some.push_back(r);
            const Namespace& of = policy_.namespaces[when_.of];
            const bool same_key =
                !rule.of_key || (when_.of_key && meaning_of(rule.of_key->pattern(), of) ==
                                                     meaning_of(when_.of_key->pattern(), of));
            if (is_under(policy_, when_.of, rule.of) && same_key) sure.push_back(r);
        }
        broken_by(promise_.always ? sure : some, 0, "drop of " + policy_.namespaces[when_.of].name);
        if (unsure_) out_.is = Verdict::Is::undecided;
        return std::move(out_);
    }

    const Effects& effects_;
    const Policy& policy_;
    const Promise& promise_;
    const Rule& when_;
    const Change& wanted_;
    JointBounds bounds_;
    std::deque<Automaton> automata_;
    RuleList rules_;
    bool doubt_ = false;   // of the class that is looked at
    bool unsure_ = false;  // of some class
    Verdict out_;
};

}  // namespace

Verdict judge(const Effects& effects, const Promise& promise, const JointBounds& bounds) {
    return Judgement(effects, promise, bounds).run();
}

}  // namespace larder::dsl
