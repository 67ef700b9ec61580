// plugins/gateway_http/head_parser.hpp -- bytes to heads, and what of them is refused (RFC 9112).
//
// Requests are read strictly: whatever two parsers could read in two ways is refused with a status and a
// reason, because the next parser is the application's (request smuggling). So: lines end in CRLF, no
// line is folded, no space before a colon, one Host, one Content-Length of digits only, one
// Transfer-Encoding that says chunked, and never both of them. Answers of the application are read as
// leniently as that is safe: folded lines are joined, a repeated Content-Length may say the same twice.
#pragma once
#include "message.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder::http {

struct HeadLimits {
    std::size_t head = 64u << 10;  // bytes
    std::size_t target = 16u << 10;
    std::size_t fields = 200;
};

struct Parsed {
    enum class State : std::uint8_t { more, done, refused };
    State state = State::more;
    std::size_t used = 0;         // done: bytes of the head
    std::uint16_t status = 0;     // refused: what to answer
    const char* why = nullptr;    // refused
};

// How long the body is (RFC 9112 6.3).
struct Framing {
    enum class Kind : std::uint8_t { none, length, chunked, until_close };
    Kind kind = Kind::none;
    std::uint64_t length = 0;
};

// `searched` is how far an earlier call looked for the end in vain, and is moved on; 0 at first.
[[nodiscard]] Parsed parse_request(std::string_view in, const HeadLimits& limits, std::size_t& searched, Head& out, Framing& body);
// head: the answer is to a HEAD request, so it has no body whatever it says.
[[nodiscard]] Parsed parse_answer(std::string_view in, const HeadLimits& limits, std::size_t& searched, bool head, Head& out, Framing& body);

// Digits only, at most 18 of them.
[[nodiscard]] bool parse_length(std::string_view text, std::uint64_t& out) noexcept;

}  // namespace larder::http
