// dsl/template.hpp -- a text with variables in it, compiled: `category:{category_id}`.
//
// Literals keep their bytes, `\{` and the like already resolved. Variables are numbered by their place
// in the owner's list (see policy.hpp). Filling one in escapes the value, so that two different
// values can never make one text: `%` `:` `*` `{` `}` become %25 %3A %2A %7B %7D. A rest variable
// (`{path...}`) keeps its bytes, which is why it may only stand last.
#pragma once

#include "dsl/special_bytes.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl {

struct Piece {
    enum class Kind : std::uint8_t { literal, variable, rest, star, deep };
    Kind kind = Kind::literal;
    std::uint16_t slot = 0;  // variable, rest
    std::string text;        // literal: its bytes; variable, rest: the name
};

struct Template {
    std::vector<Piece> pieces;
    std::string source;  // as written, for people

    bool constant() const;  // no variable and no star
    bool uses(std::uint16_t slot) const;
    // Appends the text with `values[slot]` escaped in each variable. REQUIRES: no star or deep piece
    // unless it may stand as it is (a `matching` text keeps its stars).
    void fill(std::span<const std::string_view> values, std::string& out) const;
    std::string fill(std::span<const std::string_view> values) const;
    // Whether some values could make this template into `text` (escaped values contain no `:`).
    bool could_make(std::string_view text) const;
};

// Appends `value` escaped; escaped text contains none of `: * { }` and `%` only before two hex digits.
void escape_to(std::string_view value, std::string& out);
// The inverse; bytes that are no escape stay.
std::string unescape(std::string_view text);

}  // namespace larder::dsl
