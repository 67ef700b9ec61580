// dsl/check_namespaces.hpp -- namespaces with everything they inherit, and what they depend on.
#pragma once

#include "dsl/check_draft.hpp"
#include "dsl/check_values.hpp"

namespace larder::dsl {

// Fills policy.namespaces and draft.spaces: names, inheritance, profile, clauses, keys and tags.
void check_namespaces(Draft& draft, Values& values);
// `depends on`: names, circles, and the scopes they stand for.
void check_depends(Draft& draft);
// Rules that set each other off (`on drop of`) for ever.
void check_circles_of_drops(Draft& draft);

}  // namespace larder::dsl
