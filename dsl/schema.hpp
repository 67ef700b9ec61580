// dsl/schema.hpp -- which entries a namespace can still read: a hash of everything that decides their bytes
// and the scopes they carry.
//
// An entry that was made under another key template, other tags, patterns or dependencies lacks scopes, or
// has others, so it is a miss under this policy. What only people see (the name of a field, the order of
// clauses and rules) is not in the hash: moving a rule must not empty a cache.
#pragma once

#include "dsl/policy.hpp"

#include <string>

namespace larder::dsl {

// A text over a namespace's parameters without the names of fields: `stock:{1}:{2}`; a `with` value keeps
// its name, because the application gives it by that. Equal texts: the same texts for every entry.
std::string meaning_of(const Template& text, const Namespace& owner);

// Sets Namespace::schema of all. REQUIRES: tags, patterns and dependencies are complete.
void number_schemas(Policy& policy);

}  // namespace larder::dsl
