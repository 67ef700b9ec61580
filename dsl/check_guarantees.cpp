// dsl/check_guarantees.cpp -- promises of a policy, proven or refuted with a request that breaks them.
#include "dsl/analysis/promise.hpp"
#include "dsl/check_reach.hpp"
#include "dsl/check_rules.hpp"

#include <algorithm>
#include <optional>

namespace larder::dsl {

namespace {

class Guarantees {
  public:
    explicit Guarantees(Draft& draft) : draft_(draft), policy_(draft.policy) {}

    void run() {
        for (const ast::Policy* tree : draft_.trees) {
            for (const ast::Item& item : *tree) {
                const auto* g = as<ast::Guarantee>(item);
                if (!g) continue;
                for (const ast::PromiseItem& p : g->promises) {
                    if (const auto* promise = as<ast::Promise>(p)) judge_all(*promise);
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
    Policy& policy_;
    std::optional<Effects> effects_;  // of all rules, made for the first promise
    JointBounds bounds_{20'000, 4'000'000, 0};
};

}  // namespace

void check_guarantees(Draft& draft) { Guarantees(draft).run(); }

}  // namespace larder::dsl
