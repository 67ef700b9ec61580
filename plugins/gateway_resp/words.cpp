// plugins/gateway_resp/words.cpp -- see words.hpp.
#include "words.hpp"

#include <charconv>
#include <utility>

namespace larder::resp {

// ---- words and numbers
// ---------------------------------------------------------------------------

bool parse_integer(std::string_view text, std::int64_t& out) noexcept {
    if (text.empty() || (text[0] == '0' && text.size() > 1) ||
        (text[0] == '-' && (text.size() == 1 || text[1] == '0')))
        return false;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, out);
    return error == std::errc{} && stopped == end;
}

bool parse_unsigned(std::string_view text, std::uint64_t& out) noexcept {
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, out);
    return !text.empty() && error == std::errc{} && stopped == end;
}

bool same_word(std::string_view a, std::string_view lower_case) noexcept {
    if (a.size() != lower_case.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
        if (c != lower_case[i]) return false;
    }
    return true;
}

// ---- glob
// ------------------------------------------------------------------------------------------
namespace {

// Matches one character against the element at p; p moves behind the element.
bool match_one(std::string_view pattern, std::size_t& p, unsigned char c) noexcept {
    const char head = pattern[p];
    if (head == '?') {
        ++p;
        return true;
    }
    if (head == '\\' && p + 1 < pattern.size()) {
        p += 2;
        return static_cast<unsigned char>(pattern[p - 1]) == c;
    }
    if (head != '[') {
        ++p;
        return static_cast<unsigned char>(head) == c;
    }
    ++p;
    const bool negated = p < pattern.size() && pattern[p] == '^';
    if (negated) ++p;
    bool found = false;
    while (p < pattern.size() && pattern[p] != ']') {
        if (pattern[p] == '\\' && p + 1 < pattern.size()) ++p;
        auto low = static_cast<unsigned char>(pattern[p]);
        auto high = low;
        if (p + 2 < pattern.size() && pattern[p + 1] == '-' && pattern[p + 2] != ']') {
            high = static_cast<unsigned char>(pattern[p + 2]);
            p += 2;
        }
        if (low > high) std::swap(low, high);
        found = found || (c >= low && c <= high);
        ++p;
    }
    if (p < pattern.size()) ++p;  // the bracket
    return found != negated;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) noexcept {
    constexpr std::size_t none = std::string_view::npos;
    std::size_t p = 0, t = 0, star = none, star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
            continue;
        }
        std::size_t after = p;
        if (p < pattern.size() && match_one(pattern, after, static_cast<unsigned char>(text[t]))) {
            p = after;
            ++t;
            continue;
        }
        if (star == none) return false;
        p = star + 1;
        t = ++star_text;
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

}  // namespace larder::resp
