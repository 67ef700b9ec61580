// plugins/gateway_http/upstream.cpp -- see upstream.hpp.
#include "upstream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace larder::http {

void Upstream::on_ready(std::uint32_t events) {
    if (closed) return;
    if (events == 0) queued_ = false;
    channel.note(events);
    const auto keep = shared_from_this();
    if (user == nullptr) {  // it rests, and whatever comes now is no answer to anything
        if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) home_.pool().forget(*this);
        return;
    }
    if (connecting) {
        if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) == 0) return;
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(channel.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
        connecting = false;
        return user->on_connected(error == 0);
    }
    user->on_upstream();
}

void Upstream::again() {
    if (queued_ || closed) return;
    queued_ = true;
    home_.loop().again(shared_from_this());
}

void Upstream::close() {
    if (closed) return;
    closed = true;
    user = nullptr;
    channel.close();
    home_.loop().bury(shared_from_this());
}

std::shared_ptr<Upstream> UpstreamPool::rested(Resting& resting, Want want) {
    constexpr std::uint64_t least_ns = 100'000'000, most_ns = 2'000'000'000;
    const std::uint64_t now = want == Want::steady ? gateway_.now_ns() : 0;
    for (std::size_t i = resting.connections.size(); i > 0 && want != Want::fresh; --i) {
        auto& place = resting.connections[i - 1];
        const std::uint64_t since = place->rests_since_ns;
        if (want == Want::steady && (now < since + least_ns || now > since + most_ns)) continue;
        auto one = std::move(place);
        resting.connections.erase(resting.connections.begin() + static_cast<std::ptrdiff_t>(i - 1));
        char byte = 0;  // the loop may not have told yet what the socket knows already
        const bool silent = want == Want::any || (::recv(one->channel.descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN);
        if (!one->channel.readable() && silent) return one;
        --resting.open;  // closed by the other side, not told yet
        one->close();
    }
    return nullptr;
}

std::shared_ptr<Upstream> UpstreamPool::take(Origin& origin, UpstreamUser& user, Want want, const char*& why, bool& crowded) {
    Resting& resting = by_origin_[&origin];
    if (auto one = rested(resting, want)) {
        one->user = &user;
        return one;
    }
    if (resting.open >= gateway_.options.upstream_connections) {
        why = "too many requests wait for the application";
        crowded = true;
        return nullptr;
    }
    SocketAddress where;
    if (!origin.address(where)) {
        why = "the application's address is not known";
        return nullptr;
    }
    const int descriptor = ::socket(where.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        why = "there are no more sockets";
        crowded = true;
        return nullptr;
    }
    const int yes = 1;
    if (where.bytes.ss_family != AF_UNIX) ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&where.bytes), where.size) != 0 && errno != EINPROGRESS) {
        ::close(descriptor);
        why = "the application cannot be connected to";
        return nullptr;
    }
    auto made = std::make_shared<Upstream>(home_, origin, net::Stream(descriptor, nullptr));
    made->user = &user;
    if (!home_.loop().watch(descriptor, *made)) {
        made->channel.close();
        why = "there are no more sockets";
        return nullptr;
    }
    ++resting.open;
    return made;
}

void UpstreamPool::give_back(const std::shared_ptr<Upstream>& upstream, bool reusable) {
    upstream->user = nullptr;
    const Channel& channel = upstream->channel;
    if (!reusable || upstream->closed || channel.ended() || channel.failed() || !channel.in.empty() || channel.pending() != 0) return forget(*upstream);
    upstream->used_before = true;
    upstream->rests_since_ns = gateway_.now_ns();
    upstream->channel.in.release();
    upstream->channel.out.release();
    by_origin_[&upstream->origin].connections.push_back(upstream);
}

void UpstreamPool::forget(Upstream& upstream) {
    Resting& resting = by_origin_[&upstream.origin];
    std::erase_if(resting.connections, [&](const auto& one) { return one.get() == &upstream; });
    if (upstream.closed) return;
    --resting.open;
    upstream.close();
}

void UpstreamPool::tick(std::uint64_t now_ns) {
    for (auto& [origin, resting] : by_origin_) {
        std::vector<std::shared_ptr<Upstream>> old;
        for (const auto& one : resting.connections)
            if (now_ns > one->rests_since_ns + gateway_.options.upstream_idle_ns) old.push_back(one);
        for (const auto& one : old) forget(*one);
    }
}

void UpstreamPool::close_resting() {
    for (auto& [origin, resting] : by_origin_) {
        const auto all = resting.connections;
        for (const auto& one : all) forget(*one);
    }
}

}  // namespace larder::http
