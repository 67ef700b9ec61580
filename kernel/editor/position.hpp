// kernel/editor/position.hpp -- places as editors count them: lines from 0, and UTF-16 units in a line.
#pragma once

#include "dsl/source.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <string_view>

namespace larder::editor {

struct Position {
    std::uint32_t line = 0;
    std::uint32_t character = 0;  // UTF-16 units; an emoji is two
    friend bool operator==(const Position&, const Position&) = default;
};

// An offset inside a code point is taken as its beginning.
Position position_of(const dsl::Source& file, std::uint32_t offset);
// A line or a character that does not exist is taken as the nearest that does, the second half of a
// surrogate pair as its first.
std::uint32_t offset_of(const dsl::Source& file, Position position);

boost::json::object position_json(Position position);
boost::json::object range_json(const dsl::Source& file, dsl::Span span);

// file:///a%20b <-> /a b. Empty for URIs of other schemes.
std::string path_of(std::string_view uri);
std::string uri_of(std::string_view path);

}  // namespace larder::editor
