// kernel/serve/policy_json.hpp -- which policy runs, and what a change of it came to, as JSON.
#pragma once

#include "kernel/api/policy_change.hpp"

#include <boost/json/object.hpp>

#include <string_view>

namespace larder::serve {

// id, origin, by, since_ms, the watch and how the last one ended, the kept ones by their heads.
boost::json::object running_json(const PolicyRunning& running);
boost::json::array texts_json(const PolicyTexts& texts);
boost::json::object applied_json(const PolicyApplied& applied);
std::string_view word_of(PolicyApplied::End end);  // "applied", "refused", ...

}  // namespace larder::serve
