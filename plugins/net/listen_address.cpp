// plugins/net/listen_address.cpp -- see listen_address.hpp.
#include "listen_address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace larder::net {
namespace {

[[noreturn]] void fail_with(int error) {
    throw std::runtime_error(std::generic_category().message(error));
}

std::string text_of(const sockaddr_storage& address) {
    char host[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
        return "[" + std::string(host) + "]:" + std::to_string(ntohs(v6.sin6_port));
    }
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(ntohs(v4.sin_port));
}

// A unix socket's name in the form that the system wants.
sockaddr_un local_name(const std::string& path) {
    sockaddr_un name{};
    if (path.size() >= sizeof name.sun_path) {
        throw std::runtime_error("the path is longer than " +
                                 std::to_string(sizeof name.sun_path - 1) + " bytes");
    }
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, path.size());
    return name;
}

int new_socket(int family) {
    const int made = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0) {
        fail_with(errno);
    }
    return made;
}

}  // namespace

// ---- addresses ----------------------------------------------------------------------------------

bool ListenAddress::parse(std::string_view text, ListenAddress& out) {
    out = {};
    if (text.starts_with("unix:")) {
        out.path = text.substr(5);
        return !out.path.empty() && out.path[0] == '/';
    }
    if (text.starts_with("tls:")) {
        out.tls = true;
        text.remove_prefix(4);
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return false;
    }
    std::string_view host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    unsigned port = 0;
    out.host = host;
    out.port = text.substr(colon + 1);
    const char* const end = out.port.data() + out.port.size();
    const auto [stopped, bad] = std::from_chars(out.port.data(), end, port);
    return !host.empty() && bad == std::errc{} && stopped == end && port <= 65535;
}

bool ListenAddress::local() const {
    if (!path.empty() || host == "localhost") {
        return true;
    }
    in_addr v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
        return (ntohl(v4.s_addr) >> 24) == 127;
    }
    in6_addr v6{};
    return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string peer_address(int descriptor) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
        return {};
    }
    return text_of(peer);
}

// ---- the socket ---------------------------------------------------------------------------------

ListeningSocket::ListeningSocket(const ListenAddress& where, unsigned unix_mode) {
    try {
        if (where.path.empty()) {
            listen_tcp(where);
        } else {
            listen_local(where.path, unix_mode);
        }
    } catch (...) {
        close();
        throw;
    }
}

ListeningSocket::~ListeningSocket() { close(); }

void ListeningSocket::close() noexcept {
    if (descriptor_ >= 0) {
        ::close(std::exchange(descriptor_, -1));
    }
    if (!path_.empty()) {
        ::unlink(path_.c_str());
        path_.clear();
    }
}

void ListeningSocket::listen_tcp(const ListenAddress& where) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(where.host.c_str(), where.port.c_str(), &wanted, &found);
        error != 0) {
        throw std::runtime_error(::gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> kept(found, &::freeaddrinfo);
    descriptor_ = new_socket(found->ai_family);
    const int yes = 1;
    ::setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(descriptor_, found->ai_addr, found->ai_addrlen) != 0 ||
        ::listen(descriptor_, SOMAXCONN) != 0) {
        fail_with(errno);
    }
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&own), &size);
    const std::string text = text_of(own);
    port_ = static_cast<int>(std::stoul(text.substr(text.rfind(':') + 1)));
    bound_ = (where.tls ? "tls:" : "") + text;
}

void ListeningSocket::listen_local(const std::string& path, unsigned mode) {
    const sockaddr_un name = local_name(path);
    const auto* const address = reinterpret_cast<const sockaddr*>(&name);
    descriptor_ = new_socket(AF_UNIX);
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
        const int probe = new_socket(AF_UNIX);
        const bool refused =
            ::connect(probe, address, sizeof name) != 0 && errno == ECONNREFUSED;
        ::close(probe);
        if (refused) {
            ::unlink(path.c_str());
        }
    }
    if (::bind(descriptor_, address, sizeof name) != 0) {
        fail_with(errno);
    }
    path_ = path;
    if (::chmod(path.c_str(), mode) != 0) {
        throw std::runtime_error("its mode cannot be set");
    }
    if (::listen(descriptor_, SOMAXCONN) != 0) {
        fail_with(errno);
    }
    bound_ = "unix:" + path;
}

}  // namespace larder::net
