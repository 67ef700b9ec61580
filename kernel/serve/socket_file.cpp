// kernel/serve/socket_file.cpp -- a listening unix socket in the file system, for its owner alone.
#include "kernel/serve/socket_file.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace larder::serve {
namespace {

constexpr int backlog = 64;

bool make_folder(const std::string& path, std::string& problem) {
    const auto folder = std::filesystem::absolute(path).parent_path().string();
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        problem = "the folder " + folder + " cannot be made: " + std::strerror(errno);
        return false;
    }
    struct stat found {};
    if (::stat(folder.c_str(), &found) != 0) {
        problem = folder + ": " + std::strerror(errno);
        return false;
    }
    const bool ours = found.st_uid == ::geteuid() || found.st_uid == 0;
    const bool open = (found.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (!ours || (open && (found.st_uid != 0 || (found.st_mode & S_ISVTX) == 0))) {
        problem = "others can change the folder " + folder +
                  ", so a socket in it could be replaced; `chmod 700` it or name another with "
                  "`[admin] socket`";
        return false;
    }
    return true;
}

// Whether the file there may be removed: a socket of ours that refuses connections.
bool is_left_over(const sockaddr_un& address, std::string& problem) {
    struct stat found {};
    if (::lstat(address.sun_path, &found) != 0) return errno == ENOENT;
    if (!S_ISSOCK(found.st_mode)) {
        problem = std::string(address.sun_path) + " is there and is no socket";
        return false;
    }
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool answered =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno != ECONNREFUSED;
    if (fd >= 0) ::close(fd);
    if (answered)
        problem = std::string("another larder serves at ") + address.sun_path +
                  "; stop it, or give this one a socket of its own with `[admin] socket`";
    return !answered;
}

}  // namespace

int listen_at(const std::string& path, std::string& problem) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        problem = "the admin socket's path is longer than " +
                  std::to_string(sizeof address.sun_path - 1) + " bytes: " + path;
        return -1;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    if (!make_folder(path, problem) || !is_left_over(address, problem)) return -1;
    ::unlink(address.sun_path);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // Before bind: on Linux the file gets the socket's own mode, so it is never open to others.
    if (fd >= 0 && ::fchmod(fd, 0600) == 0 &&
        ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::chmod(address.sun_path, 0600) == 0 && ::listen(fd, backlog) == 0)
        return fd;
    problem = "the admin socket " + path + " cannot be made: " + std::strerror(errno);
    if (fd >= 0) ::close(fd);
    return -1;
}

}  // namespace larder::serve
