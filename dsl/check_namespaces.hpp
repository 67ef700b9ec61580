// dsl/check_namespaces.hpp -- namespaces with everything they inherit, and what they depend on.
#pragma once

#include "dsl/check_draft.hpp"
#include "dsl/check_values.hpp"

#include <string>
#include <vector>

namespace larder::dsl {

// What larder.toml would have to offer; silent without a catalog.
void check_store(Draft& draft, std::string_view name, Span at);
void check_codec(Draft& draft, const Compression& c, Span at,
                 const std::vector<ast::Option>& options);

// Fills policy.namespaces and draft.spaces: names, inheritance, profile, clauses, keys and tags.
void check_namespaces(Draft& draft, Values& values);
// `depends on`: names, circles, and the scopes they stand for.
void check_depends(Draft& draft);
// Rules that set each other off (`on drop of`) for ever.
void check_circles_of_drops(Draft& draft);

// Shared with sessions.
Ttl ttl_of(Values& values, const ast::TtlClause& clause, const Draft& draft);
Compression compression_of(Draft& draft, Values& values, const ast::CompressClause& clause);
std::vector<Option> options_of(Draft& draft, Values& values,
                               const std::vector<ast::Option>& options);

}  // namespace larder::dsl
