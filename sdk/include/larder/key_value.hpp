// larder/key_value.hpp -- an argument as a value, and the one text it has in every language.
//
// The text is JSON as RFC 8785 (JSON Canonicalization Scheme) writes it: no blanks, the members of an
// object in the order of their names (as UTF-16), numbers as ECMAScript prints them, in texts only what
// must be escaped. One thing more: whole numbers from -2^63 to 2^64-1 are written in full, where RFC 8785
// has doubles only. 1 and 1.0 are one number and one text.
//
// Texts are UTF-8 and taken as they are, not normalised: `é` in one character and in two are two texts,
// as they are for the application that was asked for them. Who takes names from people normalises them
// (NFC) before. What has no such text (NaN, infinities, bytes that are not UTF-8, an object that names a
// member twice, more than 64 levels) has none, and says so.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace larder {

class KeyValue {
  public:
    using List = std::vector<KeyValue>;
    using Map = std::vector<std::pair<std::string, KeyValue>>;  // in any order

    KeyValue(std::nullptr_t = nullptr) noexcept : value_(nullptr) {}
    KeyValue(bool truth) noexcept : value_(truth) {}
    template <std::signed_integral T>
    KeyValue(T number) noexcept : value_(std::in_place_type<std::int64_t>, number) {}
    template <std::unsigned_integral T>
    KeyValue(T number) noexcept : value_(std::in_place_type<std::uint64_t>, number) {}
    template <std::floating_point T>
    KeyValue(T number) noexcept : value_(std::in_place_type<double>, number) {}
    KeyValue(const char* text) : value_(std::string(text)) {}
    KeyValue(std::string_view text) : value_(std::string(text)) {}
    KeyValue(std::string text) noexcept : value_(std::move(text)) {}
    KeyValue(List list) noexcept : value_(std::move(list)) {}
    KeyValue(Map map) noexcept : value_(std::move(map)) {}

    const std::string* text() const noexcept { return std::get_if<std::string>(&value_); }
    // Neither null nor a list nor a map.
    bool is_plain() const noexcept { return value_.index() >= 1 && value_.index() <= 5; }
    // Appends its text; false: it has none, and `out` is of no use.
    bool append_to(std::string& out, int depth = 0) const;

  private:
    std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, List, Map> value_;
};

// Its canonical text. [any thread]
inline std::optional<std::string> canonical_text(const KeyValue& value) {
    std::string out;
    if (!value.append_to(out)) return std::nullopt;
    return out;
}

namespace detail {

// The code point that begins at `at`, which moves behind it; nothing: no UTF-8 (RFC 3629).
inline std::optional<char32_t> next_code_point(std::string_view text, std::size_t& at) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(at);
    const std::size_t size = first < 0x80 ? 1 : first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : first >= 0xF0 && first < 0xF5 ? 4 : 0;
    if (size == 0 || text.size() - at < size) return std::nullopt;
    char32_t point = size == 1 ? first : first & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(at + i) & 0xC0) != 0x80) return std::nullopt;
        point = point << 6 | (byte(at + i) & 0x3F);
    }
    const bool too_long = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
    if (too_long || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return std::nullopt;
    at += size;
    return point;
}

inline bool is_utf8(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();)
        if (!next_code_point(text, at)) return false;
    return true;
}

// As UTF-16 sorts: what needs two units stands before U+E000. REQUIRES: UTF-8.
inline bool is_before_utf16(std::string_view a, std::string_view b) noexcept {
    std::size_t i = 0, k = 0;
    while (i < a.size() && k < b.size()) {
        const char32_t left = *next_code_point(a, i), right = *next_code_point(b, k);
        if (left == right) continue;
        const bool above_left = left >= 0x10000, above_right = right >= 0x10000;
        if (above_left != above_right) return above_left ? right >= 0xE000 : left < 0xE000;
        return left < right;
    }
    return i == a.size() && k < b.size();
}

inline void append_json_text(std::string_view text, std::string& out) {
    static constexpr char digits[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\b': out += "\\b"; break;
            case '\t': out += "\\t"; break;
            case '\n': out += "\\n"; break;
            case '\f': out += "\\f"; break;
            case '\r': out += "\\r"; break;
            default:
                if (const auto byte = static_cast<unsigned char>(c); byte < 0x20) {
                    out += "\\u00";
                    out += digits[byte >> 4];
                    out += digits[byte & 15];
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

// Number::toString of ECMA-262: the fewest digits that read back as the same number. REQUIRES: finite.
inline void append_json_number(double number, std::string& out) {
    if (number == 0) {
        out += '0';
        return;
    }
    char shortest[32];
    const auto end = std::to_chars(shortest, shortest + sizeof shortest, std::abs(number), std::chars_format::scientific).ptr;
    const std::string_view written(shortest, static_cast<std::size_t>(end - shortest));
    const std::size_t e = written.find('e');
    std::string digits(written.substr(0, 1));
    if (e > 2) digits += written.substr(2, e - 2);
    int exponent = 0;
    const std::size_t sign = written[e + 1] == '+' ? 1 : 0;
    std::from_chars(written.data() + e + 1 + sign, written.data() + written.size(), exponent);
    const int point = exponent + 1, count = static_cast<int>(digits.size());  // 0.DIGITS * 10^point
    const auto zeros = [&](int n) { out.append(static_cast<std::size_t>(n), '0'); };
    if (number < 0) out += '-';
    if (point > 21 || point <= -6) {
        out += digits[0];
        if (count > 1) out.append(".").append(digits, 1);
        out += point > 0 ? "e+" : "e-";
        out += std::to_string(std::abs(point - 1));
    } else if (point <= 0) {
        out += "0.";
        zeros(-point);
        out += digits;
    } else if (count <= point) {
        out += digits;
        zeros(point - count);
    } else {
        out.append(digits, 0, static_cast<std::size_t>(point)).append(".").append(digits, static_cast<std::size_t>(point));
    }
}

}  // namespace detail

inline bool KeyValue::append_to(std::string& out, int depth) const {
    constexpr int deepest = 64;
    if (depth > deepest) return false;
    switch (value_.index()) {
        case 0: out += "null"; return true;
        case 1: out += std::get<bool>(value_) ? "true" : "false"; return true;
        case 2: out += std::to_string(std::get<std::int64_t>(value_)); return true;
        case 3: out += std::to_string(std::get<std::uint64_t>(value_)); return true;
        case 4:
            if (!std::isfinite(std::get<double>(value_))) return false;
            detail::append_json_number(std::get<double>(value_), out);
            return true;
        case 5:
            if (!detail::is_utf8(std::get<std::string>(value_))) return false;
            detail::append_json_text(std::get<std::string>(value_), out);
            return true;
        case 6: {
            char before = '[';
            if (std::get<List>(value_).empty()) out += before;
            for (const KeyValue& one : std::get<List>(value_)) {
                out += before;
                if (!one.append_to(out, depth + 1)) return false;
                before = ',';
            }
            out += ']';
            return true;
        }
        default: break;
    }
    std::vector<const Map::value_type*> members;
    for (const auto& member : std::get<Map>(value_)) {
        if (!detail::is_utf8(member.first)) return false;
        members.push_back(&member);
    }
    std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return detail::is_before_utf16(a->first, b->first); });
    char before = '{';
    if (members.empty()) out += before;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (i > 0 && members[i]->first == members[i - 1]->first) return false;
        out += before;
        detail::append_json_text(members[i]->first, out);
        out += ':';
        if (!members[i]->second.append_to(out, depth + 1)) return false;
        before = ',';
    }
    out += '}';
    return true;
}

}  // namespace larder
