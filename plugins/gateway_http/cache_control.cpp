// plugins/gateway_http/cache_control.cpp -- see cache_control.hpp.
#include "cache_control.hpp"

#include "message.hpp"
#include "structured_field.hpp"

#include <algorithm>
#include <limits>

namespace larder::http {
namespace {

constexpr std::int64_t longest_s = 2'147'483'648;  // RFC 9111 1.2.2

// Seconds; anything that is no number of them is 0, which is the strict reading of all that take one.
std::int64_t seconds_of(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    std::int64_t out = 0;
    if (text.empty()) return 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return 0;
        out = std::min(out * 10 + (c - '0'), longest_s);
    }
    return out;
}

void take_least(std::optional<std::int64_t>& into, std::int64_t value) { into = into ? std::min(*into, value) : value; }

// One directive; false: not one that is known.
void apply(CacheControl& out, std::string_view name, std::string_view argument, bool has_argument) {
    const auto is = [&](std::string_view word) { return same_word(name, word); };
    if (is("max-age")) take_least(out.max_age, seconds_of(argument));
    else if (is("s-maxage")) take_least(out.s_maxage, seconds_of(argument));
    else if (is("stale-while-revalidate")) take_least(out.stale_while_revalidate, seconds_of(argument));
    else if (is("stale-if-error")) take_least(out.stale_if_error, seconds_of(argument));
    else if (is("max-stale")) take_least(out.max_stale, has_argument ? seconds_of(argument) : std::numeric_limits<std::int64_t>::max());
    else if (is("min-fresh")) out.min_fresh = std::max(out.min_fresh.value_or(0), seconds_of(argument));
    else if (is("no-store")) out.no_store = true;
    else if (is("no-cache")) out.no_cache = true;
    else if (is("private")) out.private_ = true;
    else if (is("public")) out.public_ = true;
    else if (is("must-revalidate")) out.must_revalidate = true;
    else if (is("proxy-revalidate")) out.proxy_revalidate = true;
    else if (is("must-understand")) out.must_understand = true;
    else if (is("no-transform")) out.no_transform = true;
    else if (is("only-if-cached")) out.only_if_cached = true;
    else if (is("immutable")) out.immutable = true;
}

}  // namespace

void CacheControl::add(std::string_view value) {
    given = true;
    each_member(value, [&](std::string_view member) {
        const std::size_t equals = member.find('=');
        const std::string_view name = member.substr(0, std::min(equals, member.size()));
        const bool has_argument = equals != std::string_view::npos;
        apply(*this, name, has_argument ? member.substr(equals + 1) : std::string_view{}, has_argument);
    });
}

bool parse_targeted(std::string_view value, CacheControl& out) {
    Dictionary dictionary;
    if (!parse_dictionary(value, dictionary) || dictionary.empty()) return false;
    for (const auto& member : dictionary) {
        const std::string& key = member.first;
        const Item& item = member.second;
        if (item.kind == Item::Kind::boolean && !item.boolean) continue;
        // Directives that take seconds take an Integer; with anything else the directive is not there.
        const bool number = item.kind == Item::Kind::integer && item.integer >= 0;
        const bool flag = item.kind == Item::Kind::boolean;
        const auto is = [&](std::string_view word) { return key == word; };
        if (is("max-age") || is("s-maxage") || is("stale-while-revalidate") || is("stale-if-error")) {
            if (!number) continue;
            const std::int64_t seconds = std::min(item.integer, longest_s);
            if (is("max-age")) out.max_age = seconds;
            else if (is("s-maxage")) out.s_maxage = seconds;
            else if (is("stale-while-revalidate")) out.stale_while_revalidate = seconds;
            else out.stale_if_error = seconds;
        } else if (flag) {
            apply(out, key, {}, false);
        } else if (is("no-cache") || is("private")) {
            apply(out, key, {}, false);  // with field names: the whole of it is meant, which is stricter
        }
    }
    out.given = true;
    return true;
}

bool parse_surrogate_control(std::string_view value, std::string_view name, CacheControl& out) {
    bool found = false;
    each_member(value, [&](std::string_view member) {
        const std::size_t semicolon = member.find(';');
        if (semicolon != std::string_view::npos && !same_ignoring_case(trimmed(member.substr(semicolon + 1)), name)) return;
        member = trimmed(member.substr(0, semicolon));
        if (same_word(member, "no-store")) {
            out.no_store = found = true;
        } else if (member.size() > 8 && same_word(member.substr(0, 8), "max-age=")) {
            const std::string_view numbers = member.substr(8);
            const std::size_t plus = numbers.find('+');
            take_least(out.max_age, seconds_of(numbers.substr(0, plus)));
            if (plus != std::string_view::npos) take_least(out.stale_while_revalidate, seconds_of(numbers.substr(plus + 1)));
            found = true;
        }
    });
    out.given = found;
    return found;
}

}  // namespace larder::http
