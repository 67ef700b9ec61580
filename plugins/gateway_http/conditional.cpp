// plugins/gateway_http/conditional.cpp -- see conditional.hpp.
#include "conditional.hpp"

#include "head_parser.hpp"
#include "http_date.hpp"

#include <algorithm>

namespace larder::http {
namespace {

std::string_view opaque(std::string_view tag) noexcept { return tag.starts_with("W/") ? tag.substr(2) : tag; }

bool any_matches(const Head& request, std::string_view etag) {
    bool found = false;
    request.each(Name::if_none_match, [&](std::string_view value) {
        each_member(value, [&](std::string_view member) { found = found || member == "*" || (!etag.empty() && weak_match(member, etag)); });
    });
    return found;
}

bool range_still_holds(const Head& request, const Validators& kept, std::int64_t now_s) {
    if (!request.has(Name::if_range)) return true;
    const std::string_view value = request.first(Name::if_range);
    if (value.starts_with('"') || value.starts_with("W/")) return strong_match(value, kept.etag);
    const auto date = parse_date(value, now_s);
    // Strong only where the answer was at least a second older than its own Date (RFC 9110 8.8.2.2).
    return date && kept.last_modified && *date == *kept.last_modified && kept.date - *kept.last_modified >= 1;
}

}  // namespace

bool weak_match(std::string_view a, std::string_view b) noexcept { return opaque(a) == opaque(b); }
bool strong_match(std::string_view a, std::string_view b) noexcept {
    return !a.empty() && a == b && !a.starts_with("W/");
}

Condition evaluate(const Head& request, const Validators& kept, std::int64_t now_s) {
    if (request.has(Name::if_none_match)) return any_matches(request, kept.etag) ? Condition::not_modified : Condition::holds;
    if (request.has(Name::if_modified_since)) {
        const auto since = parse_date(request.first(Name::if_modified_since), now_s);
        if (!since) return Condition::none;
        return kept.last_modified.value_or(kept.date) <= *since ? Condition::not_modified : Condition::holds;
    }
    return Condition::none;
}

RangeVerdict range_of(const Head& request, const Validators& kept, std::uint64_t size, std::int64_t now_s, ByteRange& out) {
    if (!request.has(Name::range) || request.method() != "GET") return RangeVerdict::whole;
    std::string_view text = request.first(Name::range);
    if (!same_word(text.substr(0, 6), "bytes=") || text.find(',') != std::string_view::npos) return RangeVerdict::whole;
    text = trimmed(text.substr(6));
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos || !range_still_holds(request, kept, now_s)) return RangeVerdict::whole;
    const std::string_view first = trimmed(text.substr(0, dash)), last = trimmed(text.substr(dash + 1));
    std::uint64_t from = 0, to = 0;
    if (first.empty()) {
        if (!parse_length(last, to)) return RangeVerdict::whole;
        if (to == 0 || size == 0) return RangeVerdict::unsatisfiable;
        out.size = std::min(to, size);
        out.from = size - out.size;
        return RangeVerdict::part;
    }
    if (!parse_length(first, from) || (!last.empty() && (!parse_length(last, to) || to < from))) return RangeVerdict::whole;
    if (from >= size) return RangeVerdict::unsatisfiable;
    out.from = from;
    out.size = last.empty() ? size - from : std::min(to - from + 1, size - from);
    return RangeVerdict::part;
}

}  // namespace larder::http
