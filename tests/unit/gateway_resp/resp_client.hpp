// tests/unit/gateway_resp/resp_client.hpp -- a RESP client of a few lines, and a gateway to talk
// to.
//
// The gateway is the real one (parser, connections, threads, sockets) over the fake cache and the
// fake host: its clock stands until the test moves it. Replies come back as text, one line a reply:
// "+OK", ":3", "$hello", "nil", "[a b [c]]", "{k v}", "-ERR ...", so that a check reads like a
// session.
#pragma once

#include "plugins/gateway_resp/server.hpp"
#include "support/fake_cache.hpp"
#include "support/fake_host.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace larder::test {

class RespClient {
  public:
    // address: as Server::address() gives it.
    explicit RespClient(const std::string& address, int receive_buffer = 0) {
        if (address.starts_with("unix:")) {
            sockaddr_un to{};
            to.sun_family = AF_UNIX;
            address.substr(5).copy(to.sun_path, sizeof to.sun_path - 1);
            fd_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
            connect_to(reinterpret_cast<const sockaddr*>(&to), sizeof to);
        } else {
            sockaddr_in to{};
            to.sin_family = AF_INET;
            to.sin_port = htons(
                static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
            to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
            if (receive_buffer != 0) {
                ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
            }
            connect_to(reinterpret_cast<const sockaddr*>(&to), sizeof to);
        }
    }
    RespClient(const RespClient&) = delete;
    RespClient& operator=(const RespClient&) = delete;
    ~RespClient() { ::close(fd_); }

    static std::string request(const std::vector<std::string>& args) {
        std::string out = "*" + std::to_string(args.size()) + "\r\n";
        for (const std::string& arg : args) {
            out += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
        }
        return out;
    }

    // False: the gateway has closed, or took nothing within the patience.
    bool send(std::string_view bytes, int patience_ms = 20'000) {
        while (!bytes.empty()) {
            pollfd ready{fd_, POLLOUT, 0};
            if (::poll(&ready, 1, patience_ms) != 1) {
                return false;
            }
            const ssize_t sent =
                ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent <= 0) {
                return false;
            }
            sent_ += static_cast<std::size_t>(sent);
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    std::size_t sent() const { return sent_; }

    std::string ask(const std::vector<std::string>& args) {
        send(request(args));
        return reply();
    }
    // An inline request: words without quotes.
    std::string say(const std::string& line) {
        send(line + "\r\n");
        return reply();
    }

    // "closed" when the gateway has closed, "silence" when nothing comes within the patience.
    std::string reply(int patience_ms = 20'000) {
        patience_ms_ = patience_ms;
        try {
            return value();
        } catch (const char* what) {
            return what;
        }
    }
    void half_close() { ::shutdown(fd_, SHUT_WR); }

  private:
    void connect_to(const sockaddr* to, socklen_t size) {
        if (::connect(fd_, to, size) != 0) {
            throw std::runtime_error("cannot connect");
        }
    }
    void fill() {
        pollfd ready{fd_, POLLIN, 0};
        if (::poll(&ready, 1, patience_ms_) != 1) {
            throw "silence";
        }
        char bytes[65536];
        const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
        if (got <= 0) {
            throw "closed";
        }
        input_.append(bytes, static_cast<std::size_t>(got));
    }
    std::string line() {
        std::size_t end = 0;
        while ((end = input_.find("\r\n", at_)) == std::string::npos) {
            fill();
        }
        std::string text = input_.substr(at_, end - at_);
        at_ = end + 2;
        return text;
    }
    std::string bytes(std::size_t n) {
        while (input_.size() < at_ + n + 2) {
            fill();
        }
        std::string text = input_.substr(at_, n);
        at_ += n + 2;
        return text;
    }
    std::string value() {
        if (at_ > (1u << 20)) {
            input_.erase(0, at_);
            at_ = 0;
        }
        const std::string head = line();
        const long count = head.size() > 1 && (head[1] == '-' || (head[1] >= '0' && head[1] <= '9'))
                               ? std::stol(head.substr(1))
                               : 0;
        switch (head.empty() ? '?' : head[0]) {
            case '+':
            case '-':
            case ':':
            case ',':
                return head;
            case '_':
                return "nil3";
            case '$':
                return count < 0 ? "nil" : "$" + bytes(static_cast<std::size_t>(count));
            case '=':
                return "=" + bytes(static_cast<std::size_t>(count)).substr(4);
            case '*':
                return count < 0 ? "nil array" : "[" + values(count) + "]";
            case '~':
                return "~[" + values(count) + "]";
            case '>':
                return ">[" + values(count) + "]";
            case '%':
                return "{" + values(count * 2) + "}";
            default:
                return "not RESP: " + head;
        }
    }
    std::string values(long n) {
        std::string all;
        for (long i = 0; i < n; ++i) {
            all += (i == 0 ? "" : " ") + value();
        }
        return all;
    }

    int fd_ = -1;
    int patience_ms_ = 20'000;
    std::size_t at_ = 0, sent_ = 0;
    std::string input_;
};

// The gateway under test. Namespaces: user (ttl 60 s, at most 1 h), menu, menu.item (keys begin
// with "i"), legacy.
struct TestGateway {
    explicit TestGateway(resp::Options given = {}, resp::Users users = {}) {
        host.set_service(LARDER_SVC_CACHE, cache.api());
        host.set_service(LARDER_SVC_EXECUTOR, nullptr);
        cache.declare({"user", "", 60'000, 3'600'000});
        cache.declare({"menu", ""});
        cache.declare({"menu.item", "i"});
        cache.declare({"legacy", ""});
        if (given.listen == resp::Options().listen) {
            given.listen = {"127.0.0.1:0"};
        }
        gateway.emplace(host.get(), std::move(given), std::move(users));
        server.emplace(*gateway);
        server->start();
    }
    ~TestGateway() { server->stop(0); }

    std::string address(std::size_t index = 0) const { return server->address(index); }
    RespClient client() const { return RespClient(address()); }

    FakeHost host;
    FakeCache cache;
    std::optional<resp::Gateway> gateway;
    std::optional<resp::Server> server;
};

}  // namespace larder::test
