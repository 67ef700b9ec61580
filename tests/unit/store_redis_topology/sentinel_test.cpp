// tests/unit/store_redis_topology/sentinel_test.cpp -- the master is whom the Sentinels name last.
#include "plugins/store_redis/sentinel.hpp"

#include "plugins/store_redis/master_told.hpp"
#include "reply_text.hpp"
#include "tests/catch.hpp"
#include "topology_case.hpp"

using namespace larder::store_redis;
using larder::test::TestBatch;
using larder::test::TopologyCase;
using larder::test::Words;

namespace {

const std::vector<std::string> watchers = {"s1:1", "s2:1", "s3:1"};

std::string list(const Words& words) {
    std::string resp = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words) {
        resp += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    }
    return resp;
}

struct Case : TopologyCase<Sentinel> {
    Case() : TopologyCase(watchers) {
        options.master_name = "larder";
        for (const auto& address : watchers) {
            name(address, "m1", 1);
        }
    }
    void name(const std::string& sentinel, const std::string& by, int epoch,
              const std::string& flags = "master") {
        net[sentinel].answer = [=](const Words& words) {
            return words == Words{"SENTINEL", "MASTER", "larder"}
                       ? list({"name", "larder", "ip", by, "port", "6379", "flags", flags,
                               "config-epoch", std::to_string(epoch)})
                       : "-ERR unknown command\r\n";
        };
    }
    void name_all(const std::string& by, int epoch) {
        for (const auto& address : watchers) {
            name(address, by, epoch);
        }
    }
    // A batch of one server is not spread.
    struct Plain final : Batch {
        Plain() : Batch(false) {
            deadline_ns = larder::test::Net::it().now_ns() + 500'000'000;
            begin(2);
            word("GET");
            key("k");
        }
        bool on_reply(std::uint32_t, Reply&) override { return true; }
        void on_end(larder_status status) noexcept override { ended = status; }
        const char* name() const noexcept override { return "GET"; }
        std::optional<larder_status> ended;
    };
};

std::optional<MasterTold> told(const std::string& resp) {
    Reply reply;
    larder::test::fill(reply, resp);
    std::string why;
    auto master = MasterTold::read(reply, {"s", 1, "", false}, true, why);
    CHECK(master.has_value() == why.empty());
    return master;
}

}  // namespace

TEST_CASE("the server the Sentinels name gets the commands, and its stream is the stream") {
    Case t;
    t.begin();
    Case::Plain batch;
    CHECK(t.topology->run(batch) == LARDER_OK);
    t.net.run();
    CHECK(batch.ended == LARDER_OK);
    CHECK(t.net["m1:6379"].count("GET") == 1);
    t.trust("m1:6379");
    CHECK(t.told.take() == "all trust ");
    CHECK(t.topology->health().state == LARDER_HEALTH_OK);
}

TEST_CASE("before a Sentinel has answered there is no server") {
    Case t;
    for (const auto& address : watchers) {
        t.net[address].refuses = true;
    }
    t.begin();
    Case::Plain batch;
    CHECK(t.topology->run(batch) == LARDER_E_IO);
    CHECK(t.topology->health().state == LARDER_HEALTH_DOWN);
    t.net["s2:1"].refuses = false;
    t.net.advance_ms(200);
    CHECK(t.topology->run(batch) == LARDER_OK);
    t.net.run();
    CHECK(batch.ended == LARDER_OK);
}

TEST_CASE("a switch ends trust, is told as renewed, and the new master's proof begins it again") {
    Case t;
    t.begin();
    t.trust("m1:6379");
    t.told.take();
    t.name_all("m2", 2);
    t.net["m1:6379"].events->on_down(*t.net["m1:6379"].server, "gone");
    t.net.advance_ms(100);
    CHECK(t.told.take() == "distrust all renewed ");
    CHECK(t.net["m1:6379"].closed == 1);
    t.trust("m2:6379");
    CHECK(t.told.take() == "all trust ");
}

TEST_CASE("a switch that nobody noticed is found at the next heartbeat") {
    Case t;
    t.begin();
    t.name_all("m2", 2);
    t.net.advance_ms(1000);
    CHECK(t.topology->server(0)->endpoint().host == "m2");
}

TEST_CASE("a Sentinel that was cut off cannot bring the old master back") {
    Case t;
    t.name_all("m2", 5);
    t.begin();
    t.name_all("m1", 4);
    t.net.advance_ms(3000);
    CHECK(t.topology->server(0)->endpoint().host == "m2");
}

TEST_CASE("a Sentinel that hangs is followed by the next") {
    Case t;
    t.net["s1:1"].silent = true;
    t.begin();
    CHECK(t.topology->server(0) == nullptr);
    t.net.advance_ms(1200);
    CHECK(t.topology->server(0) != nullptr);
}

TEST_CASE("a master that calls itself a slave is not trusted and asked about every 100 ms") {
    Case t;
    t.begin();
    t.trust("m1:6379");
    t.told.take();
    const auto asked = [&] {
        std::size_t n = 0;
        for (const auto& address : watchers) {
            n += t.net[address].count("SENTINEL");
        }
        return n;
    };
    const std::size_t before = asked();
    t.net["m1:6379"].events->on_role(*t.net["m1:6379"].server, "slave");
    CHECK(t.told.take() == "distrust ");
    t.net.advance_ms(1000);
    CHECK(asked() - before >= 9);
    CHECK(asked() - before <= 11);
}

TEST_CASE("events of a master that was replaced are nobody's") {
    Case t;
    t.begin();
    auto* const old_events = t.net["m1:6379"].events;
    auto* const old_server = t.net["m1:6379"].server;
    t.name_all("m2", 2);
    t.net.advance_ms(1000);
    t.told.take();
    old_events->on_trust(*old_server, true);
    old_events->on_changed_all(*old_server);
    CHECK(t.told.take() == "");
}

TEST_CASE("what a Sentinel tells is checked before it is believed") {
    const auto good = told(list({"ip", "10.0.0.1", "port", "6379", "flags", "master", "config-epoch", "3"}));
    REQUIRE(good);
    CHECK(good->endpoint == Endpoint{"10.0.0.1", 6379, "", true});
    CHECK(good->epoch == 3);
    CHECK_FALSE(good->down);
    CHECK(told(list({"ip", "h", "port", "1", "flags", "s_down,master", "config-epoch", "0"}))->down);
    CHECK_FALSE(told("-ERR No such master with that name\r\n"));
    CHECK_FALSE(told("*-1\r\n"));
    CHECK_FALSE(told(":1\r\n"));
    CHECK_FALSE(told(list({"ip"})));
    CHECK_FALSE(told(list({"ip", "h", "port", "0", "config-epoch", "3"})));
    CHECK_FALSE(told(list({"ip", "h", "port", "65536", "config-epoch", "3"})));
    CHECK_FALSE(told(list({"ip", "h", "port", "99999999999999999999", "config-epoch", "3"})));
    CHECK_FALSE(told(list({"ip", "", "port", "1", "config-epoch", "3"})));
    CHECK_FALSE(told(list({"ip", "a b", "port", "1", "config-epoch", "3"})));
    CHECK_FALSE(told(list({"ip", "h", "port", "1", "config-epoch", "-3"})));
    CHECK_FALSE(told(list({"ip", "h", "port", "1"})));
    CHECK_FALSE(told("*2\r\n*1\r\n:1\r\n:2\r\n"));
}
