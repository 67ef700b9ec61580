// plugins/warmer_http/path_text.hpp -- `/menu/{id}?lang={lang}` with values in it, each of them percent-encoded.
//
// Whatever a value holds, it stays within its segment or its query value: only the unreserved characters of
// RFC 3986 stand as they are. A segment that would be `.` or `..` is refused: a server takes those for the
// way up, encoded or not.
#pragma once

#include <larder/plugin/services.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace larder::warmer_http {

// Nothing: a brace is open, a name is no field, or a segment leads up.
std::optional<std::string> fill_path(std::string_view text, std::span<const larder_pair> fields);

}  // namespace larder::warmer_http
