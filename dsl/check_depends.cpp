// dsl/check_depends.cpp -- `depends on`, unfolded: which scopes of others an entry carries.
//
// The kernel never follows a dependency. An entry that depends on entry K of N is simply stamped
// with N's chain, with the scope of that key, and with those tags of N that K decides; dependencies
// of N come along, rewritten from N's parameters to what K puts there.
#include "dsl/check_namespaces.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

constexpr std::size_t max_scopes = 32;

// What a parameter of one namespace is in terms of another one's parameters; nothing: not known.
using Meaning = std::vector<std::optional<std::vector<Piece>>>;

std::optional<Template> rewritten(const Template& text, const Meaning& meaning) {
    Template out;
    out.source = text.source;
    for (const Piece& p : text.pieces) {
        if (p.kind == Piece::Kind::literal) {
            out.pieces.push_back(p);
            continue;
        }
        if (p.slot >= meaning.size() || !meaning[p.slot]) return std::nullopt;
        for (Piece q : *meaning[p.slot]) {
            if (q.kind != Piece::Kind::literal) q.kind = p.kind;
            out.pieces.push_back(std::move(q));
        }
    }
    return out;
}

class Depends {
  public:
    explicit Depends(Draft& draft) : draft_(draft), policy_(draft.policy) {}

    void run() {
        for (NamespaceIndex i = 0; i < policy_.namespaces.size(); ++i) name(i);
        if (circles()) return;
        for (NamespaceIndex i = 0; i < policy_.namespaces.size(); ++i) {
            if (!policy_.namespaces[i].key) continue;
            for (const DependsPlace& d : draft_.spaces[i].depends) {
                if (d.on != none) unfold(i, d.on, d.key, own(i), d.clause->kw);
            }
            count_scopes(i);
            if (!draft_.say.suggests()) return;  // nobody reads more, and the policy is lost
        }
    }

  private:
    void name(NamespaceIndex i) {
        Namespace& n = policy_.namespaces[i];
        for (DependsPlace& d : draft_.spaces[i].depends) {
            const auto on = draft_.known(d.clause->on);
            if (!on) continue;
            d.on = *on;
            if (!d.clause->key || !n.key) continue;
            const ast::Text& text = *d.clause->key;
            auto key = bind(draft_, text, {n.parameters, "in this namespace"});
            if (!key) continue;
            const Namespace& target = policy_.namespaces[*on];
            if (has_star(*key)) {
                draft_.say
                    .error("L0210", text.at,
                           "a dependency is on one entry or on all of a namespace",
                           "this is a search over keys")
                    .helps.push_back("write `depends on " + target.name + "`");
                continue;
            }
            if (!target.key) {
                if (!draft_.spaces[*on].broken) {
                    draft_.say.error(
                        "L0237", text.at,
                        ticked(target.name) + " has no key, so it has no entry to depend on");
                }
                continue;
            }
            d.key = align(*key, *target.key);
            if (d.key) continue;
            auto& w = draft_.say.warning(
                "L0302", text.at, "no key of " + ticked(target.name) + " can ever look like this",
                "matches no entry");
            w.more.push_back({draft_.spaces[*on].key->at, "its keys look like this"});
        }
    }

    // Depth first with a stack of its own: a policy may chain more namespaces than a thread's stack
    // has frames.
    bool circles() {
        enum class State : std::uint8_t { fresh, open, done };
        std::vector<State> state(policy_.namespaces.size(), State::fresh);
        std::vector<NamespaceIndex> path;
        std::vector<std::size_t> next;  // which dependency of path[k] comes next
        bool found = false;
        const auto enter = [&](NamespaceIndex i) {
            state[i] = State::open;
            path.push_back(i);
            next.push_back(0);
        };
        for (NamespaceIndex i = 0; i < state.size(); ++i) {
            if (state[i] == State::fresh) enter(i);
            while (!path.empty()) {
                const auto& depends = draft_.spaces[path.back()].depends;
                if (next.back() == depends.size()) {
                    state[path.back()] = State::done;
                    path.pop_back();
                    next.pop_back();
                    continue;
                }
                const NamespaceIndex on = depends[next.back()++].on;
                if (on == none || state[on] == State::done) continue;
                if (state[on] == State::fresh) {
                    enter(on);
                    continue;
                }
                found = true;
                circle(path, on);
            }
        }
        return found;
    }

    // Said at the member that comes first in the file.
    void circle(const std::vector<NamespaceIndex>& path, NamespaceIndex back_to) {
        std::vector<NamespaceIndex> members(std::find(path.begin(), path.end(), back_to),
                                            path.end());
        std::rotate(members.begin(), std::min_element(members.begin(), members.end()),
                    members.end());
        std::string chain;
        for (const NamespaceIndex m : members) chain += policy_.namespaces[m].name + " -> ";
        chain += policy_.namespaces[members[0]].name;
        const NamespaceIndex next = members[members.size() > 1 ? 1 : 0];
        for (const DependsPlace& d : draft_.spaces[members[0]].depends) {
            if (d.on != next) continue;
            draft_.say.error("L0220", d.clause->kw, "dependencies run in a circle: " + chain);
            return;
        }
    }

    // A namespace in its own terms.
    Meaning own(NamespaceIndex i) const {
        Meaning out;
        const Namespace& n = policy_.namespaces[i];
        for (std::uint16_t slot = 0; slot < n.parameters.size(); ++slot) {
            out.emplace_back(std::vector<Piece>{{Piece::Kind::variable, slot, n.parameters[slot]}});
        }
        return out;
    }

    // `of` depends on an entry of `on` (on all of them without `key`, which is in the terms of a
    // namespace that `meaning` translates).
    void unfold(NamespaceIndex of, NamespaceIndex on, const std::optional<Template>& key,
                const Meaning& meaning, Span said_at) {
        if (policy_.namespaces[of].depends.size() > max_scopes) return;  // an error already
        Namespace& target = policy_.namespaces[on];
        Dependency d;
        d.on = on;
        if (key && target.key) d.key = rewritten(*key, meaning);
        (d.key ? target.has_dependents : target.has_any_dependents) = true;
        const Meaning inner = meaning_of(of, target, d.key);
        for (const Template& tag : target.tags) add_tag(of, d, tag, inner, target, said_at);
        for (const Template& tag : target.late_tags) add_tag(of, d, tag, inner, target, said_at);
        if (known_already(of, d)) return;
        policy_.namespaces[of].depends.push_back(d);
        for (const DependsPlace& next : draft_.spaces[on].depends) {
            if (next.on != none) unfold(of, next.on, next.key, inner, said_at);
        }
        if (d.key) return;
        for (const NamespaceIndex child :
             target.children) {  // "any entry of it" is any below it, too
            if (!below(of, child)) unfold(of, child, std::nullopt, {}, said_at);
        }
    }

    bool below(NamespaceIndex of, NamespaceIndex ns) const {
        const auto& chain = policy_.namespaces[of].chain;
        return std::find(chain.begin(), chain.end(), ns) != chain.end();
    }

    bool known_already(NamespaceIndex of, const Dependency& d) const {
        const auto same = [](const Template& a, const Template& b) {
            return std::equal(a.pieces.begin(), a.pieces.end(), b.pieces.begin(), b.pieces.end(),
                              [](const Piece& x, const Piece& y) {
                                  return x.kind == y.kind && x.slot == y.slot &&
                                         (x.kind != Piece::Kind::literal || x.text == y.text);
                              });
        };
        const auto& all = policy_.namespaces[of].depends;
        return std::any_of(all.begin(), all.end(), [&](const Dependency& o) {
            return o.on == d.on && o.key.has_value() == d.key.has_value() &&
                   (!d.key || same(*o.key, *d.key));
        });
    }

    // What the parameters of `target` are for an entry of `of`: its key's fields from the key the
    // dependency names, its `with` names from parameters of the same name.
    Meaning meaning_of(NamespaceIndex of, const Namespace& target,
                       const std::optional<Template>& key) const {
        Meaning out(target.parameters.size());
        if (key) {
            const auto fields = fields_of(*key, *target.key);
            for (std::size_t k = 0; k < fields.size() && k < target.fields; ++k) out[k] = fields[k];
        }
        const std::vector<std::string>& mine = policy_.namespaces[of].parameters;
        for (std::size_t k = 0; k < out.size(); ++k) {
            if (out[k]) continue;
            if (key == std::nullopt && k < target.fields) continue;
            const auto it = std::find(mine.begin(), mine.end(), target.parameters[k]);
            if (it == mine.end()) continue;
            out[k] = std::vector<Piece>{
                {Piece::Kind::variable, static_cast<std::uint16_t>(it - mine.begin()), *it}};
        }
        return out;
    }

    void add_tag(NamespaceIndex of, Dependency& d, const Template& tag, const Meaning& meaning,
                 const Namespace& target, Span said_at) {
        const Namespace& n = policy_.namespaces[of];
        auto mine = rewritten(tag, meaning);
        if (!mine) {
            std::vector<std::string> missing;
            for (const Piece& p : tag.pieces) {
                if (p.kind != Piece::Kind::literal &&
                    (p.slot >= meaning.size() || !meaning[p.slot]))
                    missing.push_back(p.text);
            }
            auto& w =
                draft_.say.warning("L0322", said_at,
                                   "dropping tag \"" + tag.source + "\" of " + ticked(target.name) +
                                       " will not drop entries of " + ticked(n.name),
                                   "depends on it");
            w.notes.push_back("which tag it is depends on " + joined(missing) + ", which " +
                              ticked(n.name) + " does not know");
            w.helps.push_back("declare `with " + missing.front() + "` in " + ticked(n.name));
            w.choices.push_back(
                {draft_.behind_brace(draft_.spaces[of].node->id), " with " + missing.front() + ";"});
            return;
        }
        const bool late = std::any_of(
            mine->pieces.begin(), mine->pieces.end(),
            [&n](const Piece& p) { return p.kind != Piece::Kind::literal && p.slot >= n.fields; });
        (late ? d.late_tags : d.tags).push_back(std::move(*mine));
    }

    void count_scopes(NamespaceIndex i) {
        const Namespace& n = policy_.namespaces[i];
        std::size_t scopes = 1 + n.chain.size() + n.tags.size() + n.late_tags.size();
        for (const Dependency& d : n.depends) {
            scopes +=
                1 + policy_.namespaces[d.on].chain.size() + d.tags.size() + d.late_tags.size();
        }
        if (scopes <= max_scopes) return;
        draft_.say
            .error("L0229", draft_.spaces[i].node->id.at,
                   "an entry of " + ticked(n.name) + " would belong to more than " +
                       std::to_string(max_scopes) + " scopes")
            .helps.push_back("fewer tags, or depend on fewer namespaces");
    }

    Draft& draft_;
    Policy& policy_;
};

}  // namespace

void check_depends(Draft& draft) { Depends(draft).run(); }

namespace {

// What happens when rules of `on drop of` follow each other, as a graph without a node for each
// pair: a drop of a namespace goes down to those below it and up to those above it, and each of
// these sets off the rules that wait there.
class DropGraph {
  public:
    explicit DropGraph(const Policy& policy) : policy_(policy), count_(policy.namespaces.size()) {
        waiting_.resize(count_);
        for (std::uint32_t r = 0; r < policy.rules.size(); ++r) {
            const Rule& rule = policy.rules[r];
            if (rule.kind == TriggerKind::drop_of && rule.of != none) {
                waiting_[rule.of].push_back(r);
            }
        }
    }

    std::size_t nodes() const { return 2 * count_ + policy_.rules.size(); }
    std::size_t of_rule(std::uint32_t r) const { return 2 * count_ + r; }
    bool is_rule(std::size_t node) const { return node >= 2 * count_; }
    std::uint32_t rule(std::size_t node) const {
        return static_cast<std::uint32_t>(node - 2 * count_);
    }

    std::vector<std::size_t> next(std::size_t node) const {
        std::vector<std::size_t> out;
        if (is_rule(node)) {
            for (const Change& c : policy_.rules[rule(node)].changes) {
                if (c.kind == TargetKind::everything) out.push_back(node);  // itself, too
                if (c.ns == none) continue;
                out.push_back(2 * c.ns);
                out.push_back(2 * c.ns + 1);
            }
            return out;
        }
        const Namespace& n = policy_.namespaces[node / 2];
        for (const std::uint32_t r : waiting_[node / 2]) out.push_back(of_rule(r));
        if (node % 2 == 0) {
            for (const NamespaceIndex child : n.children) out.push_back(std::size_t{2} * child);
        } else if (n.parent != none) {
            out.push_back(std::size_t{2} * n.parent + 1);
        }
        return out;
    }

  private:
    const Policy& policy_;
    std::size_t count_;
    std::vector<std::vector<std::uint32_t>> waiting_;
};

}  // namespace

void check_circles_of_drops(Draft& draft) {
    const DropGraph graph(draft.policy);
    enum class State : std::uint8_t { fresh, open, done };
    struct Visit {
        std::size_t node;
        std::vector<std::size_t> next;
    };
    std::vector<State> state(graph.nodes(), State::fresh);
    std::vector<Visit> path;
    const auto enter = [&](std::size_t node) {
        state[node] = State::open;
        path.push_back({node, graph.next(node)});
    };
    // Every circle has a rule in it; the first one of the file speaks for it.
    const auto circle = [&](std::size_t back_to) {
        std::uint32_t first = UINT32_MAX;
        for (std::size_t k = path.size(); k-- > 0;) {
            if (graph.is_rule(path[k].node)) first = std::min(first, graph.rule(path[k].node));
            if (path[k].node == back_to) break;
        }
        if (first == UINT32_MAX) return;
        draft.say.error("L0220", draft.rules[first].node->kw.at, "this rule sets itself off again",
                        "fires for ever");
    };
    for (std::uint32_t r = 0; r < draft.policy.rules.size(); ++r) {
        if (draft.policy.rules[r].kind != TriggerKind::drop_of) continue;
        if (state[graph.of_rule(r)] == State::fresh) enter(graph.of_rule(r));
        while (!path.empty()) {
            Visit& top = path.back();
            if (top.next.empty()) {
                state[top.node] = State::done;
                path.pop_back();
                continue;
            }
            const std::size_t to = top.next.back();
            top.next.pop_back();
            if (state[to] == State::fresh) {
                enter(to);
            } else if (state[to] == State::open) {
                circle(to);
            }
        }
    }
}

}  // namespace larder::dsl
