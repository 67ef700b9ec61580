// dsl/check_rules.hpp -- rules: what sets them off, what they know, what they change.
#pragma once

#include "dsl/check_draft.hpp"
#include "dsl/check_values.hpp"

#include <optional>
#include <string>
#include <vector>

namespace larder::dsl {

// A trigger with everything a Rule says about it; nothing when it did not parse.
std::optional<Rule> rule_of(Draft& draft, const ast::Trigger& trigger);
// A target of a rule or a guarantee, with the names it may use. Nothing: said why.
// `reaches` is whether it can ever find an entry.
struct ResolvedTarget {
    Change change;
    Span at;
    bool reaches = true;
};
std::optional<ResolvedTarget> target_of(Draft& draft, const ast::Target& target, Action action,
                                        const std::vector<std::string>& names, bool quiet = false);
Action action_of(ast::Verb verb);
std::string_view verb_of(Action action);

// Fills policy.rules and draft.rules, and marks the namespaces that something can reach.
void check_rules(Draft& draft);
// Gives every declared pattern to the namespaces whose entries carry it, and numbers it.
void declare_patterns(Draft& draft);
// What the tables match for a trigger; nothing for `drop of`, and where its text cannot be read.
std::optional<Template> trigger_of(Draft& draft, const Rule& rule, const ast::Trigger& trigger);
// Rule::trigger of all rules.
void compile_triggers(Draft& draft);
// The route and event tables. REQUIRES: compile_triggers().
struct RuleTables {
    RouteTable routes, events;
};
RuleTables tables_of(const Policy& policy);

}  // namespace larder::dsl
