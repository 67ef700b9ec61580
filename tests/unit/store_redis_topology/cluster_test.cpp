// tests/unit/store_redis_topology/cluster_test.cpp -- batches over a cluster that moves, fails and lies.
#include "plugins/store_redis/cluster.hpp"

#include "tests/catch.hpp"

#include "fake_cluster.hpp"
#include "topology_case.hpp"

using namespace larder::store_redis;
using larder::test::FakeCluster;
using larder::test::TestBatch;
using larder::test::TopologyCase;
using larder::test::Words;

namespace {

const std::string a = "a:1", b = "b:2", c = "c:3";

struct Case : TopologyCase<Cluster> {
    Case() : TopologyCase({a}) {
        begin();
        for (const auto& address : {a, b, c}) {
            trust(address);
        }
        told.take();
    }
    std::size_t asked() {
        std::size_t n = 0;
        for (auto& [address, node] : net.nodes) {
            n += node.count("CLUSTER");
        }
        return n;
    }
    FakeCluster cluster{net, {a, b, c}};
};

}  // namespace

TEST_CASE("a batch goes to each owner once, and every reply to its place") {
    Case t;
    TestBatch write;
    for (int i = 0; i < 30; ++i) {
        write.set("k" + std::to_string(i), std::to_string(i));
    }
    t.run(write);
    CHECK(write.ended == LARDER_OK);
    for (const auto& address : {a, b, c}) {
        t.net[address].exchange_sizes.clear();
    }
    TestBatch read;
    for (int i = 0; i < 30; ++i) {
        read.get("k" + std::to_string(i));
    }
    t.run(read);
    CHECK(read.ended == LARDER_OK);
    for (std::size_t i = 0; i < 30; ++i) {
        CHECK(read.answers[i] == std::to_string(i));
    }
    for (const auto& address : {a, b, c}) {
        CHECK(t.net[address].exchange_sizes.size() == 1);
    }
}

TEST_CASE("MOVED is followed, corrects the route at once, and the map is asked for") {
    Case t;
    const std::string key = t.cluster.key_at(a);
    t.cluster.own(slot_of(key), b);
    t.cluster.data[b][key] = "moved";
    const std::size_t asked = t.asked();
    TestBatch one, two;
    t.run(one.get(key));
    CHECK(one.answers[0] == "moved");
    const std::size_t seen = t.net[a].count("GET");
    t.run(two.get(key));
    CHECK(two.answers[0] == "moved");
    CHECK(t.net[a].count("GET") == seen);
    t.net.advance_ms(100);
    CHECK(t.asked() == asked + 1);
    CHECK(t.told.take() == "all ");
}

TEST_CASE("ASK is followed once, behind ASKING, and the route stays") {
    Case t;
    const std::string key = t.cluster.key_at(a);
    t.cluster.importing[slot_of(key)] = b;
    t.cluster.data[b][key] = "there";
    for (std::size_t i = 1; i <= 2; ++i) {
        TestBatch batch;
        t.run(batch.get(key));
        CHECK(batch.answers[0] == "there");
        CHECK(t.net[a].count("GET") == i);
    }
    CHECK(t.net[b].count("ASKING") == 2);
}

TEST_CASE("redirects end after five, and the error is the answer") {
    Case t;
    const std::string key = t.cluster.key_at(a);
    const std::string slot = std::to_string(slot_of(key));
    t.net[a].answer = [&](const Words&) { return "-MOVED " + slot + " b:2\r\n"; };
    t.net[b].answer = [&](const Words&) { return "-MOVED " + slot + " a:1\r\n"; };
    TestBatch batch;
    t.run(batch.get(key));
    CHECK(batch.ended == LARDER_OK);
    CHECK_THAT(*batch.answers[0], larder::test::contains("MOVED"));
    CHECK(t.net[a].count("GET") + t.net[b].count("GET") == 6);
}

TEST_CASE("the map is asked for at most once in 100 ms, however many redirects there are") {
    Case t;
    t.net.advance_ms(500);
    const std::size_t asked = t.asked();
    t.cluster.told = "CLUSTERDOWN The cluster is down";
    for (int i = 0; i < 1000; ++i) {
        TestBatch batch;
        t.run(batch.get("k" + std::to_string(i)));
        CHECK_THAT(*batch.answers[0], larder::test::contains("CLUSTERDOWN"));
        t.net.advance_ms(1);
    }
    CHECK(t.asked() - asked <= 11);
    CHECK(t.asked() - asked >= 9);
}

TEST_CASE("LOADING, READONLY and TRYAGAIN are the answer, not a reason to ask again") {
    for (const std::string error : {"LOADING Redis is loading", "READONLY no writes", "TRYAGAIN later"}) {
        Case t;
        t.cluster.told = error;
        TestBatch batch;
        t.run(batch.get("k"));
        CHECK(batch.answers[0] == "-" + error);
        CHECK(batch.ended == LARDER_OK);
    }
}

TEST_CASE("one dead master takes no answers of the others along") {
    Case t;
    t.net[b].refuses = true;
    const std::string dead = t.cluster.key_at(b), alive = t.cluster.key_at(c);
    t.cluster.data[c][alive] = "here";
    TestBatch read;
    t.run(read.get(dead).get(alive));
    CHECK(read.ended == LARDER_OK);
    CHECK(read.answers[1] == "here");
    CHECK_THAT(*read.answers[0], larder::test::contains("LARDERDOWN"));
    TestBatch only;
    t.run(only.get(dead));
    CHECK(only.ended == LARDER_E_IO);
    TestBatch write;
    t.run(write.set(alive, "x").set(dead, "x"));
    CHECK(write.ended == LARDER_E_IO);
}

TEST_CASE("a read that lost its connection is routed once more, a write is not") {
    Case t;
    const std::string key = t.cluster.key_at(b);
    t.net[b].breaks = true;
    TestBatch read, write;
    t.run(read.get(key));
    CHECK(read.ended == LARDER_E_IO);
    CHECK(t.net[b].exchange_sizes.size() >= 2);
    t.net[b].exchange_sizes.clear();
    t.run(write.set(key, "x"));
    CHECK(write.ended == LARDER_E_IO);
    CHECK(t.net[b].exchange_sizes.size() == 1);
}

TEST_CASE("a frozen master costs five timeouts and is then left alone for a second") {
    Case t;
    const std::string key = t.cluster.key_at(b);
    t.net[b].silent = true;
    for (int i = 0; i < 5; ++i) {
        TestBatch batch;
        t.run(batch.get(key));
        CHECK_FALSE(batch.ended);
        t.net.advance_ms(500);
        CHECK(batch.ended == LARDER_E_TIMEOUT);
    }
    TestBatch quick;
    t.run(quick.get(key));
    CHECK(quick.ended == LARDER_E_IO);
    t.net[b].silent = false;
    t.net.advance_ms(1000);
    TestBatch probe;
    t.run(probe.get(key));
    CHECK(probe.ended == LARDER_OK);
}

TEST_CASE("an ordered batch is worked on in its order, across servers") {
    Case t;
    t.net.log.clear();
    std::vector<std::string> keys;
    TestBatch batch;
    batch.ordered = true;
    for (int i = 0; i < 12; ++i) {
        keys.push_back("k" + std::to_string(i));
        batch.set(keys.back(), "x");
    }
    t.run(batch);
    CHECK(batch.ended == LARDER_OK);
    std::vector<std::string> worked;
    for (const auto& [address, words] : t.net.log) {
        if (words[0] == "SET") {
            worked.push_back(words[1]);
        }
    }
    CHECK(worked == keys);
}

TEST_CASE("in an ordered batch nothing is last done before what stands in front of it") {
    Case t;
    const std::string moved = t.cluster.key_at(a), after = t.cluster.key_at(a, 1);
    t.cluster.own(slot_of(moved), c);
    t.net.log.clear();
    TestBatch batch;
    batch.ordered = true;
    t.run(batch.set(moved, "1").set(after, "2"));
    CHECK(batch.ended == LARDER_OK);
    CHECK(batch.answers == std::vector<std::optional<std::string>>{"OK", "OK"});
    std::string last;
    for (const auto& [address, words] : t.net.log) {
        last = words[0] == "SET" ? words[1] + "@" + address : last;
    }
    CHECK(last == after + "@" + a);
    CHECK(t.cluster.data[c][moved] == "1");
}

TEST_CASE("stages of an ordered batch go out to all servers at once, and one after the other") {
    Case t;
    std::vector<std::string> keys;
    for (int i = 0; i < 30; ++i) {
        keys.push_back("k" + std::to_string(i));
    }
    for (const auto& address : {a, b, c}) {
        t.net[address].exchange_sizes.clear();
    }
    t.net.log.clear();
    TestBatch batch;
    batch.ordered = true;
    batch.set(keys[0], "record");
    for (const std::string value : {"first", "second"}) {
        batch.begin_stage();
        for (const std::string& key : keys) {
            batch.set(key, value);
        }
    }
    t.run(batch);
    CHECK(batch.ended == LARDER_OK);
    std::size_t exchanges = 0;
    for (const auto& address : {a, b, c}) {
        exchanges += t.net[address].exchange_sizes.size();
    }
    CHECK(exchanges == 7);
    std::string order;
    for (const auto& [address, words] : t.net.log) {
        if (words[0] == "SET" && (order.empty() || order.back() != words[2][0])) {
            order += words[2][0];
        }
    }
    CHECK(order == "rfs");
}

TEST_CASE("a redirect within a stage holds the next stage up, and nothing else") {
    Case t;
    const std::string moved = t.cluster.key_at(a), other = t.cluster.key_at(b);
    t.cluster.own(slot_of(moved), c);
    t.net.log.clear();
    TestBatch batch;
    batch.ordered = true;
    batch.begin_stage();
    batch.set(moved, "first").set(other, "first");
    batch.begin_stage();
    batch.set(other, "second");
    t.run(batch);
    CHECK(batch.ended == LARDER_OK);
    CHECK(t.cluster.data[c][moved] == "first");
    CHECK(t.net.log.back().second == Words{"SET", other, "second"});
    CHECK(t.net[b].count("SET") == 2);
}

TEST_CASE("an ordered batch stops at the first failure") {
    Case t;
    t.net[b].refuses = true;
    const std::string first = t.cluster.key_at(b), second = t.cluster.key_at(c);
    TestBatch batch;
    batch.ordered = true;
    t.run(batch.set(first, "1").set(second, "2"));
    CHECK(batch.ended == LARDER_E_IO);
    CHECK(t.cluster.data[c].count(second) == 0);
}

TEST_CASE("WAIT stands behind the commands of each server") {
    Case t;
    t.net.log.clear();
    TestBatch batch;
    batch.replicas = 1;
    batch.wait_ms = 50;
    t.run(batch.set(t.cluster.key_at(a), "x").set(t.cluster.key_at(b), "x"));
    CHECK(batch.reached == std::vector<std::int64_t>{1, 1});
    CHECK(batch.ended == LARDER_OK);
    CHECK(t.net[a].seen.back() == Words{"WAIT", "1", "50"});
}

TEST_CASE("in an ordered batch WAIT stands once a server, behind the last that is written there") {
    Case t;
    t.net.log.clear();
    TestBatch batch;
    batch.ordered = true;
    batch.replicas = 1;
    const std::string at_a = t.cluster.key_at(a), at_b = t.cluster.key_at(b);
    t.run(batch.set(at_a, "1").set(at_b, "2").set(at_a, "3"));
    CHECK(batch.reached.size() == 2);
    CHECK(t.net[a].seen.back()[0] == "WAIT");
    CHECK(t.net[a].count("WAIT") == 1);
}

TEST_CASE("what is stopped ends, and nothing is taken afterwards") {
    Case t;
    t.net[a].silent = true;
    TestBatch batch, later;
    t.run(batch.get(t.cluster.key_at(a)));
    t.topology->stop();
    t.net.run();
    CHECK(batch.ended == LARDER_E_CANCELLED);
    later.get("k");
    later.finish_writing();
    CHECK(t.topology->run(later) == LARDER_E_CLOSED);
    CHECK(t.told.take() == "distrust ");
}

TEST_CASE("a reply that its command cannot have is no answer") {
    Case t;
    TestBatch batch;
    batch.refuse_all = true;
    batch.set("k", "v");
    t.run(batch);
    CHECK(batch.ended == LARDER_E_IO);
}

TEST_CASE("the stream is trusted when all masters' are, after all was said to have changed") {
    TopologyCase<Cluster> t({b});
    FakeCluster cluster{t.net, {a, b, c}};
    t.begin();
    t.trust(a);
    t.trust(b);
    CHECK(t.told.take() == "");
    t.trust(c);
    CHECK(t.told.take() == "all trust ");
    t.trust(b, false);
    CHECK(t.told.take() == "distrust ");
    t.trust(b);
    CHECK(t.told.take() == "all trust ");
}

TEST_CASE("each master's canary is in one of its slots, and moves when the slot does") {
    Case t;
    for (const auto& address : {a, b, c}) {
        CHECK(t.cluster.owner_of(t.net[address].canary_tag) == address);
    }
    const std::string moved = t.net[a].canary_tag;
    t.cluster.own(slot_of(moved), b);
    t.net.advance_ms(1100);
    CHECK(t.net[a].canary_tag != moved);
    CHECK(t.cluster.owner_of(t.net[a].canary_tag) == a);
}

TEST_CASE("a master that calls itself a slave is not trusted") {
    Case t;
    t.net[b].events->on_role(*t.net[b].server, "slave");
    CHECK(t.told.take() == "distrust ");
    t.net[b].events->on_role(*t.net[b].server, "master");
    CHECK(t.told.take() == "all trust ");
}

TEST_CASE("a failover is told: no trust, all changed, renewed, and trust when the new master is proved") {
    Case t;
    t.net[b].refuses = true;
    t.cluster.replace(b, "r:9");
    t.net[b].events->on_down(*t.net[b].server, "gone");
    t.net.advance_ms(100);
    CHECK(t.told.take() == "distrust all renewed ");
    t.trust("r:9");
    CHECK(t.told.take() == "all trust ");
    TestBatch batch;
    t.run(batch.get(t.cluster.key_at("r:9")));
    CHECK(batch.ended == LARDER_OK);
    CHECK(t.topology->server(1)->endpoint().host == "r");
    CHECK(t.topology->server(3) == nullptr);
}

TEST_CASE("a slot that moves between known masters is told as a change of all, not as a failover") {
    Case t;
    t.cluster.own(slot_of("k1"), t.cluster.owner_of("k1") == a ? b : a);
    t.net.advance_ms(1100);
    CHECK(t.told.take() == "all ");
}

TEST_CASE("a map that nobody confirms for max_staleness ends trust") {
    Case t;
    t.net.advance_ms(2900);
    CHECK(t.told.take() == "");
    for (const auto& address : {a, b, c}) {
        t.net[address].silent = true;
    }
    t.net.advance_ms(4200);
    CHECK_THAT(t.told.take(), larder::test::contains("distrust"));
}

TEST_CASE("a map that makes no sense is refused and the one before stays") {
    Case t;
    for (const auto& address : {a, b, c}) {
        auto good = t.net[address].answer;
        t.net[address].answer = [good](const Words& words) {
            return words[0] == "CLUSTER" ? std::string("*1\r\n*3\r\n:0\r\n:99999\r\n*2\r\n$1\r\nh\r\n:1\r\n")
                                         : good(words);
        };
    }
    t.net.advance_ms(1500);
    TestBatch batch;
    t.run(batch.get("k"));
    CHECK(batch.ended == LARDER_OK);
    CHECK(t.net.host.logged("slots are not possible"));
}

TEST_CASE("slots that nobody owns are failures of their keys, and no trust") {
    Case t;
    t.cluster.own(slot_of("k1"), "");
    t.net.advance_ms(1100);
    TestBatch batch;
    t.run(batch.get("k1").get("k2"));
    CHECK(batch.ended == LARDER_OK);
    CHECK_THAT(*batch.answers[0], larder::test::contains("LARDERDOWN"));
    CHECK(batch.answers[1] == "nil");
    CHECK_THAT(t.told.take(), larder::test::contains("distrust"));
}

TEST_CASE("a seed that is dead costs one turn") {
    TopologyCase<Cluster> t({"dead:1", a});
    FakeCluster cluster{t.net, {a, b, c}};
    t.net["dead:1"].refuses = true;
    t.begin();
    t.net.advance_ms(100);
    TestBatch batch;
    t.run(batch.get("k"));
    CHECK(batch.ended == LARDER_OK);
}

TEST_CASE("what is cancelled ends at once, at every server") {
    Case t;
    for (const auto& address : {a, b, c}) {
        t.net[address].silent = true;
    }
    TestBatch batch;
    int tag = 0;
    batch.tag = &tag;
    t.run(batch.get(t.cluster.key_at(a)).get(t.cluster.key_at(b)));
    t.topology->cancel(&tag);
    t.net.run();
    CHECK(batch.ended == LARDER_E_CANCELLED);
}

TEST_CASE("the clock is the first owner's that has one") {
    Case t;
    CHECK(t.topology->now_ms() == 0);
    t.net[b].clock_ms = 7;
    CHECK(t.topology->now_ms() == 7);
    t.net[a].clock_ms = 5;
    CHECK(t.topology->now_ms() == 5);
}

TEST_CASE("health says how many masters are up") {
    Case t;
    CHECK(t.topology->health().state == LARDER_HEALTH_OK);
    t.net[b].refuses = true;
    CHECK(t.topology->health().state == LARDER_HEALTH_DEGRADED);
    CHECK_THAT(t.topology->health().message, larder::test::contains("2 of 3"));
}
