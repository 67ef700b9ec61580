// plugins/gateway_http/source_value.hpp -- a value as an answer: of a namespace that names a source.
//
// Such an entry is what the source gave, without a head: the same bytes that RESP clients and hosts read. So the gateway is
// where the answer comes from, and makes its head anew each time. The ETag is a hash of the bytes, equal on all nodes and
// after every load that brings the same. `Cache-Control: no-cache` lets whoever is in front keep the answer and ask each
// time whether it still holds, because nobody tells it what is dropped here; `private` where more than the URL chose the
// entry.
#pragma once
#include "lookup.hpp"

#include <string>
#include <string_view>

namespace larder::http {

// What the bytes are called: `configured`, or with "auto" what they look like. JSON is what begins and ends as an object or
// an array does, text what is UTF-8 without control characters as far as the first 16 KiB tell.
[[nodiscard]] std::string_view type_of_value(std::string_view configured, std::string_view value) noexcept;

// The entry that was read, as an answer. `head` gets its head; it and lookup.item outlive what is returned.
[[nodiscard]] StoredAnswer answer_of_value(const Gateway& gateway, const Lookup& lookup, std::string& head);

// What a client is told of a load that brought no value: 404, 502, 503, 504.
struct NoValue {
    std::uint16_t status;
    const char* why;
};
[[nodiscard]] NoValue no_value(larder_status status) noexcept;

}  // namespace larder::http
