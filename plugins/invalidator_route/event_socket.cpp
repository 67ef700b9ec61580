// plugins/invalidator_route/event_socket.cpp -- binding without a race, receiving without a wait.
#include "event_socket.hpp"

#include <larder/plugin/error.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace larder::invalidator_route {
namespace {

constexpr int most_datagrams = 64;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
    throw plugin::Error(LARDER_E_IO, "socket " + path + ": " + why);
}

std::string reason() { return std::generic_category().message(errno); }

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        refuse(path, "a socket's path has at most 107 bytes");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

FileDescriptor new_socket() {
    return FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

}  // namespace

void EventSocket::remove_stale() const {
    struct stat about {};
    if (::lstat(path_.c_str(), &about) != 0) {
        return;
    }
    if (!S_ISSOCK(about.st_mode)) {
        refuse(path_, "there is something that is not a socket; remove it or choose another path");
    }
    const sockaddr_un address = address_of(path_);
    const FileDescriptor probe = new_socket();
    if (!probe ||
        ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno != ECONNREFUSED) {
        refuse(path_, "another process listens there");
    }
    ::unlink(path_.c_str());
}

void EventSocket::open() {
    const sockaddr_un address = address_of(path_);
    remove_stale();
    FileDescriptor fd = new_socket();
    // On Linux the file takes the socket's mode when it is made, so there is no moment at which
    // somebody else could connect.
    if (!fd || ::fchmod(fd.get(), 0600) != 0 ||
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        refuse(path_, reason());
    }
    struct stat about {};
    if (::lstat(path_.c_str(), &about) != 0) {
        refuse(path_, reason());
    }
    fd_ = std::move(fd);
    device_ = about.st_dev;
    inode_ = about.st_ino;
}

void EventSocket::close() noexcept {
    if (!fd_) {
        return;
    }
    struct stat about {};
    if (::lstat(path_.c_str(), &about) == 0 && about.st_dev == device_ && about.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
    fd_.close();
}

bool EventSocket::receive(const Line& line) {
    for (int i = 0; i < most_datagrams; ++i) {
        const ssize_t got = ::recv(fd_.get(), datagram_.data(), datagram_.size(), MSG_TRUNC);
        if (got < 0) {
            return false;
        }
        if (static_cast<std::size_t>(got) > datagram_.size()) {
            ++too_long_;
            continue;
        }
        std::string_view rest(datagram_.data(), static_cast<std::size_t>(got));
        while (!rest.empty()) {
            const std::size_t end = rest.find('\n');
            std::string_view one = rest.substr(0, end);
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
            if (one.ends_with('\r')) {
                one.remove_suffix(1);
            }
            if (!one.empty()) {
                line(one);
            }
        }
    }
    return true;
}

}  // namespace larder::invalidator_route
