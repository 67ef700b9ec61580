// dsl/check_reach.hpp -- findings about the policy as a whole: what can reach what.
//
// All of these need every name to be known, so they are left out while a file has syntax errors.
#pragma once

#include "dsl/check_draft.hpp"
#include "dsl/check_values.hpp"

namespace larder::dsl {

// Dead tags, dead rules, entries nothing drops, rules that disagree, drops that are too broad,
// expires and refreshes that come to no more than a drop. REQUIRES: the rules are checked.
void check_reach(Draft& draft);
// Requests that would share an entry although they differ, and those that two rules would serve; sets
// Serve::narrowness.
void check_serves(Draft& draft);
// Rules that others make superfluous. REQUIRES: check_reach() has marked what is dead.
void check_redundant(Draft& draft);
void check_guarantees(Draft& draft, Values& values);
// `test` items; fills draft.tests.
void check_tests(Draft& draft, Values& values);
// Writes of the application that no rule mentions, and rules that none of its routes fires. `text` is
// its OpenAPI description in whole, `source` what findings show of it.
void check_application(Draft& draft, const Source& source, std::string_view text);
// Rules that no `test` item sets off; silent unless CompileOptions::coverage asks for it.
void check_coverage(Draft& draft);

}  // namespace larder::dsl
