// plugins/gateway_http/vary.hpp -- which request fields an answer was chosen by (RFC 9110 12.5.5, RFC 9111 4.1).
//
// With an answer are kept, for each field that its Vary names, the field's name and its value normalised:
// lines joined, spaces round commas dropped, and the lists that have no order of their own in lower case
// and sorted. A request matches when it has the same.
#pragma once
#include "message.hpp"

#include <string>
#include <string_view>

namespace larder::http {

// A line "name:value\n" for each field; empty without Vary. `Vary: *` has to be seen to before.
[[nodiscard]] std::string vary_of(const Head& answer, const Head& request);
[[nodiscard]] bool vary_matches(std::string_view vary, const Head& request);
void append_normalised(std::string& out, const Head& request, std::string_view lower_name);

}  // namespace larder::http
