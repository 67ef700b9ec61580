// dsl/analysis/reach.hpp -- which changes can touch which entries.
#pragma once

#include "dsl/policy.hpp"

#include <string_view>
#include <vector>

namespace larder::dsl {

// Whether the change can touch some entry of the namespace: itself, by a tag it may carry, or
// through something it depends on. `canonical`: only the entry with this key; empty: any.
bool reaches(const Policy& policy, const Change& change, NamespaceIndex ns,
             std::string_view canonical = {});

// The namespaces with entries that the change can touch, ascending.
std::vector<NamespaceIndex> reached(const Policy& policy, const Change& change);

// The rules `on drop of` that a change can set off, ascending: once for the statement, as the
// kernel does.
std::vector<std::uint32_t> set_off(const Policy& policy, const Change& change);

}  // namespace larder::dsl
