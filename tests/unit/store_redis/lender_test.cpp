// tests/unit/store_redis/lender_test.cpp -- a caller that waits has a connection for itself, and no reply of
// another one's.
#include "scripted_server.hpp"
#include "store_rig.hpp"

#include "tests/catch.hpp"

#include <atomic>
#include <thread>

using namespace larder;
using namespace larder::test;

namespace {

using Words = ScriptedServer::Words;
using Answer = std::optional<std::string>;

FakeConfig quiet(std::uint16_t port, std::int64_t lent) {
    FakeConfig config = StoreRig::on(port);
    constexpr std::int64_t ms = 1'000'000;
    config.set("stream", false).set("connections", 1).set("lent", lent);
    config.set("heartbeat", 10'000 * ms).set("max_staleness", 30'000 * ms);
    return config;
}

// Answers GET with the key, but for "silence" (nothing) and "twice"; knows who was asked last.
struct Echo {
    std::atomic<int> last{-1};
    ScriptedServer server{[this](int connection, const Words& words) -> Answer {
        if (words[0] != "GET") return std::nullopt;
        last = connection;
        if (words[1] == "silence") return "";
        const std::string bulk = ScriptedServer::bulk(words[1]);
        return words[1] == "twice" ? bulk + bulk : bulk;
    }};
    // Asks until it is not by the shared connection, which is the first.
    bool lends(StoreRig& store) {
        return store.until([&] { return store.get("a") == LARDER_OK && last > 0; });
    }
};

}  // namespace

TEST_CASE("a caller that waits is lent a connection of its own, and gives it back") {
    Echo echo;
    StoreRig store(quiet(echo.server.port(), 4));
    REQUIRE(echo.lends(store));
    const int mine = echo.last, all = echo.server.connections();
    for (int i = 0; i < 100; ++i) {
        std::string got;
        REQUIRE(store.get("key " + std::to_string(i), &got) == LARDER_OK);
        REQUIRE(got == "key " + std::to_string(i));
        REQUIRE(echo.last == mine);
    }
    REQUIRE(echo.server.connections() == all);
}

TEST_CASE("without connections to lend all go by the shared one") {
    Echo echo;
    StoreRig store(quiet(echo.server.port(), 0));
    for (int i = 0; i < 50; ++i) {
        REQUIRE(store.get("a") == LARDER_OK);
        REQUIRE(echo.last == 0);
    }
}

TEST_CASE("a lent connection that was too late is not used again") {
    Echo echo;
    StoreRig store(quiet(echo.server.port(), 1));
    REQUIRE(echo.lends(store));
    const int late = echo.last;
    const larder_key key = StoreRig::key("silence");
    const larder_call call = store.call(std::chrono::milliseconds(20));
    larder_value value{};
    REQUIRE(store.store().get(store.self(), &key, &call, &value) == LARDER_E_TIMEOUT);
    REQUIRE(echo.last == late);
    for (int i = 0; i < 20; ++i) {
        std::string got;
        REQUIRE(store.get("b", &got) == LARDER_OK);
        REQUIRE(got == "b");
        REQUIRE(echo.last != late);
    }
    REQUIRE(store.host().metric("timeouts_total") == 1);
}

TEST_CASE("a reply too many on a lent connection is nobody's") {
    Echo echo;
    StoreRig store(quiet(echo.server.port(), 1));
    for (int i = 0; i < 10; ++i) {
        REQUIRE(echo.lends(store));
        const int spoiled = echo.last;
        std::string got;
        REQUIRE(store.get("twice", &got) == LARDER_OK);
        REQUIRE(got == "twice");
        REQUIRE(store.get("c", &got) == LARDER_OK);
        REQUIRE(got == "c");
        REQUIRE(echo.last != spoiled);
    }
}

TEST_CASE("a write on a lent connection that breaks is not done twice") {
    std::atomic<int> writes{0};
    std::atomic<bool> cut{false};
    ScriptedServer server([&](int connection, const Words& words) -> Answer {
        if (words[0] == "GET") return ScriptedServer::bulk("x");
        if (words[0] != "SET" || connection == 0) return std::nullopt;
        ++writes;
        return cut ? Answer(ScriptedServer::hang_up()) : std::nullopt;
    });
    StoreRig store(quiet(server.port(), 1));
    REQUIRE(store.until([&] { return store.put("k", "v") == LARDER_OK && writes > 0; }));
    cut = true;
    writes = 0;
    REQUIRE(store.put("k", "v") == LARDER_E_IO);
    REQUIRE(writes == 1);
}

TEST_CASE("eight threads with two lent connections get their own replies, whatever way they go") {
    Echo echo;
    StoreRig store(quiet(echo.server.port(), 2));
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 300; ++i) {
                const std::string key = std::to_string(t) + ":" + std::to_string(i);
                std::string got;
                if (store.get(key, &got) != LARDER_OK || got != key) ++wrong;
            }
        });
    for (std::thread& thread : threads) thread.join();
    REQUIRE(wrong == 0);
}

TEST_CASE("a store that stops ends the call of a caller that waits on a lent connection") {
    Echo echo;
    StoreRig store(quiet(echo.server.port(), 1));
    REQUIRE(echo.lends(store));
    echo.last = -1;
    std::atomic<larder_status> ended{LARDER_OK};
    std::thread waits([&] {
        const larder_key key = StoreRig::key("silence");
        const larder_call call = store.call(std::chrono::seconds(60));
        larder_value value{};
        ended = store.store().get(store.self(), &key, &call, &value);
    });
    REQUIRE(store.until([&] { return echo.last > 0; }));
    store.stop();
    waits.join();
    REQUIRE(ended < 0);
}
