// tests/unit/store_redis/stream_test.cpp -- the invalidation stream of a real redis-server: what is told, and
// when it is trusted.
#include "store_rig.hpp"

#include "tests/catch.hpp"

#include <algorithm>

using namespace larder;
using namespace larder::test;

namespace {

const std::string apple = "larder:v:{fruit:apple}", tag = "larder:g:00000000000000aa";

struct Listening {
    explicit Listening(RedisProcess& redis) : store(redis) {
        store.shared().listen(store.self(), told.sink());
    }
    Told told;
    StoreRig store;
};

}  // namespace

#define NEED_REDIS()                                  \
    if (!RedisProcess::available()) {                 \
        LARDER_SKIP("there is no redis-server here"); \
    }

TEST_CASE("H5: there is trust only when a canary was told back, and changed_all comes before it") {
    NEED_REDIS();
    RedisProcess redis;
    Listening node(redis);
    REQUIRE(node.told.until_trust(true));
    CHECK(node.told.until([&] { return node.told.order == "ay"; }));
    CHECK(redis.ask({"KEYS", "larder:g:canary:*"}).starts_with("larder:g:canary:"));
    CHECK(std::stoi(redis.ask({"PTTL", redis.ask({"KEYS", "larder:g:canary:*"})})) > 0);
    CHECK(node.store.health().state == LARDER_HEALTH_OK);
}

TEST_CASE("foreign writers are heard, of values and of records, and nothing else") {
    NEED_REDIS();
    RedisProcess redis;
    Listening node(redis);
    REQUIRE(node.told.until_trust(true));
    redis.ask({"SET", "larder:l:{fruit:apple}", "x"});
    redis.ask({"SET", "other", "x"});
    redis.ask({"SET", apple, "x"});
    CHECK(node.told.until_key(apple));
    redis.ask({"PEXPIRE", tag, "1"});
    redis.ask({"SET", tag, "x"});
    CHECK(node.told.until_key(tag));
    CHECK(node.told.until([&] {
        for (const std::string& key : node.told.keys) {
            if (!key.starts_with("larder:v:") && !key.starts_with("larder:g:")) {
                return false;
            }
        }
        return true;
    }));
}

TEST_CASE("a flush is told as one") {
    NEED_REDIS();
    RedisProcess redis;
    Listening node(redis);
    REQUIRE(node.told.until_trust(true));
    redis.ask({"FLUSHALL"});
    CHECK(node.told.until([&] { return node.told.alls >= 2; }));
}

TEST_CASE("a sink that comes late is told that there is trust, and one that is taken away hears no more") {
    NEED_REDIS();
    RedisProcess redis;
    Listening node(redis);
    REQUIRE(node.told.until_trust(true));
    Told late;
    node.store.shared().listen(node.store.self(), late.sink());
    CHECK(late.until([&] { return late.order == "ay"; }));
    node.store.shared().listen(node.store.self(), nullptr);
    redis.ask({"FLUSHALL"});
    Told last;
    node.store.shared().listen(node.store.self(), last.sink());
    redis.ask({"SET", apple, "x"});
    CHECK(last.until_key(apple));
    CHECK(late.until([&] { return late.order == "ay"; }));
    node.store.shared().listen(node.store.self(), nullptr);
}

TEST_CASE("H4: a server that stands still is not trusted beyond max_staleness, and again when it goes on") {
    NEED_REDIS();
    RedisProcess redis;
    Listening node(redis);
    REQUIRE(node.told.until_trust(true));
    const std::uint64_t frozen = node.store.now_ns();
    redis.freeze();
    REQUIRE(node.told.until_trust(false));
    const std::uint64_t took_ms = (node.store.now_ns() - frozen) / 1'000'000;
    CHECK(took_ms <= 400 + 600);
    redis.thaw();
    REQUIRE(node.told.until_trust(true));
    CHECK(node.told.until([&] {
        const std::string& o = node.told.order;
        return o.find("nay") != std::string::npos || o.find("naay") != std::string::npos;
    }));
}

TEST_CASE("H3: the stream's connection cut ends trust at once, and what was missed is told as changed_all") {
    NEED_REDIS();
    RedisProcess redis;
    Listening node(redis);
    REQUIRE(node.told.until_trust(true));
    const int alls = node.told.alls;
    CHECK(redis.ask({"CLIENT", "KILL", "TYPE", "pubsub"}) == "1");
    REQUIRE(node.told.until([&] { return node.told.no == 1; }));
    REQUIRE(node.told.until_trust(true));
    CHECK(node.told.until([&] { return node.told.alls > alls; }));
    redis.ask({"SET", apple, "x"});
    CHECK(node.told.until_key(apple));
}

TEST_CASE("data connections may die without a change being missed") {
    NEED_REDIS();
    RedisProcess redis;
    Listening node(redis);
    REQUIRE(node.told.until_trust(true));
    redis.ask({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    redis.ask({"SET", apple, "x"});
    CHECK(node.told.until_key(apple));
    CHECK(node.store.get(apple) == LARDER_OK);
}

TEST_CASE("a message that a client published is ignored, and counted") {
    NEED_REDIS();
    RedisProcess redis;
    Listening node(redis);
    REQUIRE(node.told.until_trust(true));
    CHECK(redis.ask({"PUBLISH", "__redis__:invalidate", apple}) == "1");
    CHECK(node.store.until([&] { return node.store.host().metric("forged_pushes_total") == 1; }));
    redis.ask({"SET", tag, "x"});
    CHECK(node.told.until_key(tag));
    CHECK(node.told.until([&] {
        return std::count(node.told.keys.begin(), node.told.keys.end(), apple) == 0 &&
               node.told.no == 0;
    }));
}

TEST_CASE("a restarted server is another one, with older data") {
    NEED_REDIS();
    RedisProcess redis;
    Listening node(redis);
    REQUIRE(node.told.until_trust(true));
    REQUIRE(node.store.until([&] {
        return std::string(node.store.health().message).find(", Redis ") != std::string::npos;
    }));
    redis.kill();
    REQUIRE(node.told.until_trust(false));
    redis.begin();
    CHECK(node.told.until([&] { return node.told.renewed == 1 && node.told.older == 1; }));
    CHECK(node.told.until_trust(true));
}

TEST_CASE("a replica that becomes the master goes on from what was there") {
    NEED_REDIS();
    RedisProcess master({"--repl-diskless-sync-delay", "0"}), replica;
    replica.ask({"REPLICAOF", "127.0.0.1", std::to_string(master.port())});
    Listening node(replica);
    REQUIRE(node.store.until([&] {
        return replica.ask({"INFO", "replication"}).find("master_link_status:up") !=
               std::string::npos;
    }));
    REQUIRE(node.store.until([&] {
        return std::string(node.store.health().message).find("replica") != std::string::npos;
    }));
    // Trust needs a canary, and a replica takes no writes.
    CHECK(node.told.until([&] { return !node.told.trusted; }));
    replica.ask({"REPLICAOF", "NO", "ONE"});
    CHECK(node.told.until([&] { return node.told.renewed >= 1; }));
    CHECK(node.told.until_trust(true));
}

TEST_CASE("a change reaches the sink of another node") {
    NEED_REDIS();
    RedisProcess redis;
    Listening here(redis), there(redis);
    REQUIRE(here.told.until_trust(true));
    REQUIRE(there.told.until_trust(true));
    here.store.put(apple, "red");
    CHECK(there.told.until_key(apple));
    CHECK(here.told.until_key(apple));
}
