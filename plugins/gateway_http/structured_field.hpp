// plugins/gateway_http/structured_field.hpp -- Structured Fields (RFC 8941): dictionaries and lists of
// what caches use.
//
// All of the grammar is read, so that what is not well formed is found; of the values those are kept that
// a cache field means something with. Inner lists and parameters are checked and skipped.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::http {

struct Item {
    enum class Kind : std::uint8_t { integer, decimal, string, token, bytes, boolean, list };
    Kind kind = Kind::boolean;
    std::int64_t integer = 0;  // boolean, integer
    bool boolean = true;
    std::string text;  // string: without quotes and escapes; token, bytes: as written
};

// In the order of first appearance; a key that comes again has its last value.
using Dictionary = std::vector<std::pair<std::string, Item>>;

[[nodiscard]] bool parse_dictionary(std::string_view value, Dictionary& out);
[[nodiscard]] bool parse_list(std::string_view value, std::vector<Item>& out);
// As a string, quotes and escapes added; bytes that no string can hold are left out.
void append_string(std::string& out, std::string_view text);

}  // namespace larder::http
