// plugins/gateway_http/http_date.hpp -- dates as HTTP writes them (RFC 9110 5.6.7), as seconds since 1970.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder::http {

// The three forms of the RFC. Whatever else is written, "0" and "now" among it, is no date.
// now_s: for the two-digit year of RFC 850 dates, which lies at most 50 years ahead.
[[nodiscard]] std::optional<std::int64_t> parse_date(std::string_view text, std::int64_t now_s);
// "Sun, 06 Nov 1994 08:49:37 GMT", 29 bytes.
void append_date(std::string& out, std::int64_t seconds);

}  // namespace larder::http
