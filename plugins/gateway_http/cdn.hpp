// plugins/gateway_http/cdn.hpp -- what a CDN in front is told of an answer that is kept.
//
// Two things: for how long it may serve the answer (CDN-Cache-Control, RFC 9213; Surrogate-Control where that is the
// word), and by which names larder's own drops would concern it (Surrogate-Key, Cache-Tag), so that the sink `cdn`
// can purge it there. Both are worked out once, when the answer is kept, and lie beside it: a hit pays nothing.
//
// The CDN tells requests apart by their URL. Where the policy looks at more (a cookie in the key, `unless header`),
// or where some drop would have no name that the CDN could be told, it may not keep the answer at all.
#pragma once
#include "freshness.hpp"
#include "gateway.hpp"
#include "lookup.hpp"
#include "message.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::http {

// Field lines, each with its line end. Empty where Options::cdn is none. tags: those that the application named.
[[nodiscard]] std::string cdn_lines(const Gateway& gateway, const Lookup& lookup, const Head& answer, const AnswerFacts& facts,
                                    const Lifetime& lifetime, std::int64_t initial_age_s, const std::vector<std::string_view>& tags);

}  // namespace larder::http
