// dsl/analysis/report_text.hpp -- classes and effects in words, as `routes` and `diff` print them.
#pragma once

#include "dsl/analysis/effect.hpp"
#include "dsl/analysis/request_classes.hpp"
#include "dsl/policy.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace larder::dsl {

inline constexpr std::string_view not_complete =
    "not complete: the patterns overlap too much to look at every class; there may be more";

// "2 classes"
std::string counted(std::size_t n, std::string_view one, std::string_view many);

// `POST, PUT /v1/users/x  (status 201)`; what answers in any way, or 200-399 as rules do, has no
// status.
std::string request_head(const RequestClass& c);
// `drop menu.item "{id}:t{tenant}"  menu.larder:12; without header "x-tenant": drop every entry of
// menu.item`
std::string effect_line(const Policy& policy, const Effect& effect);

// An object that is not closed yet: {"methods":[...],"statuses":[...],"witness":{...}
std::string request_json(const RequestClass& c);
std::string effect_json(const Policy& policy, const Effect& effect);

}  // namespace larder::dsl
