// dsl/analysis/render_routes.hpp -- the complete table of a policy: what happens when, for every
// request.
#pragma once

#include "dsl/analysis/request_classes.hpp"
#include "dsl/policy.hpp"

#include <string>

namespace larder::dsl {

// Every class with its witness, what is served, dropped, expired, refreshed, warmed and ended, by
// which rule, and what rules `on drop of` add. The classes in which nothing happens are told in one
// line. REQUIRES: classes_of() this one policy.
std::string render_routes_text(const Policy& policy, const RequestClasses& classes);
// One JSON object with all classes, the idle ones too.
std::string render_routes_json(const Policy& policy, const RequestClasses& classes);

}  // namespace larder::dsl
