// dsl/check_serves.cpp -- which rule answers a request: no two of them, and nobody else's entry.
//
// Of several `serve` rules that fit a request the one with the narrowest route answers it, so that
// their order never matters. `narrowness` is the number of such routes that contain the rule's own: a
// route within another one is within all that contain it, and so has the higher number.
#include "dsl/automaton.hpp"
#include "dsl/check_reach.hpp"
#include "dsl/check_texts.hpp"
#include "dsl/rule_meaning.hpp"

#include <algorithm>
#include <map>

namespace larder::dsl {

namespace {

class Serves {
  public:
    explicit Serves(Draft& draft) : draft_(draft), policy_(draft.policy) {}

    void run() {
        for (std::uint32_t r = 0; r < policy_.rules.size(); ++r) {
            // A head that did not parse is no route, whatever its rule says it is.
            if (!policy_.rules[r].serve || !as<ast::HttpTrigger>(draft_.rules[r].node->when))
                continue;
            if (policy_.rules[r].serve->key) shares(r);
            learn(r);
        }
        if (draft_.syntax_errors) return;
        for (const auto& [head, some] : by_head_) {
            // Two routes meet only when one's fixed beginning begins the other's.
            for (std::size_t n = 0; n < head.size(); ++n) {
                const auto above = by_head_.find(std::string_view(head).substr(0, n));
                if (above == by_head_.end()) continue;
                for (const std::size_t a : above->second)
                    for (const std::size_t b : some) compare(a, b);
            }
            for (std::size_t k = 0; k < some.size(); ++k)
                for (std::size_t m = 0; m < k; ++m) compare(some[m], some[k]);
        }
        for (const One& one : all_) policy_.rules[one.rule].serve->narrowness = one.within;
        for (const Tie& tie : ties_) judge(tie);
        if (budget_ == 0) stopped();
    }

  private:
    struct One {
        std::uint32_t rule = 0;
        Automaton route;
        std::string entry;  // what it serves, by meaning
        std::uint32_t within = 0;
        std::vector<std::size_t> narrower;  // those within it
    };
    struct Tie {
        std::size_t a, b;
        std::string witness;
    };

    const ast::HttpTrigger& trigger(std::uint32_t r) const {
        return *as<ast::HttpTrigger>(draft_.rules[r].node->when);
    }

    // REQUIRES: the rule serves.
    const ast::ServeAction& action(std::uint32_t r) const {
        const ast::ServeAction* found = nullptr;
        for (const ast::Action& a : draft_.rules[r].node->body) {
            if (found == nullptr) found = as<ast::ServeAction>(a);
        }
        return *found;
    }

    Span served_at(std::uint32_t r) const {
        const ast::ServeAction& serve = action(r);
        return serve.key ? serve.key->at : serve.ns.at;
    }

    // ---- requests that differ and would share an entry

    void shares(std::uint32_t r) {
        const Rule& rule = policy_.rules[r];
        for (std::uint16_t slot = 0; slot < rule.variables.size(); ++slot) {
            if (rule.serve->key->uses(slot)) continue;
            const std::string& name = rule.variables[slot];
            auto& d = draft_.say.error(
                "L0311", served_at(r),
                "requests that differ in " + ticked(braced(name)) + " would share one entry",
                "this key does not mention it");
            d.more.push_back({origin(r, name), "it comes from here"});
            d.notes.push_back("one tenant or user could be served the data of another");
        }
    }

    Span origin(std::uint32_t r, const std::string& name) const {
        Span from = trigger(r).route.at;
        for (const ast::Piece& p : trigger(r).route.pieces) {
            if (p.kind == ast::Piece::Kind::literal || p.text != name) continue;
            from = draft_.span_of(p.text, trigger(r).route.at);
            from = {from.begin - 1, from.end + 1};
        }
        for (const ast::Action& a : draft_.rules[r].node->body) {
            if (const auto* t = as<ast::TakeAction>(a); t && t->id.text == name) from = t->id.at;
        }
        return from;
    }

    // ---- which one answers

    void learn(std::uint32_t r) {
        const Rule& rule = policy_.rules[r];
        const auto bound = bind(draft_, trigger(r).route, {rule.variables, "in this rule"});
        if (!bound) return;
        const RouteGlob glob(*bound, true);
        One one;
        one.rule = r;
        one.route = Automaton::of_route(glob);
        one.entry = std::to_string(rule.serve->ns);
        if (rule.serve->key) one.entry += ":" + RuleMeaning(rule, glob).of(*rule.serve->key);
        by_head_[one.route.head()].push_back(all_.size());
        all_.push_back(std::move(one));
    }

    bool within(const Automaton& a, const Automaton& b) const {
        const Automaton* by = &b;
        const Coverage coverage = not_covered(a, {&by, 1});
        return !coverage.witness && !coverage.gave_up;
    }

    void compare(std::size_t a, std::size_t b) {
        if (budget_ == 0) return;
        --budget_;
        const Rule &x = policy_.rules[all_[a].rule], &y = policy_.rules[all_[b].rule];
        if (readers(x.methods & y.methods) == 0) return;
        auto witness = both_match(all_[a].route, all_[b].route);
        if (!witness) return;
        const bool below = within(all_[a].route, all_[b].route),
                   above = within(all_[b].route, all_[a].route);
        if (below && !above) {
            ++all_[a].within;
            all_[b].narrower.push_back(a);
        } else if (above && !below) {
            ++all_[b].within;
            all_[a].narrower.push_back(b);
        } else if (all_[a].entry != all_[b].entry) {
            ties_.push_back({a, b, std::move(*witness)});
        }
    }

    // Only GET and HEAD are answered from the cache.
    static MethodSet readers(int set) {
        return static_cast<MethodSet>(set & (method_get | method_head));
    }

    // A third one may be narrower than both, and answer what they have in common.
    bool settled(const Tie& tie) const {
        const auto& b = all_[tie.b].narrower;
        return std::any_of(
            all_[tie.a].narrower.begin(), all_[tie.a].narrower.end(), [&](std::size_t k) {
                return std::find(b.begin(), b.end(), k) != b.end() &&
                       both_match(all_[k].route, exactly(tie.witness)).has_value();
            });
    }

    static Automaton exactly(const std::string& path) {
        Template text;
        text.pieces.push_back({Piece::Kind::literal, 0, path});
        return Automaton::of_route(RouteGlob(text, true));
    }

    void judge(const Tie& tie) {
        if (settled(tie)) return;
        std::uint32_t first = all_[tie.a].rule, second = all_[tie.b].rule;
        if (second < first) std::swap(first, second);
        const Rule &x = policy_.rules[first], &y = policy_.rules[second];
        const MethodSet common = readers(x.methods & y.methods);
        const std::string request =
            ((common & method_get) != 0 ? "GET " : "HEAD ") + tie.witness;
        auto& d = draft_.say.error(
            "L0312", served_at(second),
            x.serve->ns == y.serve->ns
                ? "two rules serve " + ticked(request) + " by different keys of " +
                      ticked(policy_.namespaces[x.serve->ns].name) +
                      " and neither is more specific"
                : "two rules serve " + ticked(request) +
                      " from different namespaces and neither is more specific",
            "this one");
        d.more.push_back({served_at(first), "or this one"});
        d.helps.push_back("narrow one of the routes, or add a rule for what both match");
    }

    void stopped() {
        const Span begin{draft_.sources.file(FileId{0}).base(),
                         draft_.sources.file(FileId{0}).base()};
        auto& d = draft_.say.warning(
            "L0326", begin, "this policy has too many `serve` rules that overlap to compare all");
        d.notes.push_back("which of them answers a request may depend on their order");
        d.helps.push_back("begin routes with fixed text");
    }

    Draft& draft_;
    Policy& policy_;
    std::vector<One> all_;
    std::vector<Tie> ties_;
    std::map<std::string, std::vector<std::size_t>, std::less<>> by_head_;
    std::size_t budget_ = 200'000;  // pairs
};

}  // namespace

void check_serves(Draft& draft) { Serves(draft).run(); }

}  // namespace larder::dsl
