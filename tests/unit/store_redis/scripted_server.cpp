// tests/unit/store_redis/scripted_server.cpp -- see scripted_server.hpp.
#include "scripted_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace larder::test {
namespace {

// Takes one command off the front; false: it is not whole yet.
bool take_command(std::string& from, ScriptedServer::Words& words) {
    std::size_t at = 0;
    const auto line = [&](char mark, long& value) {
        const std::size_t end = from.find("\r\n", at);
        if (end == std::string::npos || from[at] != mark) {
            return false;
        }
        value = std::strtol(from.c_str() + at + 1, nullptr, 10);
        at = end + 2;
        return true;
    };
    long count = 0;
    words.clear();
    if (from.empty() || !line('*', count)) {
        return false;
    }
    for (long i = 0; i < count; ++i) {
        long size = 0;
        if (at >= from.size() || !line('$', size) ||
            from.size() < at + static_cast<std::size_t>(size) + 2) {
            return false;
        }
        words.push_back(from.substr(at, static_cast<std::size_t>(size)));
        at += static_cast<std::size_t>(size) + 2;
    }
    from.erase(0, at);
    return true;
}

std::string as_redis(const ScriptedServer::Words& words) {
    const std::string& command = words.front();
    if (command == "PING") {
        return "+PONG\r\n";
    }
    if (command == "AUTH" || command == "SELECT" || command == "SET") {
        return "+OK\r\n";
    }
    if (command == "TIME") {
        return "*2\r\n$10\r\n1800000000\r\n$1\r\n0\r\n";
    }
    if (command == "INFO") {
        return ScriptedServer::bulk("redis_version:7.0.15\r\nrun_id:1\r\nrole:master\r\n");
    }
    if (command == "SCRIPT") {
        return ScriptedServer::bulk("0");
    }
    if (command == "DEL") {
        return ":0\r\n";
    }
    return "$-1\r\n";
}

}  // namespace

std::string ScriptedServer::hang_up() { return {"\0hang up", 8}; }

std::string ScriptedServer::bulk(const std::string& text) {
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        ::pipe2(wake_, O_CLOEXEC) != 0) {
        throw std::runtime_error("no scripted server");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
    static_cast<void>(!::write(wake_[1], "", 1));
    thread_.join();
    for (const int descriptor : {listener_, wake_[0], wake_[1]}) {
        ::close(descriptor);
    }
}

void ScriptedServer::serve() {
    std::vector<Client> clients;
    for (;;) {
        std::vector<pollfd> watched = {{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
        for (const Client& client : clients) {
            watched.push_back({client.descriptor, POLLIN, 0});
        }
        ::poll(watched.data(), watched.size(), -1);
        if (watched[0].revents != 0) {
            break;
        }
        for (std::size_t i = clients.size(); i-- > 0;) {
            if (watched[i + 2].revents != 0 && !work(clients[i])) {
                ::close(clients[i].descriptor);
                clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
        if (watched[1].revents != 0) {
            const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            const int on = 1;
            ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            clients.push_back({descriptor, connections_.fetch_add(1), {}, false});
        }
    }
    for (const Client& client : clients) {
        ::close(client.descriptor);
    }
}

bool ScriptedServer::work(Client& client) {
    char bytes[65536];
    const ssize_t n = ::recv(client.descriptor, bytes, sizeof bytes, 0);
    if (n <= 0) {
        return false;
    }
    client.incoming.append(bytes, static_cast<std::size_t>(n));
    Words words;
    std::string answer;
    while (take_command(client.incoming, words)) {
        const std::string said = script_(client.number, words).value_or(as_redis(words));
        client.silent = client.silent || said.empty();
        answer += client.silent ? "" : said;
    }
    const std::size_t end = answer.find(hang_up());
    const bool hangs_up = end != std::string::npos;
    if (hangs_up) {
        answer.erase(end);
    }
    const std::size_t piece = trickle_ ? 1 : std::max<std::size_t>(answer.size(), 1);
    for (std::size_t at = 0; at < answer.size(); at += piece) {
        if (::send(client.descriptor, answer.data() + at, std::min(piece, answer.size() - at),
                   MSG_NOSIGNAL) <= 0) {
            return false;
        }
    }
    return !hangs_up;
}

}  // namespace larder::test
