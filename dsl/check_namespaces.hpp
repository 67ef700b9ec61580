// dsl/check_namespaces.hpp -- namespaces with everything they inherit, and what they depend on.
#pragma once

#include "dsl/check_draft.hpp"
#include "dsl/check_values.hpp"

namespace larder::dsl {

// Fills policy.namespaces and draft.spaces: names, inheritance, profile, clauses, keys and tags.
void check_namespaces(Draft& draft, Values& values);
// How keys read, beside each other too.
void check_keys(Draft& draft);
// Values that are too large, versions that are too old.
void check_entries(Draft& draft);
// `depends on`: names, circles, and the scopes they stand for.
void check_depends(Draft& draft);
// Rules that set each other off (`on drop of`) for ever.
void check_circles_of_drops(Draft& draft);

}  // namespace larder::dsl
