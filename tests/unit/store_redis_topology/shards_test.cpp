// tests/unit/store_redis_topology/shards_test.cpp -- independent servers behind one ring.
#include "plugins/store_redis/shards.hpp"

#include "tests/catch.hpp"

#include "topology_case.hpp"

#include <map>

using namespace larder::store_redis;
using larder::test::TestBatch;
using larder::test::TopologyCase;
using larder::test::Words;

namespace {

const std::vector<std::string> servers = {"10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.3:6379"};

struct Case : TopologyCase<Shards> {
    Case() : TopologyCase(servers) {
        for (const auto& address : servers) {
            net[address].answer = [this, address](const Words& words) -> std::string {
                if (words[0] == "SET") {
                    data[address][words[1]] = words[2];
                    return "+OK\r\n";
                }
                const auto found = data[address].find(words[1]);
                return found == data[address].end() ? "$-1\r\n" : "+" + found->second + "\r\n";
            };
        }
        begin();
    }
    std::map<std::string, std::map<std::string, std::string>> data;
};

}  // namespace

TEST_CASE("each key has one server, and all servers have keys") {
    Case t;
    TestBatch write, read;
    for (int i = 0; i < 60; ++i) {
        write.set("k" + std::to_string(i), std::to_string(i));
        read.get("k" + std::to_string(i));
    }
    t.run(write);
    t.run(read);
    for (std::size_t i = 0; i < 60; ++i) {
        CHECK(read.answers[i] == std::to_string(i));
    }
    std::size_t all = 0;
    for (const auto& address : servers) {
        CHECK(t.data[address].size() > 5);
        all += t.data[address].size();
    }
    CHECK(all == 60);
}

TEST_CASE("a shard says MOVED to nobody: the error is the answer") {
    Case t;
    for (const auto& address : servers) {
        t.net[address].answer = [](const Words&) { return std::string("-MOVED 1 evil:1\r\n"); };
    }
    TestBatch batch;
    t.run(batch.get("k"));
    CHECK_THAT(*batch.answers[0], larder::test::contains("MOVED"));
    CHECK(t.net.nodes.count("evil:1") == 0);
}

TEST_CASE("a dead shard fails its keys only, and trust is gone until it is back") {
    Case t;
    for (const auto& address : servers) {
        t.trust(address);
    }
    CHECK(t.told.take() == "all trust ");
    t.net[servers[0]].refuses = true;
    t.trust(servers[0], false);
    CHECK(t.told.take() == "distrust ");
    TestBatch batch;
    for (int i = 0; i < 30; ++i) {
        batch.get("k" + std::to_string(i));
    }
    t.run(batch);
    CHECK(batch.ended == LARDER_OK);
    int down = 0;
    for (const auto& answer : batch.answers) {
        down += *answer != "nil";
    }
    CHECK(down > 2);
    CHECK(down < 20);
}

TEST_CASE("all servers are shown, in the order of the configuration") {
    Case t;
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(t.topology->server(i)->endpoint().host == "10.0.0." + std::to_string(i + 1));
    }
    CHECK(t.topology->server(3) == nullptr);
}
