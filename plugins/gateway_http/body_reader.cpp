// plugins/gateway_http/body_reader.cpp -- see body_reader.hpp.
#include "body_reader.hpp"

#include <algorithm>

namespace larder::http {
namespace {

constexpr std::size_t longest_size_line = 16 + 256 + 2, most_extensions = 16u << 10, most_trailers = 8u << 10;
constexpr std::size_t npos = std::string_view::npos;

int hex(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    const char small = lower(c);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

}  // namespace

void BodyReader::begin(const Framing& framing) noexcept {
    kind_ = framing.kind;
    at_ = At::size;
    left_ = framing.length;
    over_ = kind_ == Framing::Kind::none;
    extensions_ = trailers_ = 0;
    why_ = "";
}

BodyReader::State BodyReader::next(std::string_view in, std::size_t& used, std::string_view& piece) {
    used = 0;
    if (over_) return State::done;
    switch (kind_) {
        case Framing::Kind::none: return State::done;
        case Framing::Kind::until_close:
            if (in.empty()) return State::more;
            piece = in;
            used = in.size();
            return State::piece;
        case Framing::Kind::length: {
            if (in.empty()) return State::more;
            used = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
            piece = in.substr(0, used);
            left_ -= used;
            over_ = left_ == 0;
            return State::piece;
        }
        case Framing::Kind::chunked: return chunk(in, used, piece);
    }
    return State::done;
}

BodyReader::State BodyReader::chunk(std::string_view in, std::size_t& used, std::string_view& piece) {
    for (;;) {
        const std::string_view rest = in.substr(used);
        switch (at_) {
            case At::size:
                if (const State state = chunk_size(rest, used); state != State::piece) return state;
                break;
            case At::data: {
                if (rest.empty()) return State::more;
                const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
                piece = rest.substr(0, n);
                left_ -= n;
                used += n;
                if (left_ == 0) at_ = At::data_end;
                return State::piece;
            }
            case At::data_end:
                if (rest.size() < 2) return State::more;
                if (!rest.starts_with("\r\n")) return refuse("a chunk is longer than it says");
                used += 2;
                at_ = At::size;
                break;
            case At::trailer: return trailer(rest, used);
        }
    }
}

// piece: go on behind it.
BodyReader::State BodyReader::chunk_size(std::string_view in, std::size_t& used) {
    const std::size_t end = in.substr(0, longest_size_line).find('\n');
    if (end == npos) return in.size() >= longest_size_line ? refuse("a chunk's size line is too long") : State::more;
    if (end == 0 || in[end - 1] != '\r') return refuse("a chunk's size line does not end in CRLF");
    std::string_view line = in.substr(0, end - 1);
    std::uint64_t size = 0;
    std::size_t digits = 0;
    for (; digits < line.size() && hex(line[digits]) >= 0; ++digits) size = size * 16 + static_cast<unsigned>(hex(line[digits]));
    if (digits == 0 || digits > 15) return refuse("a chunk's size is no number");
    line.remove_prefix(digits);
    if (!line.empty()) {
        if (trimmed(line).empty() || trimmed(line).front() != ';') return refuse("a chunk's size is no number");
        for (const char c : line)
            if (static_cast<unsigned char>(c) < 0x20 && c != '\t') return refuse("a chunk extension holds a control character");
        extensions_ += line.size();
        if (extensions_ > most_extensions) return refuse("there are too many chunk extensions");
    }
    used += end + 1;
    left_ = size;
    at_ = size == 0 ? At::trailer : At::data;
    return State::piece;
}

BodyReader::State BodyReader::trailer(std::string_view in, std::size_t& used) {
    for (;;) {
        const std::size_t end = in.find('\n');
        if (trailers_ + std::min(end, in.size()) > most_trailers) return refuse("the trailers are too long");
        if (end == npos) return State::more;
        if (end == 0 || in[end - 1] != '\r') return refuse("a trailer does not end in CRLF");
        used += end + 1;
        trailers_ += end + 1;
        if (end == 1) {
            over_ = true;
            return State::done;
        }
        in.remove_prefix(end + 1);
    }
}

}  // namespace larder::http
