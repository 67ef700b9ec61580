// tests/unit/store_redis_topology/fake_net.hpp -- Loop and Server without threads and sockets, and servers
// that a test answers for.
//
// The linker puts these in the place of loop.cpp and server.cpp, so the topologies under test are the real
// ones. Everything happens in Net::run(): posted work, due timers, exchanges, in that order, on the test's
// thread. Time is the net's.
#pragma once

#include "plugins/store_redis/server.hpp"
#include "support/fake_host.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace larder::test {

using Words = std::vector<std::string>;

struct FakeNode {
    // The reply to a command, as RESP.
    std::function<std::string(const Words&)> answer;
    bool refuses = false;  // not connected: send says E_IO
    bool silent = false;   // frozen: exchanges end at their deadlines
    bool breaks = false;   // every exchange ends with E_IO, unanswered
    std::vector<Words> seen;
    std::uint32_t opened = 0, closed = 0;
    std::vector<std::uint32_t> exchange_sizes;  // commands each
    store_redis::Server* server = nullptr;      // while open
    store_redis::ServerEvents* events = nullptr;
    std::uint64_t clock_ms = 0;
    std::string canary_tag;

    std::size_t count(const std::string& first) const;
};

class Net {
  public:
    Net();
    ~Net();
    static Net& it();

    FakeNode& operator[](const std::string& address) { return nodes[address]; }
    // Until nothing is left to do at this moment.
    void run();
    void advance_ms(std::uint64_t ms);

    std::map<std::string, FakeNode> nodes;  // by "host:port"
    FakeHost host;
    std::uint64_t now_ns() const noexcept { return host.now_ns(); }
    std::vector<std::pair<std::string, Words>> log;  // every command, in order

    struct Task {
        std::uint64_t when_ns, number;
        std::function<void()> fn;
    };
    struct Sent {
        store_redis::Server* server;
        std::string address;
        store_redis::Exchange* exchange;
    };
    std::vector<std::function<void()>> posted;
    std::map<const void*, Task> timers;
    std::vector<Sent> sent;
    std::uint64_t numbers = 0;
};

}  // namespace larder::test
