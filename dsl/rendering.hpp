// dsl/rendering.hpp -- what the render_*.cpp share: texts made safe to show.
//
// A policy may hold any bytes, and messages quote it. What goes to a terminal has no control
// characters in it (an escape sequence in a policy must not drive the reader's terminal), and what
// goes into JSON is UTF-8. Every offending byte becomes U+FFFD.
#pragma once

#include "dsl/source.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace larder::dsl {

inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

// The bytes of the code point at the start of `text`: 1 to 4, or 0 if they are no valid UTF-8
// (overlong forms, surrogates and anything above U+10FFFF included). REQUIRES: text is not empty.
std::size_t code_point_size(std::string_view text);

// Fit for a terminal: tabs become four blanks, control characters and invalid bytes U+FFFD.
std::string shown(std::string_view text);

// With quotes around it, as JSON wants it.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

// Where a span starts and ends, for formats that want both.
struct Region {
    const Source* source;
    Place begin;
    Place end;
};
Region region_of(const SourceMap& sources, Span span);

}  // namespace larder::dsl
