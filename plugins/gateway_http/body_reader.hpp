// plugins/gateway_http/body_reader.hpp -- a body, piece by piece, out of the bytes that frame it.
//
// Nothing is copied: pieces are views of the input. Of chunks everything but the data is bounded:
// extensions are skipped, at most 256 bytes of them a chunk and 16 KiB in all; trailers are read and
// dropped, at most 8 KiB.
#pragma once
#include "head_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder::http {

class BodyReader {
  public:
    enum class State : std::uint8_t {
        more,   // what there is has been taken
        piece,  // `piece` is the next of it; ask again
        done,   // the body is over; what follows `used` is the next message's
        broken  // why() says why
    };

    void begin(const Framing& framing) noexcept;
    // Takes `used` bytes off the front of `in`.
    State next(std::string_view in, std::size_t& used, std::string_view& piece);
    // The other side has said its last. Whether that was the end of the body.
    [[nodiscard]] bool may_end_here() const noexcept { return kind_ == Framing::Kind::until_close || over_; }
    [[nodiscard]] bool over() const noexcept { return over_; }
    [[nodiscard]] const char* why() const noexcept { return why_; }

  private:
    enum class At : std::uint8_t { size, data, data_end, trailer };
    State chunk(std::string_view in, std::size_t& used, std::string_view& piece);
    State chunk_size(std::string_view in, std::size_t& used);
    State trailer(std::string_view in, std::size_t& used);
    State refuse(const char* why) noexcept {
        why_ = why;
        return State::broken;
    }

    Framing::Kind kind_ = Framing::Kind::none;
    At at_ = At::size;
    bool over_ = true;
    std::uint64_t left_ = 0;  // of the body, or of the chunk
    std::size_t extensions_ = 0, trailers_ = 0;
    const char* why_ = "";
};

}  // namespace larder::http
