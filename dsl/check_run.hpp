// dsl/check_run.hpp -- sessions, warm-ups, alerts, breakers and guards.
#pragma once

#include "dsl/check_draft.hpp"
#include "dsl/check_values.hpp"

namespace larder::dsl {

void check_sessions(Draft& draft, Values& values);
void check_warms(Draft& draft, Values& values);
void check_alerts(Draft& draft, Values& values);
void check_breakers(Draft& draft, Values& values);
// Conditions that are never or always true. REQUIRES: check_alerts().
void check_thresholds(Draft& draft);
void check_guards(Draft& draft, Values& values);
// What an alert or a guard watches: any of all of. `text` gets it as it was written.
std::vector<std::vector<Condition>> conditions_of(Draft& draft, Values& values,
                                                  const std::vector<ast::AllOf>& when,
                                                  std::string& text);
// What only makes sense with larder.toml at hand: lifetimes above shared tiers.
void check_lifetimes(Draft& draft);
// Memory that no other node tells of its drops. REQUIRES: check_reach().
void check_nodes(Draft& draft);

}  // namespace larder::dsl
