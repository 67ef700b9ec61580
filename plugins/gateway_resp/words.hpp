// plugins/gateway_resp/words.hpp -- words, numbers and globs, read as strictly as Redis reads them.
#pragma once
#include <cstdint>
#include <string_view>

namespace larder::resp {

// The most common glob of the protocol: * ? [a-z] [^a-z] and \x, over bytes. Time is at most
// pattern * text: a star is retried only from the last one.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text) noexcept;

// Strict decimal as Redis reads it: no sign but '-', no leading zero, no space. False: not a
// number.
[[nodiscard]] bool parse_integer(std::string_view text, std::int64_t& out) noexcept;
[[nodiscard]] bool parse_unsigned(std::string_view text, std::uint64_t& out) noexcept;

[[nodiscard]] bool same_word(std::string_view a, std::string_view lower_case) noexcept;

}  // namespace larder::resp
