// plugins/gateway_resp/parser.hpp -- requests of the Redis protocol, cut out of a byte stream.
//
// A request is an array of bulk strings ("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n") or an inline line ("GET
// k\r\n"). The parser goes on where it stopped, whatever the size of the chunks, and looks at no
// byte twice but those of an unfinished length line. Nothing is copied: arguments are views into
// the buffer.
//
// Every length that a peer can announce has a bound, and an announced length alone reserves
// nothing: memory follows the bytes that really came. The texts of the errors are those of Redis 7.
// Protocol: https://redis.io/docs/reference/protocol-spec (RESP2 and RESP3 share the request form).
#pragma once
#include "net.hpp"
#include "words.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::resp {

using Args = std::span<const std::string_view>;

struct RequestLimits {
    std::size_t args = 1024 * 1024;       // of one request
    std::size_t bulk = 64u << 20;         // bytes of one argument
    std::size_t request = 128u << 20;     // bytes of one request, framing included
    std::size_t inline_line = 64u << 10;  // bytes of an inline request
    // Before a client has authenticated:
    std::size_t stranger_args = 10;
    std::size_t stranger_bulk = 16u << 10;
};

enum class Parsed {
    Incomplete,  // nothing is wrong, bytes are missing
    Request,     // args() holds one
    Error        // the stream cannot be understood from here on; error() says why
};

// One per connection; one thread.
class RequestParser {
  public:
    explicit RequestParser(const RequestLimits& limits) : limits_(limits) {}

    // Takes the next request off the front of in. Empty requests are skipped. args() is valid until
    // the next call or until in grows. REQUIRES: between two calls only bytes were added to in.
    Parsed next(Buffer& in, bool authenticated);

    [[nodiscard]] Args args() const noexcept { return args_; }
    [[nodiscard]] std::string_view error() const noexcept { return error_; }
    // How many bytes the argument being received still lacks; 0 when that is not known.
    [[nodiscard]] std::size_t missing() const noexcept { return missing_; }

  private:
    struct Slice {  // relative to the first byte of the request
        std::uint32_t at, size;
    };
    Parsed array(Buffer& in, bool authenticated);
    Parsed inline_request(Buffer& in);
    bool split_inline(char* line, std::size_t size);
    Parsed fail(std::string text);
    void start_over() noexcept;

    RequestLimits limits_;
    std::size_t at_ = 0;           // how far the request was read
    std::int64_t args_left_ = -1;  // -1: the array header was not read yet
    std::int64_t bulk_size_ = -1;  // -1: the argument's header was not read yet
    std::size_t missing_ = 0;
    std::vector<Slice> slices_;
    std::vector<std::string_view> args_;
    std::string error_;
};

}  // namespace larder::resp
