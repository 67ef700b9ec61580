// dsl/check_guarantees.cpp -- promises of a policy, proven or refuted with a request that breaks
// them.
#include "dsl/automaton.hpp"
#include "dsl/check_reach.hpp"
#include "dsl/check_rules.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>
#include <array>

namespace larder::dsl {

namespace {

constexpr std::array<const char*, 7> all_methods{"DELETE", "PATCH", "POST",   "PUT",
                                                 "GET",    "HEAD",  "OPTIONS"};

class Guarantees {
  public:
    explicit Guarantees(Draft& draft) : draft_(draft), policy_(draft.policy) {
        for (const Rule& rule : policy_.rules) shapes_.push_back(nameless(rule.route));
    }

    void run() {
        for (const ast::Policy* tree : draft_.trees) {
            for (const ast::Item& item : *tree) {
                const auto* g = as<ast::Guarantee>(item);
                if (!g) continue;
                for (const ast::PromiseItem& p : g->promises) {
                    if (const auto* promise = as<ast::Promise>(p)) judge(*promise);
                }
            }
        }
    }

  private:
    void judge(const ast::Promise& p) {
        const auto when = rule_of(draft_, p.when);
        if (!when || draft_.syntax_errors) return;
        for (const ast::Target& t : p.targets) {
            const auto target =
                target_of(draft_, t, action_of(p.what.value), when->variables, true);
            if (!target) continue;
            if (when->kind == TriggerKind::route) {
                const auto* http = as<ast::HttpTrigger>(p.when);
                by_method(p, *when, http->route, target->change);
            } else if (when->kind == TriggerKind::event) {
                by_event(p, *when, target->change);
            }
        }
    }

    // Whether a change of a rule does what is promised. Captures of the same route are the same
    // values whatever they are called; those of another route are taken to be so when their names
    // agree.
    bool does(const Change& c, const Change& wanted, bool same_route) const {
        if (c.action != wanted.action) return false;
        if (c.kind == TargetKind::everything) return true;
        if (wanted.kind == TargetKind::everything) return false;
        if (wanted.kind == TargetKind::tag || c.kind == TargetKind::tag) {
            return c.kind == wanted.kind && same_text(c.text, wanted.text, same_route);
        }
        if (c.kind == TargetKind::namespace_) {
            const auto& chain = policy_.namespaces[wanted.ns].chain;
            return std::find(chain.begin(), chain.end(), c.ns) != chain.end();
        }
        return c.ns == wanted.ns && c.kind == wanted.kind &&
               same_text(c.text, wanted.text, same_route);
    }

    static bool same_text(const Template& a, const Template& b, bool by_slot) {
        return std::equal(a.pieces.begin(), a.pieces.end(), b.pieces.begin(), b.pieces.end(),
                          [by_slot](const Piece& x, const Piece& y) {
                              if (x.kind != y.kind) return false;
                              const bool variable =
                                  x.kind == Piece::Kind::variable || x.kind == Piece::Kind::rest;
                              return variable && by_slot ? x.slot == y.slot : x.text == y.text;
                          });
    }

    // A route without the names of its captures.
    static std::string nameless(std::string_view route) {
        std::string out;
        bool inside = false;
        for (const char c : route) {
            if (c == '}') inside = false;
            if (!inside || c == '.') out += c;
            if (c == '{') inside = true;
        }
        return out;
    }

    // Whether a change could touch what must never be touched.
    bool touches(const Change& c, const Change& wanted) const {
        if (c.action != wanted.action) return false;
        if (wanted.kind == TargetKind::everything) return c.kind == TargetKind::everything;
        if (c.kind == TargetKind::everything) return true;
        if (wanted.kind == TargetKind::tag || c.kind == TargetKind::tag) {
            if (wanted.kind != c.kind)
                return tag_in(c.kind == TargetKind::tag ? c : wanted,
                              c.kind == TargetKind::tag ? wanted : c);
            return both_match(Automaton::of_text(c.text), Automaton::of_text(wanted.text))
                .has_value();
        }
        const auto related = [this](NamespaceIndex a, NamespaceIndex b) {
            const auto& chain = policy_.namespaces[a].chain;
            return std::find(chain.begin(), chain.end(), b) != chain.end();
        };
        if (c.ns != wanted.ns)
            return related(c.ns, wanted.ns) ||
                   (c.kind == TargetKind::namespace_ && related(wanted.ns, c.ns));
        if (c.kind == TargetKind::namespace_ || wanted.kind == TargetKind::namespace_) return true;
        return both_match(Automaton::of_text(c.text), Automaton::of_text(wanted.text)).has_value();
    }

    // Whether some entry of the namespace carries the tag.
    bool tag_in(const Change& tag, const Change& ns) const {
        const Automaton wanted = Automaton::of_text(tag.text);
        for (const NamespaceIndex i : policy_.under(ns.ns)) {
            const Namespace& n = policy_.namespaces[i];
            const auto meets = [&wanted](const Template& t) {
                return both_match(wanted, Automaton::of_text(t)).has_value();
            };
            if (std::any_of(n.tags.begin(), n.tags.end(), meets)) return true;
            if (std::any_of(n.late_tags.begin(), n.late_tags.end(), meets)) return true;
        }
        return false;
    }

    std::optional<Automaton> route_of(const ast::Text& text, const std::vector<std::string>& names,
                                      bool path) {
        const auto bound = bind(draft_, text, {names, "in this rule"});
        if (!bound) return std::nullopt;
        return Automaton::of_route(RouteGlob(*bound, path));
    }

    const ast::Text* text_of(std::size_t rule) const {
        const ast::Trigger& when = draft_.rules[rule].node->when;
        if (const auto* t = as<ast::HttpTrigger>(when)) return &t->route;
        if (const auto* t = as<ast::EventTrigger>(when)) return &t->event;
        return nullptr;
    }

    static bool always_fires(const Rule& rule, const Rule& when) {
        return std::all_of(when.status.begin(), when.status.end(), [&rule](const StatusRange& w) {
            return std::any_of(rule.status.begin(), rule.status.end(), [&w](const StatusRange& r) {
                return r.from <= w.from && w.to <= r.to;
            });
        });
    }

    void by_method(const ast::Promise& p, const Rule& when, const ast::Text& text,
                   const Change& wanted) {
        const auto route = route_of(text, when.variables, true);
        if (!route) return;
        for (const char* name : all_methods) {
            const MethodSet method = method_of(name);
            if ((when.methods & method) == 0) continue;
            const auto relevant = [&](const Rule& rule) {
                return rule.kind == TriggerKind::route && (rule.methods & method) != 0;
            };
            if (!broken(p, when, *route, wanted, relevant, std::string(name) + " ")) continue;
            return;
        }
    }

    void by_event(const ast::Promise& p, const Rule& when, const Change& wanted) {
        const auto* event = as<ast::EventTrigger>(p.when);
        const auto name = route_of(event->event, when.variables, false);
        if (!name) return;
        broken(
            p, when, *name, wanted,
            [](const Rule& rule) { return rule.kind == TriggerKind::event; }, "event ");
    }

    // Says so when the promise does not hold.
    template <class Relevant>
    bool broken(const ast::Promise& p, const Rule& when, const Automaton& asked,
                const Change& wanted, Relevant relevant, const std::string& shown) {
        std::vector<Automaton> covers;
        std::optional<std::string> witness;
        std::size_t culprit = policy_.rules.size();
        const std::string asked_shape = nameless(when.route);
        const bool always = p.how.value == ast::Modality::always;
        for (std::size_t r = 0; r < policy_.rules.size() && !witness; ++r) {
            const Rule& rule = policy_.rules[r];
            const ast::Text* text = text_of(r);
            if (!text || !relevant(rule)) continue;
            if (budget_ == 0) return undecided(p);
            --budget_;
            const auto& changes = rule.changes;
            const bool same = shapes_[r] == asked_shape;
            const bool match = std::any_of(changes.begin(), changes.end(), [&](const Change& c) {
                return always ? does(c, wanted, same) : touches(c, wanted);
            });
            if (!match || (always && !always_fires(rule, when))) continue;
            auto route = route_of(*text, rule.variables, rule.kind == TriggerKind::route);
            if (!route || heads_differ(route->head(), asked.head())) continue;
            auto both = both_match(asked, *route);
            if (!both) continue;
            if (always) {
                covers.push_back(std::move(*route));
            } else {
                witness = std::move(both);
                culprit = r;
            }
        }
        if (always) {
            std::vector<const Automaton*> views;
            for (const Automaton& a : covers) views.push_back(&a);
            const Coverage coverage = not_covered(asked, views);
            if (coverage.gave_up) return undecided(p);
            witness = coverage.witness;
        }
        if (!witness) return false;
        auto& d = draft_.say.error("L0309", p.how.at, "this guarantee does not hold",
                                   always ? "not always" : "it can happen");
        if (culprit < draft_.rules.size())
            d.more.push_back({draft_.rules[culprit].node->kw.at, "because of this rule"});
        d.notes.push_back("counterexample: `" + shown + *witness + "`");
        return true;
    }

    bool undecided(const ast::Promise& p) {
        draft_.say.error("L0309", p.how.at,
                         "this guarantee could not be proven: too many routes overlap",
                         "not decided");
        return true;
    }

    Draft& draft_;
    Policy& policy_;
    std::size_t budget_ = 5'000'000;   // rules looked at, for all promises together
    std::vector<std::string> shapes_;  // of the rules' routes, without the names of captures
};

}  // namespace

void check_guarantees(Draft& draft) { Guarantees(draft).run(); }

}  // namespace larder::dsl
