// plugins/gateway_http/conditional.hpp -- conditional and range requests on a kept answer (RFC 9110 13 and 14).
#pragma once
#include "message.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace larder::http {

// What an answer can be compared by.
struct Validators {
    std::string_view etag;                      // as sent, W/ included; empty: none
    std::optional<std::int64_t> last_modified;  // else Date, for If-Modified-Since
    std::int64_t date = 0;
};

// RFC 9110 8.8.3.2. Entity tags as they stand in a message.
[[nodiscard]] bool weak_match(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] bool strong_match(std::string_view a, std::string_view b) noexcept;

enum class Condition : std::uint8_t { none, holds, not_modified };
// Of a GET or HEAD that a kept 200 would answer. not_modified: answer 304.
[[nodiscard]] Condition evaluate(const Head& request, const Validators& kept, std::int64_t now_s);

struct ByteRange {
    std::uint64_t from = 0, size = 0;
};
enum class RangeVerdict : std::uint8_t { whole, part, unsatisfiable };
// Range of a GET whose whole answer has `size` bytes; If-Range taken into account. Several ranges, other
// units and nonsense: whole, which RFC 9110 14.2 allows.
[[nodiscard]] RangeVerdict range_of(const Head& request, const Validators& kept, std::uint64_t size, std::int64_t now_s, ByteRange& out);

}  // namespace larder::http
