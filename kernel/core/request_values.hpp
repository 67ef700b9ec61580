// kernel/core/request_values.hpp -- `let x = json "id"`: values a rule takes out of a request.
//
// The only reader of request bodies. Bounded: a body over 1 MiB or nested deeper than 32 gives no value;
// a value over 1 KiB is no value. JSON fields may be reached by a dotted path ("order.customer.id");
// strings, numbers and booleans are texts, everything else is no value. `query "*"` is the whole query as
// it was sent.
#pragma once

#include "dsl/policy.hpp"

#include <larder/plugin/services.h>

#include <optional>
#include <string>
#include <string_view>

namespace larder {

class RequestValues {
  public:
    explicit RequestValues(const larder_request& request) : request_(request) {}
    ~RequestValues();
    // Not given, or not readable: nullopt.
    std::optional<std::string> find(dsl::Origin origin, std::string_view field);

  private:
    std::optional<std::string> header(std::string_view name) const;
    std::optional<std::string> cookie(std::string_view name) const;
    std::optional<std::string> json(std::string_view path);

    const larder_request& request_;
    struct Body;
    Body* body_ = nullptr;  // parsed at the first json
};

// Percent and plus decoding of one name or value of a query or form (WHATWG URL, 5.1).
std::string form_decode(std::string_view text);
// Percent decoding of a path segment (RFC 3986 2.1); broken escapes stay as they are.
std::string percent_decode(std::string_view text);
// The value of `name` in "a=1&b=2".
std::optional<std::string> form_value(std::string_view form, std::string_view name);

}  // namespace larder
