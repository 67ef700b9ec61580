// plugins/gateway_http/freshness.hpp -- whether an answer may be kept, for how long it is fresh, how old it
// is, and what may be done with it then (RFC 9111 3 and 4). Nothing here reads a clock or a socket.
//
// A rule of the policy that serves a request is a permission and a limit: an answer that says nothing of
// its own life lives as long as the namespace says, one that does lives as long as it says itself, and at
// most as long as the namespace says. Where the gateway runs with `freshness = "origin"` only the answer
// itself can make it fresh.
#pragma once
#include "cache_control.hpp"
#include "message.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace larder::http {

// What an answer says that a cache has to know. All in seconds.
struct AnswerFacts {
    std::uint16_t status = 0;
    CacheControl control;       // the targeted field's where there is one
    bool targeted = false;      // Cache-Control and Expires do not count
    std::int64_t date = 0;      // Date; when it came, where that is missing or no date
    bool dated = false;
    std::int64_t age = 0;       // Age
    std::optional<std::int64_t> expires;  // Expires; one that is no date lies in the past
    std::optional<std::int64_t> last_modified;
    bool has_etag = false, has_set_cookie = false;
    bool varies_on_everything = false;

    [[nodiscard]] bool has_validator() const noexcept { return has_etag || last_modified.has_value(); }
};

// name: the gateway's, by which Surrogate-Control may mean it.
[[nodiscard]] AnswerFacts facts_of(const Head& answer, std::int64_t now_s, std::string_view name = "larder");
// Age (RFC 9111 5.1). Anything but one number is as old as can be: a cache before this one is broken, and
// how old its answer is nobody knows (docs/decisions.md).
[[nodiscard]] std::int64_t parse_age(std::string_view value);

struct FreshnessRules {
    bool by_policy = true;                 // an answer that says nothing of it lives as long as the namespace says
    std::optional<std::int64_t> policy_s;  // the namespace's ttl
    double heuristic = 0;                  // share of the time since Last-Modified; 0: none
};

struct Lifetime {
    std::int64_t seconds = 0;
    bool by_policy = false;  // the namespace's own: jitter and dated ttls are the kernel's to apply
    bool given = false;      // the answer said so itself
};
[[nodiscard]] Lifetime lifetime_of(const AnswerFacts& facts, const FreshnessRules& rules);
// RFC 9111 4.2.3 at the moment it came: what is in `Age`, or what `Date` shows, and the way here.
[[nodiscard]] std::int64_t initial_age(const AnswerFacts& facts, std::int64_t requested_s, std::int64_t received_s);

struct RequestFacts {
    CacheControl control;
    bool authorized = false;  // it has Authorization, and the entry's key does not
    bool whole = true;        // it asks for no range
};
// What a request's Cache-Control says, Pragma where that is missing (RFC 9111 5.4).
[[nodiscard]] CacheControl request_control(const Head& request);

// Why an answer is not kept; NULL: it may be.
[[nodiscard]] const char* why_not_stored(const RequestFacts& request, const AnswerFacts& answer, const Lifetime& lifetime);

// What is kept of all that with an entry.
struct Kept {
    std::int64_t received_s = 0;      // wall clock
    std::int64_t initial_age_s = 0;
    std::int64_t lifetime_s = 0;      // INT64_MAX: until the kernel says that it is stale
    std::int64_t revalidating_s = 0, on_error_s = 0;  // of the answer or of the namespace
    bool must_revalidate = false, no_cache = false;

    [[nodiscard]] std::int64_t age(std::int64_t now_s) const noexcept {
        return initial_age_s + (now_s > received_s ? now_s - received_s : 0);
    }
};
inline constexpr std::int64_t by_kernel = std::numeric_limits<std::int64_t>::max();

enum class Use : std::uint8_t {
    fresh,         // serve it
    revalidating,  // serve it, and ask for a new one meanwhile
    ask            // ask first; it may still serve if that fails, see may_serve_on_error
};
// ttl_s: what is left until it is stale, as Cache-Status says it; below 0: how long it has been.
[[nodiscard]] Use judge(const Kept& kept, const CacheControl& request, std::int64_t now_s, bool kernel_stale,
                        std::int64_t kernel_ttl_s, std::int64_t& ttl_s);
[[nodiscard]] bool may_serve_on_error(const Kept& kept, const CacheControl& request, std::int64_t ttl_s);

}  // namespace larder::http
