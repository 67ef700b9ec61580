// plugins/warmer_predictive/history_file.cpp -- see history_file.hpp.
#include "history_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace larder::warmer_predictive {
namespace {

constexpr std::string_view heading = "larder patterns 1\n";
constexpr std::size_t largest = std::size_t{1} << 30;

std::string reason() { return std::generic_category().message(errno); }

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return hash;
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

bool read_all(int fd, std::string& text) {
    char bytes[65536];
    for (;;) {
        const ssize_t n = ::read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n == 0;
        text.append(bytes, static_cast<std::size_t>(n));
        if (text.size() > largest) {
            errno = EFBIG;
            return false;
        }
    }
}

}  // namespace

bool read_history(const std::string& path, std::string& text, std::string& why) {
    text.clear();
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        why = reason();
        return errno == ENOENT;
    }
    std::string whole;
    const bool read = read_all(fd, whole);
    why = read ? std::string() : reason();
    ::close(fd);
    if (!read) return false;
    std::uint64_t size = 0, hash = 0;
    const std::string_view in = whole;
    if (!in.starts_with(heading) || in.size() < heading.size() + sizeof size + sizeof hash) {
        why = "it does not begin as a history does";
        return false;
    }
    std::memcpy(&size, in.data() + heading.size(), sizeof size);
    std::memcpy(&hash, in.data() + heading.size() + sizeof size, sizeof hash);
    const std::string_view body = in.substr(heading.size() + sizeof size + sizeof hash);
    if (body.size() != size || hash_of(body) != hash) {
        why = "it is cut or damaged";
        return false;
    }
    text = body;
    return true;
}

bool write_history(const std::string& path, std::string_view text, std::string& why) {
    const std::string beside = path + ".new";
    const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        why = reason();
        return false;
    }
    const std::uint64_t size = text.size(), hash = hash_of(text);
    std::string head(heading);
    head.append(reinterpret_cast<const char*>(&size), sizeof size).append(reinterpret_cast<const char*>(&hash), sizeof hash);
    const bool written = write_all(fd, head) && write_all(fd, text) && ::fdatasync(fd) == 0;
    why = written ? std::string() : reason();
    ::close(fd);
    if (written && ::rename(beside.c_str(), path.c_str()) == 0) return true;
    if (written) why = reason();
    ::unlink(beside.c_str());
    return false;
}

}  // namespace larder::warmer_predictive
