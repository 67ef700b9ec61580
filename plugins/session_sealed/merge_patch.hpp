// plugins/session_sealed/merge_patch.hpp -- JSON merge patch, RFC 7386.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace larder::session_sealed {

// What `data` says after `patch`; no data is an empty object. Nullopt: one of them is no JSON, or is nested
// deeper than 64. Members that stay keep their order.
std::optional<std::string> merged(std::string_view data, std::string_view patch);

}  // namespace larder::session_sealed
