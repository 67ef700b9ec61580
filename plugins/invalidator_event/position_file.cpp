// plugins/invalidator_event/position_file.cpp -- see position_file.hpp.
#include "position_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>

namespace larder::invalidator_event {
namespace {

constexpr std::string_view heading = "larder positions 1\n";
constexpr std::size_t longest_file = std::size_t{1} << 20;

std::string reason() { return std::generic_category().message(errno); }

// A key may hold any byte; a line may not.
std::string escaped(std::string_view key) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const char c : key) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x21 || byte == '%' || byte >= 0x7f) {
            text += '%';
            text += digits[byte >> 4];
            text += digits[byte & 15];
        } else {
            text += c;
        }
    }
    return text;
}

bool unescape(std::string_view text, std::string& key) {
    key.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            key += text[i];
            continue;
        }
        unsigned byte = 0;
        if (text.size() - i < 3) {
            return false;
        }
        const auto read = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
        if (read.ec != std::errc() || read.ptr != text.data() + i + 3) {
            return false;
        }
        key += static_cast<char>(byte);
        i += 2;
    }
    return !key.empty();
}

bool read_all(int fd, std::string& text) {
    char bytes[4096];
    for (;;) {
        const ssize_t n = ::read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0;
        }
        text.append(bytes, static_cast<std::size_t>(n));
        if (text.size() > longest_file) {
            errno = EFBIG;
            return false;
        }
    }
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

}  // namespace

bool PositionFile::load(Positions& positions, std::string& why) const {
    positions.clear();
    if (!kept()) {
        return true;
    }
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        why = reason();
        return errno == ENOENT;
    }
    std::string text;
    const bool whole = read_all(fd, text);
    why = whole ? std::string() : reason();
    ::close(fd);
    if (!whole) {
        return false;
    }
    std::string_view rest = text;
    if (!rest.starts_with(heading)) {
        why = "it does not begin with '" + std::string(heading.substr(0, heading.size() - 1)) + "'";
        return false;
    }
    rest.remove_prefix(heading.size());
    for (int line = 2; !rest.empty(); ++line) {
        const std::size_t end = rest.find('\n');
        const std::string_view one = rest.substr(0, end);
        const std::size_t space = one.find(' ');
        std::string key;
        const auto id = StreamId::read(one.substr(0, space));
        if (end == std::string_view::npos || space == std::string_view::npos || !id ||
            !unescape(one.substr(space + 1), key)) {
            why = "its line " + std::to_string(line) + " is not an id and a stream";
            positions.clear();
            return false;
        }
        positions[key] = *id;
        rest.remove_prefix(end + 1);
    }
    return true;
}

bool PositionFile::save(const Positions& positions, std::string& why) const {
    if (!kept()) {
        return true;
    }
    std::string text(heading);
    for (const auto& [key, id] : positions) {
        text += id.text() + " " + escaped(key) + "\n";
    }
    const std::string beside = path_ + ".new";
    const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        why = reason();
        return false;
    }
    const bool written = write_all(fd, text);
    why = written ? std::string() : reason();
    ::close(fd);
    if (!written || ::rename(beside.c_str(), path_.c_str()) != 0) {
        why = why.empty() ? reason() : why;
        ::unlink(beside.c_str());
        return false;
    }
    return true;
}

}  // namespace larder::invalidator_event
