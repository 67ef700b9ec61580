// plugins/gateway_http/origin.cpp -- see origin.hpp.
#include "origin.hpp"

#include <netdb.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

namespace larder::http {

bool Origin::parse(std::string_view url, std::string& host, std::string& port, std::string& path) {
    if (!url.starts_with("http://")) return false;
    url.remove_prefix(7);
    if (url.starts_with("unix:")) {
        path = url.substr(5);
        return path.starts_with('/') && path.size() < sizeof(sockaddr_un::sun_path);
    }
    if (!url.empty() && url.back() == '/') url.remove_suffix(1);
    std::string_view name = url, number = "80";
    const std::size_t colon = url.rfind(':');
    if (colon != std::string_view::npos && url.find(']', colon) == std::string_view::npos) {
        name = url.substr(0, colon);
        number = url.substr(colon + 1);
    }
    if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
    const bool digits = !number.empty() && number.size() <= 5 && std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (name.empty() || !digits || name.find_first_of("/?#@ ") != std::string_view::npos) return false;
    host = name;
    port = number;
    return true;
}

Origin::Origin(std::string prefix, std::string url, unsigned failures, std::uint64_t retry_ns)
    : prefix_(std::move(prefix)), url_(std::move(url)), most_failures_(failures), retry_ns_(retry_ns) {
    parse(url_, host_, port_, path_);
}

bool Origin::look_up() {
    std::vector<SocketAddress> found;
    if (!path_.empty()) {
        sockaddr_un local{};
        local.sun_family = AF_UNIX;
        path_.copy(local.sun_path, sizeof local.sun_path - 1);
        SocketAddress one;
        one.size = sizeof local;
        std::memcpy(&one.bytes, &local, sizeof local);
        found.push_back(one);
    } else {
        addrinfo wanted{};
        wanted.ai_socktype = SOCK_STREAM;
        wanted.ai_flags = AI_NUMERICSERV;
        addrinfo* list = nullptr;
        if (::getaddrinfo(host_.c_str(), port_.c_str(), &wanted, &list) != 0) return false;
        const std::unique_ptr<addrinfo, void (*)(addrinfo*)> kept(list, &::freeaddrinfo);
        for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
            SocketAddress one;
            one.size = at->ai_addrlen;
            std::memcpy(&one.bytes, at->ai_addr, at->ai_addrlen);
            found.push_back(one);
        }
    }
    const std::lock_guard lock(mutex_);
    addresses_ = std::move(found);
    return !addresses_.empty();
}

bool Origin::address(SocketAddress& out) const {
    const std::lock_guard lock(mutex_);
    if (addresses_.empty()) return false;
    out = addresses_[turn_.fetch_add(1, std::memory_order_relaxed) % addresses_.size()];
    return true;
}

bool Origin::admits(std::uint64_t now_ns) noexcept {
    std::uint64_t until = open_until_ns_.load(std::memory_order_acquire);
    if (until == 0) return true;
    if (now_ns < until) return false;
    // One tries; until it is known how that went the others stay away.
    return open_until_ns_.compare_exchange_strong(until, now_ns + retry_ns_, std::memory_order_acq_rel);
}

void Origin::went_well() noexcept {
    if (failures_.load(std::memory_order_relaxed) != 0) failures_.store(0, std::memory_order_relaxed);
    if (open_until_ns_.load(std::memory_order_relaxed) != 0) open_until_ns_.store(0, std::memory_order_release);
}

bool Origin::went_wrong(std::uint64_t now_ns) noexcept {
    if (failures_.fetch_add(1, std::memory_order_relaxed) + 1 < most_failures_) return false;
    return open_until_ns_.exchange(now_ns + retry_ns_, std::memory_order_acq_rel) == 0;
}

std::unique_ptr<Origins> Origins::make(const std::vector<std::string>& entries, unsigned failures, std::uint64_t retry_ns, std::string& wrong) {
    auto out = std::make_unique<Origins>();
    for (const std::string& entry : entries) {
        std::string prefix = "/", url = entry, host, port, path;
        if (const std::size_t space = entry.find(' '); entry.starts_with('/') && space != std::string::npos) {
            prefix = entry.substr(0, space);
            url = entry.substr(space + 1);
        }
        if (!Origin::parse(url, host, port, path)) {
            wrong = entry;
            return nullptr;
        }
        out->all_.push_back(std::make_unique<Origin>(std::move(prefix), std::move(url), failures, retry_ns));
    }
    std::stable_sort(out->all_.begin(), out->all_.end(), [](const auto& a, const auto& b) { return a->prefix().size() > b->prefix().size(); });
    return out;
}

Origin* Origins::choose(std::string_view path, std::uint64_t now_ns, bool& known) {
    known = false;
    for (std::size_t first = 0; first < all_.size();) {
        const std::string& prefix = all_[first]->prefix();
        std::size_t last = first;
        while (last < all_.size() && all_[last]->prefix() == prefix) ++last;
        if (path.starts_with(prefix) || (path == "*" && prefix == "/")) {
            known = true;
            const std::size_t n = last - first;
            const unsigned turn = n > 1 ? turn_.fetch_add(1, std::memory_order_relaxed) : 0;
            for (std::size_t i = 0; i < n; ++i) {
                Origin& one = *all_[first + (turn + i) % n];
                if (one.admits(now_ns)) return &one;
            }
            return nullptr;
        }
        first = last;
    }
    return nullptr;
}

}  // namespace larder::http
