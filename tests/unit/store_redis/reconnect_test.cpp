// tests/unit/store_redis/reconnect_test.cpp -- a Redis that is away, comes, goes, refuses or hangs.
#include "scripted_server.hpp"
#include "store_rig.hpp"

#include "tests/catch.hpp"

#include <memory>

using namespace larder;
using namespace larder::test;

#define NEED_REDIS()                                  \
    if (!RedisProcess::available()) {                 \
        LARDER_SKIP("there is no redis-server here"); \
    }

TEST_CASE("the store starts while Redis is away, says so, and fails without waiting") {
    StoreRig store(StoreRig::on(free_port()));
    REQUIRE(store.started());
    REQUIRE(store.until([&] { return store.get("a") == LARDER_E_IO; }));
    CHECK(store.health().state == LARDER_HEALTH_DOWN);
    CHECK_THAT(std::string(store.health().message), contains("refused"));
    CHECK(store.host().logged("redis l2: connection at 127.0.0.1:"));
    // Said once, though it fails again and again.
    CHECK(store.host().lines_at_least(LARDER_LOG_WARN) <= 4);
}

TEST_CASE("a killed Redis that comes back is served from within a second of it") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    REQUIRE(store.put("larder:v:{a}", "x") == LARDER_OK);
    redis.kill();
    REQUIRE(store.until([&] { return store.get("larder:v:{a}") == LARDER_E_IO; }));
    redis.begin();
    const std::uint64_t back = store.now_ns();
    REQUIRE(store.until([&] { return store.get("larder:v:{a}") == LARDER_MISS; }));
    CHECK((store.now_ns() - back) / 1'000'000 < 1000);
    CHECK(store.host().metric("reconnects_total") >= 1);
    CHECK(store.until([&] { return store.health().state == LARDER_HEALTH_OK; }));
}

TEST_CASE("operations that come while a connection is being made wait for it") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    CHECK(store.get("larder:v:{a}") == LARDER_MISS);  // the very first thing
}

TEST_CASE("a server that accepts and says nothing costs a caller no more than his deadline") {
    ScriptedServer server([](int, const auto&) -> std::optional<std::string> { return ""; });
    StoreRig store(StoreRig::on(server.port()));
    const std::uint64_t before = store.now_ns();
    const larder_call call = store.call(std::chrono::milliseconds(80));
    const larder_key key = StoreRig::key("a");
    larder_value unused{};
    CHECK(store.store().get(store.self(), &key, &call, &unused) == LARDER_E_TIMEOUT);
    const std::uint64_t took_ms = (store.now_ns() - before) / 1'000'000;
    CHECK(took_ms >= 80);
    CHECK(took_ms < 1000);
}

TEST_CASE("a password that is refused is said without it") {
    NEED_REDIS();
    RedisProcess redis({"--requirepass", "right-one"});
    {
        StoreRig store(StoreRig::on(redis.port()), "hunter2-wrong");
        REQUIRE(store.until([&] { return store.host().logged("AUTH: WRONGPASS"); }));
        CHECK(store.get("a") != LARDER_OK);
        CHECK(store.health().state == LARDER_HEALTH_DOWN);
        CHECK_THAT(std::string(store.health().message), contains("WRONGPASS"));
        CHECK_FALSE(store.host().logged("hunter2"));
    }
    StoreRig without(StoreRig::on(redis.port()));
    REQUIRE(without.until([&] { return without.host().logged("NOAUTH"); }));
    StoreRig store(StoreRig::on(redis.port()), "right-one");
    CHECK(store.put("larder:v:{a}", "x") == LARDER_OK);
    CHECK_FALSE(store.host().logged("right-one"));
}

TEST_CASE("an ACL user with no more rights than it needs is enough, stream and all") {
    NEED_REDIS();
    RedisProcess redis;
    redis.ask({"ACL", "SETUSER", "cache", "on", ">secret", "~larder:*", "resetchannels",
               "&__redis__:invalidate", "+@read", "+@write", "+@connection", "+client|tracking",
               "+client|id", "+subscribe", "+ping", "+eval", "+evalsha", "+script|load", "+wait",
               "-@dangerous", "-keys", "-randomkey", "-swapdb", "+info", "+time"});
    FakeConfig config = StoreRig::on(redis.port());
    config.set("username", "cache");
    Told told;
    StoreRig store(config, "secret");
    store.shared().listen(store.self(), told.sink());
    CHECK(told.until_trust(true));
    CHECK(store.put("larder:v:{a}", envelope(1, "x"), 60'000, LARDER_PUT_IF_VERSION, 0) == LARDER_OK);
    CHECK(store.put("elsewhere", "x") == LARDER_E_DENIED);
    REQUIRE(store.until([&] { return store.shared().now_ms(store.self()) != 0; }));
    CHECK(store.health().state == LARDER_HEALTH_OK);
}

TEST_CASE("a Redis that never evicts, or grows without end, is warned of once") {
    NEED_REDIS();
    RedisProcess endless, full({"--maxmemory", "100mb"}),
        right({"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"});
    StoreRig a(endless), b(full), c(right);
    CHECK(a.until([&] { return a.host().logged("no maxmemory is set"); }));
    CHECK(b.until([&] { return b.host().logged("puts fail instead of making room"); }));
    REQUIRE(c.until([&] { return c.shared().now_ms(c.self()) != 0; }));
    CHECK_FALSE(c.host().logged("maxmemory"));
}

TEST_CASE("a Redis before 6.0 is warned of, and serves") {
    ScriptedServer server([](int, const ScriptedServer::Words& words) -> std::optional<std::string> {
        if (words[0] == "INFO") {
            return ScriptedServer::bulk("redis_version:5.0.14\r\nrun_id:1\r\nrole:master\r\n");
        }
        if (words[0] == "CLIENT") {
            return words[1] == "ID" ? ":7\r\n" : "-ERR Unknown subcommand\r\n";
        }
        return std::nullopt;
    });
    StoreRig store(StoreRig::on(server.port()));
    CHECK(store.until([&] { return store.host().logged("Redis 5.0.14 has no invalidation stream"); }));
    CHECK(store.until([&] { return store.host().logged("CLIENT TRACKING: ERR Unknown subcommand"); }));
    CHECK(store.get("a") == LARDER_MISS);
    CHECK(store.health().state == LARDER_HEALTH_DEGRADED);
}

TEST_CASE("callers that give up all the time use up no more connections than pool, and nobody gets another's reply") {
    // Nothing is ever answered, and one patient caller keeps each connection from being closed.
    ScriptedServer server([](int, const ScriptedServer::Words& words) -> std::optional<std::string> {
        return words[0] == "GET" ? std::optional<std::string>("") : std::nullopt;
    });
    FakeConfig config = StoreRig::on(server.port());
    config.set("stream", false).set("connections", 1).set("pool", 6).set("lent", 0);
    std::vector<std::unique_ptr<Later>> patient;
    StoreRig store(config);
    REQUIRE(store.until([&] { return store.health().state == LARDER_HEALTH_OK; }));
    for (int i = 0; i < 20; ++i) {
        patient.push_back(std::make_unique<Later>());
        const larder_call waits = patient.back()->call(store.now_ns() + 10'000'000'000);
        const larder_call call = store.call(std::chrono::milliseconds(4));
        const larder_key key = StoreRig::key("a");
        larder_value unused{};
        REQUIRE(store.store().get(store.self(), &key, &waits, &unused) == LARDER_PENDING);
        CHECK(store.store().get(store.self(), &key, &call, &unused) == LARDER_E_TIMEOUT);
    }
    CHECK(server.connections() == 4);  // pool, but for the side link's and the stream's
    CHECK(store.host().metric("pool_exhausted_total") > 0);
}

TEST_CASE("a read that comes at the moment its connection breaks is answered by the next one") {
    // The connection breaks behind every answer; whoever asks at once must not hear of it.
    ScriptedServer server([](int, const ScriptedServer::Words& words) -> std::optional<std::string> {
        return words[0] == "GET"
                   ? std::optional(ScriptedServer::bulk(words[1]) + ScriptedServer::hang_up())
                   : std::nullopt;
    });
    FakeConfig config = StoreRig::on(server.port());
    config.set("stream", false).set("connections", 1);
    StoreRig store(config);
    for (int i = 0; i < 300; ++i) {
        std::string got;
        REQUIRE(store.get("key " + std::to_string(i), &got) == LARDER_OK);
        REQUIRE(got == "key " + std::to_string(i));
    }
}

TEST_CASE("every operation ends when its connection is cut in the middle of many") {
    NEED_REDIS();
    RedisProcess redis;
    StoreRig store(redis);
    REQUIRE(store.put("larder:v:{a}", "x") == LARDER_OK);
    std::vector<std::unique_ptr<Later>> all;
    redis.freeze();
    for (int i = 0; i < 500; ++i) {
        all.push_back(std::make_unique<Later>());
        const larder_key key = StoreRig::key("larder:v:{a}");
        const larder_call call = all.back()->call(store.now_ns() + 8'000'000'000);
        larder_value unused{};
        REQUIRE(store.store().get(store.self(), &key, &call, &unused) == LARDER_PENDING);
    }
    redis.kill();
    for (const auto& one : all) {
        REQUIRE(one->wait() == LARDER_E_IO);
    }
}
