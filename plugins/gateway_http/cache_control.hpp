// plugins/gateway_http/cache_control.hpp -- what Cache-Control and the fields like it say (RFC 9111 5.2,
// RFC 5861, RFC 8246, RFC 9213).
//
// Cache-Control is read as leniently as caches do: unknown directives are skipped, the argument may be
// quoted. Where a directive is there but makes no sense, or twice with two values, the stricter reading
// holds: a max-age that is no number is 0. Targeted fields are Structured Fields, and one that is not well
// formed is as if it were not there.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace larder::http {

struct CacheControl {
    std::optional<std::int64_t> max_age, s_maxage, stale_while_revalidate, stale_if_error;  // seconds
    std::optional<std::int64_t> max_stale, min_fresh;  // of requests; max-stale without a value: INT64_MAX
    bool no_store = false, no_cache = false, private_ = false, public_ = false;
    bool must_revalidate = false, proxy_revalidate = false, must_understand = false;
    bool no_transform = false, only_if_cached = false, immutable = false;
    bool given = false;  // there was such a field

    // Adds what one field line says.
    void add(std::string_view value);
};

// A targeted field (a Dictionary of RFC 8941). False: not well formed, or empty.
[[nodiscard]] bool parse_targeted(std::string_view value, CacheControl& out);
// Surrogate-Control (W3C Edge Architecture 1.0), the older field of that kind: `max-age=600+30, no-store`, each
// directive perhaps for one surrogate only, `max-age=60;larder`. False: nothing there that concerns `name`.
[[nodiscard]] bool parse_surrogate_control(std::string_view value, std::string_view name, CacheControl& out);

}  // namespace larder::http
