// dsl/check_sources.hpp -- where a namespace's values come from and go to: names and texts that can be filled in.
#pragma once

#include "dsl/check_draft.hpp"
#include "dsl/check_values.hpp"

namespace larder::dsl {

// Fills in n.source and n.write_to from the clauses that `space` has. REQUIRES: the key is shaped.
void shape_source(Draft& draft, Values& values, Namespace& n, const Space& space);

// `{sku}` for a name, braces that are meant doubled: a text as its source fills it in.
std::string address_of(const ast::Text& text);

}  // namespace larder::dsl
