// kernel/editor/message_stream.hpp -- messages of the Language Server Protocol over two descriptors.
//
// A message is `Content-Length: N`, other header lines, an empty line, and N bytes. Whatever else
// comes is told as bad and passed over up to the next empty line, so that a client that stumbled once
// is understood again. A header line has a bound, a message has one, and a message that is longer is
// read past without being kept.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace larder::editor {

class MessageStream {
  public:
    static constexpr std::size_t max_header_bytes = std::size_t{8} << 10;
    static constexpr std::size_t max_message_bytes = std::size_t{64} << 20;

    struct Incoming {
        enum class Kind { message, bad, end };
        Kind kind = Kind::end;
        std::string text;  // the message; of a bad one what is wrong with it
    };

    // The descriptors stay the caller's.
    MessageStream(int in, int out) : in_(in), out_(out) {}

    // Waits for the next message.
    Incoming next();
    // Whether next() would find something without waiting.
    bool is_waiting() const;
    // False when nobody reads any more.
    bool send(std::string_view message);

  private:
    bool fill();
    // The header line that begins at at_, without its end; false at the end of the stream or, with
    // `too_long`, when it has no end within its bound.
    bool header_line(std::string& line, bool& too_long);
    bool skip(std::size_t bytes);
    Incoming body(std::size_t size);

    int in_;
    int out_;
    std::string buffer_;
    std::size_t at_ = 0;  // what is in front of it has been taken
};

}  // namespace larder::editor
