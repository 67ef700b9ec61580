// dsl/key_words.cpp -- the words of keys: characters, spellings, ids.
#include "dsl/key_words.hpp"


#include <algorithm>
#include <array>

namespace larder::dsl {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
bool is_hex(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }

constexpr std::array<std::string_view, 22> months{
    "jan",      "january",   "feb", "february", "mar", "march", "apr", "april",
    "june",     "jun",       "jul", "july",     "aug", "august", "sep", "september",
    "oct",      "october",   "nov", "november", "dec", "december"};

}  // namespace

bool plain_key_byte(char c) {
    return is_letter(c) || is_digit(c) || c == ':' || c == '_' || c == '-' || c == '.' || c == '/';
}

std::size_t special_in(std::string_view key) {
    for (std::size_t i = 0; i < key.size(); ++i) {
        if (plain_key_byte(key[i])) continue;
        const bool escape =
            key[i] == '%' && i + 2 < key.size() && is_hex(key[i + 1]) && is_hex(key[i + 2]);
        if (!escape) return i;
        i += 2;
    }
    return std::string_view::npos;
}

std::string shown_byte(char c) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (byte == ' ') return "a blank";
    if (byte > 0x20 && byte < 0x7F) return "`" + std::string(1, c) + "`";
    return std::string("byte 0x") + hex[byte >> 4] + hex[byte & 15];
}

std::string stem_of(std::string_view word) {
    std::string out;
    for (const char c : word) {
        if (c != '_' && c != '-') out += lower(c);
    }
    if (out.size() > 4 && out.ends_with("ies")) {
        out.replace(out.size() - 3, 3, "y");
    } else if (out.size() > 2 && out.ends_with('s') && !out.ends_with("ss")) {
        out.pop_back();
    }
    return out;
}

bool names_one_thing(std::string_view text) {
    std::size_t digits = 0;
    std::string word;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const char c = i < text.size() ? text[i] : '\0';
        digits = is_digit(c) ? digits + 1 : 0;
        if (digits >= 3) return true;
        if (is_letter(c)) {
            word += lower(c);
            continue;
        }
        if (std::find(months.begin(), months.end(), word) != months.end()) return true;
        word.clear();
    }
    return false;
}

}  // namespace larder::dsl
