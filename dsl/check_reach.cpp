// dsl/check_reach.cpp -- whole-policy findings, each prefiltered so that none compares all with
// all.
#include "dsl/check_reach.hpp"

#include "dsl/automaton.hpp"
#include "dsl/check_rules.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>

namespace larder::dsl {

namespace {

// Every different tag text of the policy, with the namespaces that carry it.
struct KnownTag {
    Automaton automaton;
    const ast::Text* text = nullptr;
    std::vector<NamespaceIndex> carriers;
    bool reached = false;
};

class Reach {
  public:
    explicit Reach(Draft& draft) : draft_(draft), policy_(draft.policy) {}

    void run() {
        collect_tags();
        reach_by_tags();
        dead_rules();
        reach_by_dependence();
        undropped();
        strengths();
        disagreements();
        breadth();
        if (gave_up_) stopped();
    }

  private:
    void collect_tags() {
        std::unordered_map<std::string, std::size_t> seen;
        for (NamespaceIndex i = 0; i < policy_.namespaces.size(); ++i) {
            const Namespace& n = policy_.namespaces[i];
            const auto add = [&](const Template& tag) {
                const auto [it, fresh] = seen.emplace(tag.source, tags_.size());
                if (fresh)
                    tags_.push_back({Automaton::of_text(tag), text_of(i, tag.source), {}, false});
                tags_[it->second].carriers.push_back(i);
            };
            for (const Template& tag : n.tags) add(tag);
            for (const Template& tag : n.late_tags) add(tag);
            if (draft_.spaces[i].broken) some_broken_ = true;
        }
        for (std::size_t k = 0; k < tags_.size(); ++k)
            heads_[first_of(tags_[k].automaton.head())].push_back(k);
    }

    // Tags are looked up by their first byte; those without a fixed beginning are looked at always.
    static char first_of(const std::string& head) { return head.empty() ? '\0' : head[0]; }

    const ast::Text* text_of(NamespaceIndex i, const std::string& source) const {
        for (const TagPlace& t : draft_.spaces[i].tags) {
            if (plain(*t.text) == source) return t.text;
        }
        return nullptr;
    }

    // Patterns without a fixed beginning have to be compared with all others. A policy of people
    // needs a small part of this; one that was made to hurt is told where it stops.
    bool affords(const std::string& what) {
        if (budget_ > 0) {
            --budget_;
            return true;
        }
        gave_up_ = true;
        if (last_compared_.empty()) last_compared_ = what;
        return false;
    }

    const std::vector<std::size_t>& carried(const Template& tag) {
        const auto entry = carried_.try_emplace(tag.source);
        std::vector<std::size_t>& found = entry.first->second;
        if (!entry.second) return found;
        const Automaton wanted = Automaton::of_text(tag);
        const auto look = [&](const std::vector<std::size_t>& some) {
            for (const std::size_t k : some) {
                if (!affords(tag.source)) return;
                if (both_match(wanted, tags_[k].automaton)) found.push_back(k);
            }
        };
        if (wanted.head().empty()) {
            for (const auto& [_, some] : heads_) look(some);
        } else {
            if (const auto f = heads_.find(first_of(wanted.head())); f != heads_.end())
                look(f->second);
            if (const auto f = heads_.find('\0'); f != heads_.end()) look(f->second);
        }
        return found;
    }

    void reach_by_tags() {
        for (std::size_t r = 0; r < policy_.rules.size(); ++r) {
            for (std::size_t k = 0; k < policy_.rules[r].changes.size(); ++k) {
                const Change& c = policy_.rules[r].changes[k];
                if (c.kind != TargetKind::tag) continue;
                const auto& found = carried(c.text);
                for (const std::size_t t : found) {
                    if (tags_[t].reached) continue;
                    tags_[t].reached = true;
                    for (const NamespaceIndex i : tags_[t].carriers) {
                        draft_.spaces[i].reachable = true;
                    }
                }
                if (!found.empty() || some_broken_ || gave_up_) continue;
                draft_.rules[r].changes[k].dead = true;
                dead_tag(c, draft_.rules[r].changes[k].at);
            }
        }
    }

    void dead_tag(const Change& c, Span at) {
        auto& d = draft_.say.warning("L0301", at,
                                     "no entry ever carries this tag, so this " +
                                         std::string(verb_of(c.action)) + "s nothing",
                                     "dead");
        if (!draft_.say.suggests()) return;
        std::vector<std::string> sources;
        for (const KnownTag& t : tags_) sources.push_back(t.text ? plain(*t.text) : std::string());
        const std::string near = meant(c.text.source, sources);
        for (std::size_t k = 0; k < tags_.size(); ++k) {
            if (near.empty() || sources[k] != near || !tags_[k].text) continue;
            d.more.push_back({tags_[k].text->at, "did you mean this tag?"});
            break;
        }
    }

    void dead_rules() {
        for (std::size_t r = 0; r < policy_.rules.size(); ++r) {
            const RulePlace& place = draft_.rules[r];
            if (!place.sound || place.other || place.changes.empty()) continue;
            const bool dead = std::all_of(place.changes.begin(), place.changes.end(),
                                          [](const ChangePlace& c) { return c.dead; });
            if (dead)
                draft_.say.warning("L0304", place.node->kw.at,
                                   "this rule can never drop anything that is cached",
                                   "every target of it is dead");
        }
    }

    // Dependents are reached through what they depend on: an entry of it, or of anything below it.
    void reach_by_dependence() {
        std::vector<std::vector<NamespaceIndex>> dependents(draft_.spaces.size());
        std::vector<NamespaceIndex> ahead;
        for (NamespaceIndex i = 0; i < draft_.spaces.size(); ++i) {
            for (const DependsPlace& d : draft_.spaces[i].depends) {
                if (d.on != none) dependents[d.on].push_back(i);
            }
            if (draft_.spaces[i].reachable) ahead.push_back(i);
        }
        while (!ahead.empty()) {
            const NamespaceIndex from = ahead.back();
            ahead.pop_back();
            for (const NamespaceIndex above : policy_.namespaces[from].chain) {
                for (const NamespaceIndex i : dependents[above]) {
                    if (draft_.spaces[i].reachable) continue;
                    draft_.spaces[i].reachable = true;
                    ahead.push_back(i);
                }
            }
        }
    }

    void undropped() {
        if (policy_.rules.empty() || gave_up_) return;
        for (NamespaceIndex i = 0; i < draft_.spaces.size(); ++i) {
            const Space& s = draft_.spaces[i];
            const Namespace& n = policy_.namespaces[i];
            if (s.reachable || s.broken || n.is_static || !n.key) continue;
            if (n.ttl && n.ttl->sliding && n.ttl->at_most.count() == 0)
                slides_on(s, n);
            else
                unreached(s, n);
        }
    }

    void unreached(const Space& s, const Namespace& n) {
        std::string label = "lives for ever";
        if (n.ttl && n.ttl->sliding)
            label = "lives for up to " + spoken(n.ttl->at_most) + " while it is in use";
        else if (n.ttl)
            label = "lives until its ttl of " + spoken(n.ttl->ttl) + " ends";
        auto& d = draft_.say.warning("L0303", s.node->id.at,
                                     "nothing can ever drop an entry of " + ticked(n.name), label);
        d.helps.push_back("write a rule `on write \"...\" { drop " + n.name +
                          " }`, or say `static` if that is what you want");
        d.choices.push_back({draft_.behind_brace(s.node->id), " static;"});
    }

    void slides_on(const Space& s, const Namespace& n) {
        auto& d = draft_.say.warning(
            "L0316", s.ttl_at.empty() ? s.node->id.at : s.ttl_at,
            "an entry of " + ticked(n.name) +
                " that is in use does not expire after its `ttl`, and nothing drops it",
            "begins anew with each use");
        d.notes.push_back("while it is asked for it lives for 24 hours, whatever changes");
        d.helps.push_back("bound it, `ttl " + spoken(n.ttl->ttl) +
                          " sliding at most 4h`, or write a rule that drops it");
    }

    // The namespaces with entries that a change is about.
    std::vector<NamespaceIndex> about(const Change& c) {
        std::vector<NamespaceIndex> out;
        if (c.kind == TargetKind::tag) {
            for (const std::size_t t : carried(c.text))
                out.insert(out.end(), tags_[t].carriers.begin(), tags_[t].carriers.end());
        } else if (c.kind == TargetKind::everything) {
            for (NamespaceIndex i = 0; i < policy_.namespaces.size(); ++i) out.push_back(i);
        } else {
            out = policy_.under(c.ns);
        }
        std::erase_if(out, [this](NamespaceIndex i) { return !policy_.namespaces[i].key; });
        return out;
    }

    // `expire` without `stale` and `refresh` without `warm` do what `drop` does.
    void strengths() {
        std::vector<char> warmed(policy_.namespaces.size(), 0);
        for (const Warm& w : policy_.warms) {
            if (w.ns == none) continue;
            for (const NamespaceIndex i : policy_.under(w.ns)) warmed[i] = 1;
        }
        for (std::size_t r = 0; r < policy_.rules.size(); ++r) {
            for (std::size_t k = 0; k < policy_.rules[r].changes.size(); ++k) {
                const Change& c = policy_.rules[r].changes[k];
                const ChangePlace& place = draft_.rules[r].changes[k];
                if (c.action == Action::drop || place.dead) continue;
                if (gave_up_) return;
                const auto all = about(c);
                budget_ -= std::min(budget_, all.size());
                if (all.empty()) continue;
                if (c.action == Action::expire) expire(c, place, all);
                if (c.action == Action::refresh) refresh(c, place, all, warmed);
            }
        }
    }

    void expire(const Change&, const ChangePlace& place, const std::vector<NamespaceIndex>& all) {
        const auto it = std::find_if(all.begin(), all.end(), [this](NamespaceIndex i) {
            const Namespace& n = policy_.namespaces[i];
            return !n.stale_on_error && !n.stale_while_revalidating;
        });
        if (it == all.end()) return;
        const Namespace& n = policy_.namespaces[*it];
        auto& d = draft_.say.warning(
            "L0319", place.at, "expiring " + ticked(n.name) + " drops it: it has no `stale` clause",
            "a drop, as it stands");
        d.more.push_back({draft_.spaces[*it].node->id.at, "never served stale"});
        d.helps.push_back("add for example `stale 30s while revalidating` to " + ticked(n.name) +
                          ", or write `drop`");
    }

    void refresh(const Change&, const ChangePlace& place, const std::vector<NamespaceIndex>& all,
                 const std::vector<char>& warmed) {
        if (std::any_of(all.begin(), all.end(),
                        [&warmed](NamespaceIndex i) { return warmed[i] != 0; }))
            return;
        const Namespace& n = policy_.namespaces[all.front()];
        auto& d = draft_.say.warning("L0320", place.at,
                                     "refreshing " + ticked(n.name) + " drops it: nothing warms it",
                                     "a drop, as it stands");
        d.helps.push_back("add a `warm " + n.name + "` item, or write `drop`");
    }

    // ---- two rules, one namespace, two verbs
    // -----------------------------------------------------

    struct Use {
        std::size_t rule, change;
    };

    void disagreements() {
        std::map<NamespaceIndex, std::array<std::vector<Use>, 3>> uses;
        for (std::size_t r = 0; r < policy_.rules.size(); ++r) {
            // A head that did not parse is no route, whatever its rule says it is.
            if (!as<ast::HttpTrigger>(draft_.rules[r].node->when)) continue;
            for (std::size_t k = 0; k < policy_.rules[r].changes.size(); ++k) {
                const Change& c = policy_.rules[r].changes[k];
                if (c.ns == none) continue;
                uses[c.ns][static_cast<std::size_t>(c.action)].push_back({r, k});
            }
        }
        for (const auto& [ns, by_action] : uses) {
            for (std::size_t a = 0; a < 3; ++a) {
                for (std::size_t b = a + 1; b < 3; ++b) compare(ns, by_action[a], by_action[b]);
            }
        }
    }

    // Two routes can only meet when one's fixed beginning begins the other's, so the stronger uses
    // are looked up by theirs. One example for each weaker use is enough.
    void compare(NamespaceIndex ns, const std::vector<Use>& stronger,
                 const std::vector<Use>& weaker) {
        if (stronger.empty() || weaker.empty()) return;
        std::map<std::string, std::vector<Use>, std::less<>> by_head;
        for (const Use& s : stronger) by_head[route(s.rule).head()].push_back(s);
        for (const Use& w : weaker) {
            const std::string head = route(w.rule).head();
            const auto any = [&](const std::vector<Use>& some) {
                return std::any_of(some.begin(), some.end(), [&](const Use& s) {
                    return !affords(policy_.rules[s.rule].route) || disagree(ns, s, w);
                });
            };
            bool said = false;
            for (std::size_t n = 0; n < head.size() && !said; ++n) {
                const auto it = by_head.find(std::string_view(head).substr(0, n));
                said = it != by_head.end() && any(it->second);
            }
            for (auto it = by_head.lower_bound(head);
                 it != by_head.end() && !said && it->first.starts_with(head); ++it) {
                said = any(it->second);
            }
            if (gave_up_) return;
        }
    }

    bool disagree(NamespaceIndex ns, const Use& s, const Use& w) {
        const Rule &a = policy_.rules[s.rule], &b = policy_.rules[w.rule];
        const auto common = static_cast<MethodSet>(a.methods & b.methods);
        if (common == 0 || s.rule == w.rule || !statuses_meet(a, b)) return false;
        const Automaton &x = route(s.rule), &y = route(w.rule);
        if (heads_differ(x.head(), y.head())) return false;
        const auto witness = both_match(x, y);
        if (!witness) return false;
        Span later = draft_.rules[w.rule].changes[w.change].at,
             earlier = draft_.rules[s.rule].changes[s.change].at;
        std::string_view here = verb_of(b.changes[w.change].action),
                         there = verb_of(a.changes[s.change].action);
        if (later.begin < earlier.begin) {
            std::swap(later, earlier);
            std::swap(here, there);
        }
        auto& d = draft_.say.warning(
            "L0307", later, "two rules disagree about " + ticked(policy_.namespaces[ns].name),
            std::string(here) + " here");
        d.more.push_back({earlier, std::string(there) + " here"});
        d.notes.push_back("both fire for example on `" + first_method(common) + " " + *witness +
                          "`; the strongest wins: drop, then refresh, then expire");
        return true;
    }

    static std::string first_method(MethodSet set) {
        for (const char* name : {"POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS"}) {
            if ((method_of(name) & set) != 0) return name;
        }
        return "GET";
    }

    static bool statuses_meet(const Rule& a, const Rule& b) {
        for (const StatusRange& x : a.status) {
            for (const StatusRange& y : b.status) {
                if (x.from <= y.to && y.from <= x.to) return true;
            }
        }
        return false;
    }

    const Automaton& route(std::size_t rule) {
        if (routes_.empty()) routes_.resize(policy_.rules.size());
        auto& slot = routes_[rule];
        if (!slot) {
            const auto* t = as<ast::HttpTrigger>(draft_.rules[rule].node->when);
            const auto text =
                bind(draft_, t->route, {policy_.rules[rule].variables, "in this rule"});
            slot = Automaton::of_route(RouteGlob(text.value_or(Template()), true));
        }
        return *slot;
    }

    void stopped() {
        const Span begin{draft_.sources.file(FileId{0}).base(),
                         draft_.sources.file(FileId{0}).base()};
        auto& d = draft_.say.warning(
            "L0326", begin,
            "this policy has too many patterns that overlap to compare all of them");
        d.notes.push_back("stopped at \"" + last_compared_ +
                          "\": findings about what reaches what are incomplete");
        d.helps.push_back("begin routes and tags with fixed text");
    }

    // ---- all, although the rule knows which one
    // ----------------------------------------------------

    void breadth() {
        for (std::size_t r = 0; r < policy_.rules.size(); ++r) {
            const Rule& rule = policy_.rules[r];
            for (std::size_t k = 0; k < rule.changes.size(); ++k) {
                const Change& c = rule.changes[k];
                if (c.kind != TargetKind::namespace_) continue;
                const Namespace& n = policy_.namespaces[c.ns];
                if (!n.key || n.fields == 0) continue;
                const bool known =
                    std::all_of(n.parameters.begin(), n.parameters.begin() + n.fields,
                                [&rule](const std::string& p) {
                                    return std::find(rule.variables.begin(), rule.variables.end(),
                                                     p) != rule.variables.end();
                                });
                if (!known) continue;
                auto& d = draft_.say.warning("L0310", draft_.rules[r].changes[k].at,
                                             "this drops every entry of " + ticked(n.name) +
                                                 " although the rule knows which one",
                                             "all of them");
                const std::string key = "\"" + n.key->pattern().source + "\"";
                d.helps.push_back("write `" + std::string(verb_of(c.action)) + " " + n.name + " " +
                                  key + "`");
                d.fix = Fix{{d.primary.at.end, d.primary.at.end}, " " + key};
            }
        }
    }

    Draft& draft_;
    Policy& policy_;
    std::vector<KnownTag> tags_;
    std::map<char, std::vector<std::size_t>> heads_;
    std::unordered_map<std::string, std::vector<std::size_t>> carried_;
    std::vector<std::optional<Automaton>> routes_;
    bool some_broken_ = false;
    std::size_t budget_ = 500'000;  // comparisons of two patterns
    bool gave_up_ = false;
    std::string last_compared_;
};

}  // namespace

void check_reach(Draft& draft) { Reach(draft).run(); }

}  // namespace larder::dsl
