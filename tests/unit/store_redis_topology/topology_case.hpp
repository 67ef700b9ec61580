// tests/unit/store_redis_topology/topology_case.hpp -- a topology on a fake net, whom it tells, and batches.
#pragma once

#include "fake_net.hpp"
#include "plugins/store_redis/counters.hpp"
#include "plugins/store_redis/topology.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace larder::test {

// Commands with one key each; what came of them.
class TestBatch final : public store_redis::Batch {
  public:
    TestBatch() : Batch(true) {
        deadline_ns = Net::it().now_ns() + 500'000'000;
        repeatable = true;
    }
    TestBatch& get(const std::string& of) {
        begin(2);
        word("GET");
        key(of);
        return *this;
    }
    TestBatch& set(const std::string& of, const std::string& value) {
        repeatable = false;
        begin(3);
        word("SET");
        key(of);
        word(value);
        return *this;
    }
    bool on_reply(std::uint32_t index, store_redis::Reply& reply) override {
        answers.resize(replies);
        CHECK_FALSE(answers[index].has_value());
        using Type = store_redis::Reply::Type;
        answers[index] = reply.type() == Type::nil ? "nil"
                         : reply.is_error()        ? "-" + std::string(reply.text())
                                                   : std::string(reply.text());
        return !refuse_all;
    }
    void on_replicas(std::int64_t n) override { reached.push_back(n); }
    void on_end(larder_status status) noexcept override {
        CHECK_FALSE(ended.has_value());
        ended = status;
    }
    const char* name() const noexcept override { return "TEST"; }

    std::vector<std::optional<std::string>> answers;
    std::vector<std::int64_t> reached;
    std::optional<larder_status> ended;
    bool refuse_all = false;
};

struct Told final : store_redis::Audience {
    void on_changed(const larder_bytes*, std::size_t n) noexcept override { said += std::to_string(n) + " "; }
    void on_changed_all() noexcept override { said += "all "; }
    void on_trust(bool yes) noexcept override { said += yes ? "trust " : "distrust "; }
    void on_renewed(bool older) noexcept override { said += older ? "older " : "renewed "; }
    std::string take() { return std::exchange(said, {}); }
    std::string said;
};

template <class T>
struct TopologyCase {
    explicit TopologyCase(const std::vector<std::string>& servers) {
        options.instance = "l2";
        for (const std::string& server : servers) {
            const std::size_t colon = server.find(':');
            options.servers.push_back({server.substr(0, colon),
                                       static_cast<std::uint16_t>(std::stoi(server.substr(colon + 1))),
                                       "",
                                       false});
        }
    }
    void begin() {
        topology = std::make_unique<T>(around, told);
        topology->start();
        net.run();
    }
    ~TopologyCase() {
        if (topology) {
            topology->stop();
            net.run();
        }
    }

    void run(TestBatch& batch) {
        batch.finish_writing();
        CHECK(topology->run(batch) == LARDER_OK);
        CHECK_FALSE(batch.ended.has_value());
        net.run();
    }
    void trust(const std::string& address, bool yes = true) {
        net[address].events->on_trust(*net[address].server, yes);
        net.run();
    }

    Net net;
    store_redis::Options options;
    plugin::Host host{net.host.get()};
    store_redis::Loop loop{host};
    redis_wire::Journal journal{host, "redis l2"};
    store_redis::Counters counters{host, "l2"};
    store_redis::Server::Surroundings around{loop, options, journal, counters};
    Told told;
    std::unique_ptr<T> topology;
};

}  // namespace larder::test
