// tests/unit/invalidator_event/event_source_test.cpp -- the component "event" on a redis-server of its own: order, what is
// told again, what ends it.
#include "plugins/invalidator_event/event_source.hpp"

#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/store_redis/redis_process.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace larder::test;
using Component = larder::plugin::Invalidator<larder::invalidator_event::EventSource>;
using Names = std::vector<std::string>;

namespace {

struct Bus {
    RedisProcess redis;
    FakeHost host;
    std::unique_ptr<FakeInstance> instance;

    Bus() {
        host.use_machine_clock();
        host.ignore_events_of("test:");  // what `on test "..."` rules would be for
    }
    static bool possible() { return RedisProcess::available(); }

    FakeConfig config() const {
        return FakeConfig()
            .set("url", "redis://127.0.0.1:" + std::to_string(redis.port()))
            .set("heartbeat", 100'000'000)
            .set("connect_timeout", 2'000'000'000);
    }
    void start(const FakeConfig& with) {
        instance = std::make_unique<FakeInstance>(host, Component::value, with);
        REQUIRE(instance->created() == LARDER_OK);
        REQUIRE(instance->start() == LARDER_OK);
    }
    bool connected(double wanted = 1) const {
        return until([&] { return host.metric("connected") == wanted; });
    }
    template <class Holds>
    static bool until(Holds holds) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!holds()) {
            if (std::chrono::steady_clock::now() > end) {
                return false;
            }
            std::this_thread::yield();
        }
        return true;
    }
    std::size_t told(const std::string& name) const {
        std::size_t n = 0;
        for (const FakeHost::Event& event : host.events()) {
            n += event.name == name;
        }
        return n;
    }
    std::string value(std::size_t event) const {
        const auto all = host.events();
        return event < all.size() && !all[event].values.empty() ? all[event].values[0].second : "";
    }
};

std::chrono::milliseconds duration_of(const std::function<void()>& work) {
    const auto began = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
}

}  // namespace

TEST_CASE("ten thousand messages of a burst are told once each and in their order") {
    if (!Bus::possible()) {
        LARDER_SKIP("redis-server is not here");
    }
    Bus bus;
    bus.start(bus.config().set("channels", Names{"c"}).set("resync_at_start", false));
    REQUIRE(bus.connected());
    bus.redis.ask({"EVAL", "for i = 0, 9999 do redis.call('PUBLISH', 'c', '{\"n\":' .. i .. '}') end", "0"});
    REQUIRE(bus.host.wait_for_events(10'000));
    const auto events = bus.host.events();
    REQUIRE(events.size() == 10'000);
    for (std::size_t i = 0; i < events.size(); ++i) {
        REQUIRE(events[i] == FakeHost::Event{"c", {{"n", std::to_string(i)}}});
    }
}

TEST_CASE("ten thousand entries of a stream are told once each and in their order, and acknowledged") {
    if (!Bus::possible()) {
        LARDER_SKIP("redis-server is not here");
    }
    for (const bool grouped : {false, true}) {
        INFO(grouped);
        Bus bus;
        FakeConfig config = bus.config().set("streams", Names{"s"}).set("resync_at_start", false);
        if (grouped) {
            config.set("group", "g");
        }
        bus.start(config);
        REQUIRE(bus.connected());
        bus.redis.ask({"EVAL", "for i = 0, 9999 do redis.call('XADD', 's', '*', 'n', i) end", "0"});
        REQUIRE(bus.host.wait_for_events(10'000));
        const auto events = bus.host.events();
        REQUIRE(events.size() == 10'000);
        for (std::size_t i = 0; i < events.size(); ++i) {
            REQUIRE(events[i] == FakeHost::Event{"s", {{"n", std::to_string(i)}}});
        }
        if (grouped) {
            CHECK(Bus::until([&] { return bus.redis.ask({"XPENDING", "s", "g"}).starts_with("0"); }));
        }
    }
}

TEST_CASE("the first subscription and each one after a loss is a resync, told before what comes behind it") {
    if (!Bus::possible()) {
        LARDER_SKIP("redis-server is not here");
    }
    Bus bus;
    bus.start(bus.config().set("channels", Names{"c"}));
    REQUIRE(bus.host.wait_for_events(1));
    CHECK(bus.host.events()[0].name == "resync");
    CHECK(bus.host.events()[0].values ==
          std::vector<std::pair<std::string, std::string>>{
              {"source", "test"}, {"place", "127.0.0.1:" + std::to_string(bus.redis.port())}, {"cause", "listening begins"}});
    bus.redis.kill();
    REQUIRE(bus.connected(0));
    bus.redis.begin();
    REQUIRE(bus.host.wait_for_events(2));
    bus.redis.ask({"PUBLISH", "c", "{}"});
    REQUIRE(bus.host.wait_for_events(3));
    CHECK(bus.host.events()[1].name == "resync");
    CHECK(bus.host.events()[2].name == "c");
}

TEST_CASE("a message is told as its event and as what came by its channel, to the rules of either") {
    if (!Bus::possible()) {
        LARDER_SKIP("redis-server is not here");
    }
    Bus bus;
    bus.host.ignore_events_of("");
    bus.start(bus.config().set("channels", Names{"c:*"}));
    REQUIRE(bus.host.wait_for_events(2));
    bus.redis.ask({"PUBLISH", "c:1", R"({"event":"e","a":1})"});
    REQUIRE(bus.host.wait_for_events(4));
    const auto events = bus.host.events();
    CHECK(events[0].name == "resync");
    CHECK(events[1].name == "test:resync");
    CHECK(events[2] == FakeHost::Event{"e", {{"a", "1"}}});
    CHECK(events[3] == FakeHost::Event{"test:c:1", {{"a", "1"}}});
    CHECK(Bus::until([&] { return bus.host.metric("events_total") == 1; }));
}

TEST_CASE("a resync of another name is told by it, and one without a name is not told") {
    if (!Bus::possible()) {
        LARDER_SKIP("redis-server is not here");
    }
    for (const std::string name : {"cold", ""}) {
        Bus bus;
        bus.start(bus.config().set("channels", Names{"c"}).set("resync", name));
        REQUIRE(bus.connected());
        bus.redis.ask({"PUBLISH", "c", "{}"});
        REQUIRE(Bus::until([&] { return bus.told("c") == 1; }));
        CHECK(bus.told("cold") == (name.empty() ? 0u : 1u));
        CHECK(bus.host.events().size() == (name.empty() ? 1u : 2u));
    }
}

TEST_CASE("an event that no rule is for is counted and told once, and so is a resync that no rule is for") {
    if (!Bus::possible()) {
        LARDER_SKIP("redis-server is not here");
    }
    Bus bus;
    bus.host.events_fire(0);
    bus.start(bus.config().set("channels", Names{"c"}));
    REQUIRE(bus.host.wait_for_events(1));
    for (int i = 0; i < 100; ++i) {
        bus.redis.ask({"PUBLISH", "c", "{}"});
    }
    REQUIRE(bus.host.wait_for_events(101));
    CHECK(Bus::until([&] { return bus.host.metric("unknown_events_total") == 100; }));
    std::size_t lines = 0;
    for (const auto& line : bus.host.lines()) {
        lines += line.text.find("no rule of the policy") != std::string::npos;
    }
    CHECK(lines == 2);
    CHECK(bus.host.logged("Write on event \"resync\""));
}

TEST_CASE("a kernel that is busy is asked again, in order; of one that refuses a message is lost and counted") {
    if (!Bus::possible()) {
        LARDER_SKIP("redis-server is not here");
    }
    Bus bus;
    bus.start(bus.config().set("channels", Names{"c"}).set("resync_at_start", false));
    REQUIRE(bus.connected());
    bus.host.answer_requests_with({LARDER_E_BUSY, LARDER_E_TIMEOUT, LARDER_OK, LARDER_E_DENIED});
    for (const char* n : {"1", "2", "3"}) {
        bus.redis.ask({"PUBLISH", "c", n});
    }
    REQUIRE(bus.host.wait_for_events(2));
    CHECK(bus.value(0) == "1");
    CHECK(bus.value(1) == "3");
    CHECK(bus.host.metric("failed_total") == 1);
}

TEST_CASE("a message that a busy kernel never took is owed as a resync") {
    if (!Bus::possible()) {
        LARDER_SKIP("redis-server is not here");
    }
    Bus bus;
    bus.start(bus.config().set("channels", Names{"c"}).set("resync_at_start", false));
    REQUIRE(bus.connected());
    bus.host.answer_requests_with(std::vector<larder_status>(8, LARDER_E_BUSY));
    bus.redis.ask({"PUBLISH", "c", "1"});
    REQUIRE(bus.host.wait_for_events(1));
    CHECK(bus.host.events()[0].name == "resync");
    CHECK(bus.host.metric("failed_total") == 1);
}

TEST_CASE("an entry of a stream that a busy kernel did not take is tried again until it does, and not passed over") {
    if (!Bus::possible()) {
        LARDER_SKIP("redis-server is not here");
    }
    for (const bool grouped : {false, true}) {
        INFO(grouped);
        Bus bus;
        FakeConfig config = bus.config().set("streams", Names{"s"}).set("resync_at_start", false);
        if (grouped) {
            config.set("group", "g");
        }
        bus.start(config);
        REQUIRE(bus.connected());
        bus.host.answer_requests_with(std::vector<larder_status>(9, LARDER_E_BUSY));
        bus.redis.ask({"EVAL", "for i = 1, 3 do redis.call('XADD', 's', '*', 'n', i) end", "0"});
        REQUIRE(bus.host.wait_for_events(3));
        CHECK(bus.value(0) == "1");
        CHECK(bus.value(1) == "2");
        CHECK(bus.value(2) == "3");
        CHECK(bus.told("resync") == 0);
    }
}

TEST_CASE("a stop while the kernel is busy, while it waits for a message, and while there is no server, is no wait") {
    if (!Bus::possible()) {
        LARDER_SKIP("redis-server is not here");
    }
    Bus bus;
    FakeConfig config = bus.config()
                            .set("channels", Names{"c"})
                            .set("streams", Names{"s"})
                            .set("heartbeat", 600'000'000'000)
                            .set("resync_at_start", false);
    const std::chrono::seconds deadline(2);
    SECTION("busy") {
        bus.start(config);
        REQUIRE(bus.connected(2));
        bus.host.answer_requests_with(std::vector<larder_status>(1000, LARDER_E_BUSY));
        for (int i = 0; i < 50; ++i) {
            bus.redis.ask({"PUBLISH", "c", "{}"});
            bus.redis.ask({"XADD", "s", "*", "a", "b"});
        }
        CHECK(duration_of([&] { bus.instance->stop(); }) < deadline);
    }
    SECTION("waiting") {
        bus.start(config);
        REQUIRE(bus.connected(2));
        CHECK(duration_of([&] { bus.instance->stop(); }) < deadline);
        CHECK(bus.instance->stop() == LARDER_OK);
    }
    SECTION("frozen") {
        bus.redis.freeze();
        bus.start(config);
        CHECK(duration_of([&] { bus.instance->stop(); }) < deadline);
        bus.redis.thaw();
    }
    SECTION("no server") {
        bus.redis.kill();
        bus.start(config);
        CHECK(duration_of([&] { bus.instance->stop(); }) < deadline);
    }
}

TEST_CASE("what was stopped can be started again, and a stream goes on where it was") {
    if (!Bus::possible()) {
        LARDER_SKIP("redis-server is not here");
    }
    Bus bus;
    bus.start(bus.config().set("streams", Names{"s", "t"}).set("resync_at_start", false));
    REQUIRE(bus.connected());
    bus.redis.ask({"XADD", "s", "*", "n", "1"});
    REQUIRE(bus.host.wait_for_events(1));
    REQUIRE(bus.instance->stop() == LARDER_OK);
    bus.redis.ask({"XADD", "s", "*", "n", "2"});
    bus.redis.ask({"XADD", "t", "*", "n", "3"});
    REQUIRE(bus.instance->start() == LARDER_OK);
    REQUIRE(bus.host.wait_for_events(3));
    CHECK(bus.value(1) == "2");
    CHECK(bus.value(2) == "3");
    CHECK(bus.told("resync") == 0);
}

TEST_CASE("a position file that is damaged is told, and is a resync") {
    if (!Bus::possible()) {
        LARDER_SKIP("redis-server is not here");
    }
    Bus bus;
    const TemporaryFolder folder;
    append(folder.file("positions"), "junk");
    bus.start(bus.config()
                  .set("streams", Names{"s"})
                  .set("position_file", folder.file("positions"))
                  .set("resync_at_start", false));
    REQUIRE(bus.host.wait_for_events(1));
    CHECK(bus.host.events()[0].name == "resync");
    CHECK(bus.host.logged("count as never read"));
    bus.redis.ask({"XADD", "s", "*", "n", "1"});
    REQUIRE(bus.host.wait_for_events(2));
}
