// plugins/net/acceptor.cpp -- see acceptor.hpp.
#include "acceptor.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace larder::net {
namespace {

constexpr std::uint64_t quiet_ns = 10'000'000'000;  // between two lines about the same

bool is_this_machine(std::string_view peer) noexcept { return peer.starts_with("127.") || peer.starts_with("[::1]"); }

}  // namespace

Acceptor::Acceptor(AcceptorHost& host, EventLoop& loop, const ListenAddress& where, const TlsContext* tls, unsigned unix_mode)
    : host_(host), loop_(loop), tls_(where.tls ? tls : nullptr), local_(!where.path.empty()), socket_(where, unix_mode) {
    if (!loop_.watch_listener(socket_.descriptor(), *this)) throw std::system_error(errno, std::generic_category());
}

void Acceptor::close() {
    closed_ = true;
    socket_.close();
}

void Acceptor::on_ready(std::uint32_t) {
    constexpr int at_once = 64;  // then it is somebody else's turn
    for (int i = 0; i < at_once && !closed_; ++i) {
        const int client = ::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) take(client);
        else if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        else if (errno != EINTR && errno != ECONNABORTED) return pause(errno);
    }
}

// Most often no descriptor is left.
void Acceptor::pause(int error) {
    host_.warn("cannot accept on " + bound() + ": " + std::generic_category().message(error));
    loop_.unwatch(socket_.descriptor());
    host_.retry([this] {
        if (!closed_ && !loop_.watch_listener(socket_.descriptor(), *this)) pause(errno);
    });
}

void Acceptor::take(int client) {
    if (host_.full()) {
        if (const std::uint64_t now = host_.now_ns(); said_full_ns_ == 0 || now >= said_full_ns_ + quiet_ns) {
            said_full_ns_ = now;
            host_.warn("max_connections are open: more are turned away on " + bound());
        }
        const std::string_view sorry = host_.sorry();
        if (tls_ == nullptr) ::send(client, sorry.data(), sorry.size(), MSG_NOSIGNAL);
        ::close(client);
        return;
    }
    std::string peer;
    if (!local_) {
        peer = peer_address(client);
        const int yes = 1;
        ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (is_this_machine(peer)) {
            // Nothing between two processes of one machine can be congested; what paces what it sends (BBR)
            // only costs time.
            constexpr std::string_view plainest = "reno";
            ::setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, plainest.data(), plainest.size());
        }
    }
    host_.welcome(Stream(client, tls_), std::move(peer), *this);
}

}  // namespace larder::net
