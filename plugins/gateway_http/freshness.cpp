// plugins/gateway_http/freshness.cpp -- see freshness.hpp.
#include "freshness.hpp"

#include "http_date.hpp"

#include <algorithm>

namespace larder::http {
namespace {

// RFC 9110 15.1: may be kept although nothing says for how long.
bool heuristically_cacheable(std::uint16_t status) noexcept {
    switch (status) {
        case 200: case 203: case 204: case 300: case 301: case 308: case 404: case 405: case 410: case 414: case 501: return true;
        default: return false;
    }
}

// Statuses whose caching rules this cache follows (for must-understand).
bool understood(std::uint16_t status) noexcept {
    return heuristically_cacheable(status) || status == 302 || status == 303 || status == 307 || status == 400 || status == 403 ||
           status == 500 || status == 502 || status == 503 || status == 504;
}

}  // namespace

std::int64_t parse_age(std::string_view value) {
    constexpr std::int64_t oldest = 2'147'483'648;
    value = trimmed(value);
    std::int64_t out = 0;
    if (value.empty()) return oldest;
    for (const char c : value) {
        if (c < '0' || c > '9') return oldest;
        out = std::min<std::int64_t>(out * 10 + (c - '0'), oldest);
    }
    return out;
}

AnswerFacts facts_of(const Head& answer, std::int64_t now_s, std::string_view name) {
    AnswerFacts out;
    out.status = answer.status;
    const auto targeted = [&](Name field) {
        if (out.targeted || !answer.has(field)) return;
        CacheControl control;
        if (!parse_targeted(answer.joined(field), control)) return;
        out.control = control;
        out.targeted = true;
    };
    targeted(Name::larder_cache_control);
    targeted(Name::cdn_cache_control);
    if (!out.targeted && answer.has(Name::surrogate_control)) {
        CacheControl control;
        out.targeted = parse_surrogate_control(answer.joined(Name::surrogate_control), name, control);
        if (out.targeted) out.control = control;
    }
    if (!out.targeted) answer.each(Name::cache_control, [&](std::string_view value) { out.control.add(value); });
    const auto date = answer.has(Name::date) ? parse_date(answer.first(Name::date), now_s) : std::nullopt;
    out.dated = date.has_value();
    out.date = date.value_or(now_s);
    if (answer.has(Name::age)) out.age = parse_age(answer.joined(Name::age));
    if (answer.has(Name::expires)) {
        // Twice is nonsense, and nonsense lies in the past (RFC 9111 5.3).
        const std::string all = answer.joined(Name::expires);
        out.expires = parse_date(all, now_s).value_or(0);
    }
    if (answer.has(Name::last_modified)) out.last_modified = parse_date(answer.first(Name::last_modified), now_s);
    out.has_etag = answer.has(Name::etag);
    out.has_set_cookie = answer.has(Name::set_cookie);
    answer.each(Name::vary, [&](std::string_view value) {
        each_member(value, [&](std::string_view member) { out.varies_on_everything = out.varies_on_everything || member == "*"; });
    });
    return out;
}

Lifetime lifetime_of(const AnswerFacts& facts, const FreshnessRules& rules) {
    Lifetime out;
    const CacheControl& control = facts.control;
    if (control.s_maxage) {
        out = {*control.s_maxage, false, true};
    } else if (control.max_age) {
        out = {*control.max_age, false, true};
    } else if (facts.expires && !facts.targeted) {
        out = {std::max<std::int64_t>(*facts.expires - facts.date, 0), false, true};
    } else if (rules.by_policy && (facts.status < 300 || heuristically_cacheable(facts.status))) {
        return {rules.policy_s.value_or(by_kernel), true, false};
    } else if (rules.heuristic > 0 && facts.last_modified && (heuristically_cacheable(facts.status) || control.public_)) {
        const auto since = static_cast<double>(std::max<std::int64_t>(facts.date - *facts.last_modified, 0));
        out.seconds = static_cast<std::int64_t>(since * rules.heuristic);
    }
    if (rules.policy_s) out.seconds = std::min(out.seconds, *rules.policy_s);
    return out;
}

std::int64_t initial_age(const AnswerFacts& facts, std::int64_t requested_s, std::int64_t received_s) {
    const std::int64_t apparent = facts.dated ? std::max<std::int64_t>(received_s - facts.date, 0) : 0;
    return std::max(apparent, facts.age + std::max<std::int64_t>(received_s - requested_s, 0));
}

CacheControl request_control(const Head& request) {
    CacheControl out;
    request.each(Name::cache_control, [&](std::string_view value) { out.add(value); });
    if (!out.given && request.has(Name::pragma) && request.lists(Name::pragma, "no-cache")) out.no_cache = out.given = true;
    return out;
}

const char* why_not_stored(const RequestFacts& request, const AnswerFacts& answer, const Lifetime& lifetime) {
    const CacheControl& control = answer.control;
    const bool overridden = control.must_understand && understood(answer.status);
    if (control.must_understand && !understood(answer.status)) return "not-understood";
    if (request.control.no_store) return "request-no-store";
    if (control.no_store && !overridden) return "no-store";
    if (control.private_) return "private";
    if (answer.status < 200 || answer.status == 206 || answer.status == 304) return "partial";
    if (answer.varies_on_everything) return "vary";
    if (request.authorized && !control.public_ && !control.must_revalidate && !control.s_maxage) return "authorization";
    if (answer.has_set_cookie && !lifetime.given && !control.public_) return "set-cookie";
    if (!lifetime.given && !lifetime.by_policy && !control.public_ && !heuristically_cacheable(answer.status)) return "status";
    if (lifetime.by_policy && answer.status >= 400 && !control.public_) return "status";
    const bool useful = lifetime.seconds > 0 || answer.has_validator() || control.stale_while_revalidate || control.stale_if_error;
    if (control.no_cache && !answer.has_validator()) return "no-cache";
    return useful ? nullptr : "not-fresh";
}

Use judge(const Kept& kept, const CacheControl& request, std::int64_t now_s, bool kernel_stale, std::int64_t kernel_ttl_s,
          std::int64_t& ttl_s) {
    const std::int64_t age = kept.age(now_s);
    ttl_s = kept.lifetime_s == by_kernel || kernel_stale ? kernel_ttl_s : kept.lifetime_s - age;
    const bool fresh = kept.lifetime_s == by_kernel ? !kernel_stale : ttl_s > 0 && !kernel_stale;
    if (kept.no_cache || request.no_cache) return Use::ask;
    if (request.max_age && age > *request.max_age) return Use::ask;
    if (fresh) return request.min_fresh && ttl_s >= 0 && ttl_s < *request.min_fresh ? Use::ask : Use::fresh;
    if (kept.must_revalidate) return Use::ask;
    if (request.max_stale && !kernel_stale && -ttl_s <= *request.max_stale) return Use::fresh;
    if (kept.revalidating_s > 0 && -ttl_s < kept.revalidating_s) return Use::revalidating;
    return Use::ask;
}

bool may_serve_on_error(const Kept& kept, const CacheControl& request, std::int64_t ttl_s) {
    if (kept.must_revalidate || kept.no_cache || request.no_cache) return false;
    return ttl_s > 0 || -ttl_s <= kept.on_error_s;
}

}  // namespace larder::http
