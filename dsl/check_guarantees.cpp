// dsl/check_guarantees.cpp -- promises of a policy, proven or refuted with a request that breaks them.
#include "dsl/analysis/freshness.hpp"
#include "dsl/analysis/promise.hpp"
#include "dsl/check_reach.hpp"
#include "dsl/check_rules.hpp"

#include <algorithm>
#include <optional>

namespace larder::dsl {

namespace {

class Guarantees {
  public:
    Guarantees(Draft& draft, Values& values)
        : draft_(draft), values_(values), policy_(draft.policy) {}

    void run() {
        for (const ast::Policy* tree : draft_.trees) {
            for (const ast::Item& item : *tree) {
                const auto* g = as<ast::Guarantee>(item);
                if (!g) continue;
                for (const ast::PromiseItem& p : g->promises) {
                    if (const auto* promise = as<ast::Promise>(p)) judge_all(*promise);
                    if (const auto* age = as<ast::AgePromise>(p)) judge_age(*age);
                }
            }
        }
    }

  private:
    // Each target of it is a promise of its own.
    void judge_all(const ast::Promise& p) {
        auto when = rule_of(draft_, p.when);
        if (!when || draft_.syntax_errors) return;
        if (auto trigger = trigger_of(draft_, *when, p.when)) when->trigger = std::move(*trigger);
        for (const ast::Target& t : p.targets) {
            auto target = target_of(draft_, t, action_of(p.what.value), when->variables, true);
            if (!target) continue;
            Promise promise{*when, p.how.value == ast::Modality::always};
            promise.when.changes = {std::move(target->change)};
            if (!effects_) effects_.emplace(policy_);
            say(p, judge(*effects_, promise, bounds_));
        }
    }

    void judge_age(const ast::AgePromise& p) {
        const auto ns = draft_.known(p.ns);
        const auto limit = values_.duration(p.limit);
        if (!ns || !limit || draft_.syntax_errors || draft_.spaces[*ns].broken) return;
        for (const NamespaceIndex i : policy_.under(*ns)) {
            const Namespace& n = policy_.namespaces[i];
            if (!n.key) continue;
            const Freshness f = freshness_of(policy_, i, draft_.options.catalog);
            if (f.bound && *f.bound <= *limit) continue;
            auto& d = draft_.say.error(
                "L0340", p.limit.at, "this guarantee does not hold: " + ticked(n.name) + " can be older",
                f.bound ? "up to " + spoken(*f.bound) : "without end");
            d.notes.push_back(sum_of(f));
            if (!f.told && !f.unreached.empty())
                d.notes.push_back("no rule drops " + ticked(n.name + " \"" + f.unreached + "\""));
            if (f.told && draft_.options.catalog == nullptr && n.tiers.size() > 1)
                d.notes.push_back("`check --conf larder.toml` knows which stores are shared");
            return;
        }
    }

    void say(const ast::Promise& p, const Verdict& verdict) {
        if (verdict.is == Verdict::Is::kept) return;
        if (verdict.is == Verdict::Is::undecided) {
            draft_.say.error("L0309", p.how.at,
                             "this guarantee could not be proven: too many routes overlap",
                             "not decided");
            return;
        }
        const bool always = p.how.value == ast::Modality::always;
        auto& d = draft_.say.error("L0309", p.how.at, "this guarantee does not hold",
                                   always ? "not always" : "it can happen");
        if (verdict.culprit != none)
            d.more.push_back({draft_.rules[verdict.culprit].node->kw.at, "because of this rule"});
        d.notes.push_back("counterexample: `" + verdict.counterexample + "`");
        if (!always) return;
        std::vector<std::string> rules;
        for (const std::uint32_t r : verdict.rules) rules.push_back(policy_.rules[r].where.text());
        d.notes.push_back(rules.empty() ? "no rule fires then"
                                        : "the rules that fire then do something else: " + joined(rules));
    }

    Draft& draft_;
    Values& values_;
    Policy& policy_;
    std::optional<Effects> effects_;  // of all rules, made for the first promise
    JointBounds bounds_{20'000, 4'000'000, 0};
};

}  // namespace

void check_guarantees(Draft& draft, Values& values) { Guarantees(draft, values).run(); }

}  // namespace larder::dsl
