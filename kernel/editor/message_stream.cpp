// kernel/editor/message_stream.cpp -- messages of the Language Server Protocol over two descriptors.
#include "kernel/editor/message_stream.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

namespace larder::editor {
namespace {

bool is_named(std::string_view line, std::string_view name) {
    return line.size() > name.size() && line[name.size()] == ':' &&
           std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) {
               return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
           });
}

std::optional<std::size_t> number_behind_colon(std::string_view line) {
    std::string_view digits = line.substr(line.find(':') + 1);
    while (digits.starts_with(' ') || digits.starts_with('\t')) digits.remove_prefix(1);
    while (digits.ends_with(' ') || digits.ends_with('\t')) digits.remove_suffix(1);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

}  // namespace

bool MessageStream::fill() {
    if (at_ > 0) {
        buffer_.erase(0, at_);
        at_ = 0;
    }
    constexpr std::size_t chunk = std::size_t{64} << 10;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + chunk);
    ssize_t got = 0;
    do {
        got = ::read(in_, buffer_.data() + had, chunk);
    } while (got < 0 && errno == EINTR);
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return got > 0;
}

bool MessageStream::header_line(std::string& line, bool& too_long) {
    too_long = false;
    std::size_t looked = 0;
    for (;;) {
        const std::size_t newline = buffer_.find('\n', at_ + looked);
        if (newline != std::string::npos) {
            line = buffer_.substr(at_, newline - at_);
            at_ = newline + 1;
            if (line.ends_with('\r')) line.pop_back();
            return true;
        }
        looked = buffer_.size() - at_;
        if (looked > max_header_bytes) {
            at_ = buffer_.size();
            too_long = true;
            return false;
        }
        if (!fill()) return false;
    }
}

bool MessageStream::skip(std::size_t bytes) {
    for (;;) {
        const std::size_t here = std::min(bytes, buffer_.size() - at_);
        at_ += here;
        bytes -= here;
        if (bytes == 0) return true;
        if (!fill()) return false;
    }
}

MessageStream::Incoming MessageStream::body(std::size_t size) {
    while (buffer_.size() - at_ < size)
        if (!fill()) return {Incoming::Kind::end, {}};
    Incoming out{Incoming::Kind::message, buffer_.substr(at_, size)};
    at_ += size;
    if (buffer_.capacity() > max_header_bytes * 64 && at_ == buffer_.size()) {
        buffer_ = std::string();  // a large message is rare
        at_ = 0;
    }
    return out;
}

MessageStream::Incoming MessageStream::next() {
    std::optional<std::size_t> size;
    std::string line, wrong;
    bool too_long = false;
    for (bool begun = false;;) {
        if (!header_line(line, too_long)) {
            if (too_long) return {Incoming::Kind::bad, "a header line is longer than 8 KiB"};
            return {Incoming::Kind::end, {}};
        }
        if (line.empty()) {
            // Empty lines between messages are nobody's harm.
            if (!begun) continue;
            break;
        }
        begun = true;
        if (is_named(line, "content-length")) {
            size = number_behind_colon(line);
            if (!size) wrong = "Content-Length is not a number";
        } else if (!is_named(line, "content-type")) {
            wrong = "a header line is none of the protocol";
        }
    }
    if (!wrong.empty() && !size) return {Incoming::Kind::bad, wrong};
    if (!size) return {Incoming::Kind::bad, "a message has no Content-Length"};
    if (*size > max_message_bytes) {
        if (!skip(*size)) return {Incoming::Kind::end, {}};
        return {Incoming::Kind::bad, "a message is longer than 64 MiB"};
    }
    return body(*size);
}

bool MessageStream::is_waiting() const {
    if (at_ < buffer_.size()) return true;
    pollfd one{in_, POLLIN, 0};
    return ::poll(&one, 1, 0) > 0;
}

bool MessageStream::send(std::string_view message) {
    std::string frame = "Content-Length: " + std::to_string(message.size()) + "\r\n\r\n";
    frame += message;
    for (std::string_view rest = frame; !rest.empty();) {
        const ssize_t sent = ::write(out_, rest.data(), rest.size());
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

}  // namespace larder::editor
