// kernel/kit/checks_gateway.cpp -- LPR-7xx: a server that listens when it is told to, to whoever comes, and lets go of its port.
#include "kernel/kit/subject.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

namespace larder::kit {
namespace {

using loader::Kind;

class Connection {
  public:
    explicit Connection(const std::string& address) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        const auto colon = address.rfind(':');
        to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
        inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
        const timeval patience{5, 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        open_ = connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    }
    ~Connection() { close(fd_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    bool is_open() const { return open_; }
    void send_all(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void finish_sending() { shutdown(fd_, SHUT_WR); }
    // Whether the other side has ended it within the patience.
    bool ended() {
        std::array<char, 4096> away{};
        for (;;) {
            const auto got = recv(fd_, away.data(), away.size(), 0);
            if (got == 0) return true;
            if (got < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
        }
    }

  private:
    int fd_;
    bool open_ = false;
};

std::string address_of(loader::PluginInstance& gateway, std::uint32_t index = 0) {
    std::array<char, 256> text{};
    const larder_status status = gateway.table<larder_gateway_v1>().address(gateway.self(), index, text.data(), static_cast<std::uint32_t>(text.size()));
    require(status == LARDER_OK || status == LARDER_MISS, "address answers " + status_text(status));
    return status == LARDER_OK ? text.data() : "";
}

// The first one over TCP.
std::string tcp_address(loader::PluginInstance& gateway) {
    for (std::uint32_t n = 0; n < 16; ++n) {
        const std::string address = address_of(gateway, n);
        if (address.empty()) break;
        if (address.rfind("127.", 0) == 0) return address;
    }
    skip("it listens on no plain TCP address of 127.0.0.1");
}

void addresses(Subject& subject) {
    const auto gateway = subject.started();
    const std::string first = address_of(*gateway);
    require(!first.empty(), "after start it has no address");
    require(first.rfind(":0") != first.size() - 2, "the address has port 0 in the place of the one the system chose");
    require(address_of(*gateway, 1000).empty(), "it has a thousandth listener");
    std::array<char, 4> little{'x', 'x', 'x', 'x'};
    const larder_status status = gateway->table<larder_gateway_v1>().address(gateway->self(), 0, little.data(), 3);
    require(status == LARDER_E_TOO_LARGE && little[3] == 'x', "address into three bytes answers " + status_text(status));
    subject.no_sins(*gateway);
}

void taken_port(Subject& subject) {
    const auto gateway = subject.started();
    const std::string address = tcp_address(*gateway);
    auto given = subject.given();
    std::erase_if(given, [](const auto& one) { return one.name == "listen"; });
    loader::GivenOption same;
    same.name = "listen";
    same.value = {address, true};
    given.push_back(std::move(same));
    auto checked = loader::check_options(subject.component(), "second", given);
    if (!checked.ok()) skip("it takes no address by `listen`");
    std::string why;
    const auto second = loader::PluginInstance::create(subject.module(), subject.component(), std::move(checked.values), "gateway.second", why);
    require(second != nullptr, "create refuses: " + why);
    require(!second->start(why), "a second one starts on an address that is taken");
    require(why.size() > 20, "start refuses an address that is taken without a reason: " + why);
}

void released(Subject& subject) {
    std::string address;
    {
        const auto gateway = subject.started();
        address = tcp_address(*gateway);
        const Connection client(address);
        require(client.is_open(), "nobody accepts at " + address);
        require(gateway->stop(subject.call(Ms(2000)).deadline_ns) == LARDER_OK, "stop fails");
        require(!Connection(address).is_open(), "after stop a connection is still accepted");
    }
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int again = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again);
    sockaddr_in mine{};
    mine.sin_family = AF_INET;
    mine.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    mine.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&mine), sizeof mine) == 0;
    close(fd);
    require(bound, "after stop its port is still taken");
}

void open_at_stop(Subject& subject) {
    const auto gateway = subject.started();
    const std::string address = tcp_address(*gateway);
    Connection idle(address), half(address);
    half.send_all("GE");  // the beginning of a request, in most tongues
    require(idle.is_open() && half.is_open(), "nobody accepts at " + address);
    std::this_thread::sleep_for(Ms(50));
    require(gateway->stop(subject.call(Ms(1000)).deadline_ns) == LARDER_OK, "stop fails while clients are connected");
    require(idle.ended() && half.ended(), "after stop a client's connection is still open");
    subject.no_sins(*gateway);
}

void strange_clients(Subject& subject) {
    const auto gateway = subject.started();
    const std::string address = tcp_address(*gateway);
    for (int n = 0; n < 60; ++n) {
        Connection client(address);
        require(client.is_open(), "after " + std::to_string(n) + " strange clients nobody accepts any more");
        switch (n % 5) {
            case 0: client.send_all(subject.random_bytes(subject.roll(5000))); break;
            case 1: client.send_all(std::string(200'000, static_cast<char>('!' + n % 90))); break;
            case 2: client.send_all("*1000000\r\n$2000000000\r\n"); break;
            case 3: client.send_all("GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n"); break;
            default: client.finish_sending(); break;
        }
    }
    Connection last(address);
    require(last.is_open(), "after strange clients nobody accepts any more");
    subject.no_sins(*gateway);
}

void statistics(Subject& subject) {
    const auto gateway = subject.started();
    const std::string address = tcp_address(*gateway);
    larder_gateway_stats stats{};
    stats.struct_size = sizeof stats;
    const auto& table = gateway->table<larder_gateway_v1>();
    if (table.stats(gateway->self(), &stats) == LARDER_E_UNSUPPORTED) skip("it has no stats");
    const std::uint64_t before = stats.connections_total;
    const Connection one(address), two(address);
    for (int n = 0; n < 500 && stats.connections_total < before + 2; ++n) {
        require(table.stats(gateway->self(), &stats) == LARDER_OK, "stats fails");
        std::this_thread::sleep_for(Ms(10));
    }
    require(stats.connections_total >= before + 2, "two connections are not counted");
    larder_gateway_stats shorter{};
    shorter.struct_size = offsetof(larder_gateway_stats, requests);
    shorter.requests = 77;
    require(table.stats(gateway->self(), &shorter) == LARDER_OK && shorter.requests == 77, "stats writes past the struct_size it was given");
    subject.no_sins(*gateway);
}

constexpr Requirement all[] = {
    {"LPR-701", Kind::gateway, "After start it says where it listens, with the port that the system chose.", "nobody finds it", addresses},
    {"LPR-702", Kind::gateway, "An address that is taken is an error of start, with a reason.", "a start that does not serve", taken_port},
    {"LPR-703", Kind::gateway, "stop lets go of the port.", "a restart fails", released},
    {"LPR-704", Kind::gateway, "stop ends the connections that are open, by its deadline.", "a stop hangs", open_at_stop},
    {"LPR-705", Kind::gateway, "Whatever clients send, others are served.", "one client stops all", strange_clients, true},
    {"LPR-706", Kind::gateway, "stats count connections, and write no further than they may.", "memory is overwritten", statistics},
};

}  // namespace

std::span<const Requirement> gateway_requirements() { return all; }

}  // namespace larder::kit
