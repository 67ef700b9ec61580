// dsl/unified_diff.hpp -- what changes between two texts, in the form `patch` and `git apply` read.
#pragma once

#include <string>
#include <string_view>

namespace larder::dsl {

// Three lines of context, `--- name` and `+++ name` in front; empty when the texts are equal. The
// shortest edit up to two thousand changed lines, beyond that everything between the first and the
// last change as one.
std::string unified_diff(std::string_view name, std::string_view before, std::string_view after);

}  // namespace larder::dsl
