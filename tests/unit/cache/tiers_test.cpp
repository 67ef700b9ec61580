// tests/unit/cache/tiers_test.cpp -- chains of stores, and stores that misbehave.
#include "kernel/core/unremoved.hpp"
#include "tests/catch.hpp"
#include "tests/support/test_cache.hpp"

#include <condition_variable>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

const char* const policy = R"(larder 1
namespace user { key "{id}"; ttl 10m; tag "user:{id}"; tiers l1 1m -> l2 }
namespace near { key "{id}"; ttl 10m; tiers l1 }
breaker l1 { open after 3 failures; retry after 10s; probe 1 }
)";

TestCacheOptions two(std::uint64_t caps = MapStore::default_caps) {
    TestCacheOptions o;
    o.stores = {"l1", "l2"};
    o.caps = caps;
    return o;
}

constexpr std::uint64_t async_caps = LARDER_STORE_CAP_TTL | LARDER_STORE_CAP_VERSION;

}  // namespace

TEST_CASE("an entry that left the upper tier is found below and copied up with the time it has left", "[tiers]") {
    TestCache c(policy, two());
    c.put("user", "1", "x");
    CHECK(c.stores[0]->size() == 1);
    CHECK(c.stores[1]->size() == 1);
    c.after(61s);
    CHECK(c.get("user", "1") == "x");
    CHECK(c.stores[0]->size() == 1);
    CHECK(c.look("user", "1").ttl_ms == 600'000 - 61'000);
    c.after(600s - 61s);
    CHECK_FALSE(c.get("user", "1"));
}

TEST_CASE("a peek is not a use: nothing is copied up, and nothing lives longer for it", "[tiers]") {
    TestCache c(policy, two());
    c.put("user", "1", "x");
    c.after(61s);
    c.stores[0]->evict_all();
    CHECK(c.look("user", "1", LARDER_CALL_PEEK).value == "x");
    CHECK(c.stores[0]->size() == 0);
    CHECK(c.look("user", "1").value == "x");
    CHECK(c.stores[0]->size() == 1);

    TestCache sliding("larder 1\nnamespace s { key \"{id}\"; ttl 60s sliding; static }\n");
    sliding.put("s", "1", "x");
    sliding.after(40s);
    CHECK(sliding.look("s", "1", LARDER_CALL_PEEK).ttl_ms == 20'000);
    CHECK(sliding.look("s", "1", LARDER_CALL_PEEK).ttl_ms == 20'000);
    CHECK(sliding.get("s", "1") == "x");
    CHECK(sliding.look("s", "1", LARDER_CALL_PEEK).ttl_ms == 60'000);
}

TEST_CASE("a namespace uses the tiers it names", "[tiers]") {
    TestCache c(policy, two());
    c.put("near", "1", "x");
    CHECK(c.stores[0]->size() == 1);
    CHECK(c.stores[1]->size() == 0);
}

TEST_CASE("a drop reaches every tier at once", "[tiers]") {
    TestCache c(policy, two());
    c.put("user", "1", "x");
    c.drop_tag("user:1");
    c.stores[0]->evict_all();
    CHECK_FALSE(c.get("user", "1"));
    c.put("user", "1", "y");
    c.drop_key("user", "1");
    CHECK_FALSE(c.get("user", "1"));
}

TEST_CASE("a store that fails is a miss, then left alone, then tried again", "[tiers][breaker]") {
    TestCache c(policy, two());
    c.put("near", "1", "x");
    c.stores[0]->fail = LARDER_E_IO;
    for (int i = 0; i < 3; ++i) CHECK_FALSE(c.get("near", "1"));
    const auto calls = c.stores[0]->calls();
    for (int i = 0; i < 10; ++i) CHECK_FALSE(c.get("near", "1"));
    CHECK(c.stores[0]->calls() == calls);
    c.stores[0]->fail = LARDER_OK;
    c.after(10s);
    CHECK(c.get("near", "1") == "x");
    CHECK(c.get("near", "1") == "x");
}

TEST_CASE("what a failing store could not give up is not served when it answers again", "[tiers][breaker]") {
    const std::uint64_t unmarked = MapStore::default_caps & ~std::uint64_t{LARDER_STORE_CAP_MARK};
    TestCache c("larder 1\n"
                "namespace user { key \"{id}\"; ttl 10m; stale 1m on error; tiers l1 1m -> l2 }\n"
                "on PUT \"/users/{id}\" { expire user \"{id}\" }\n"
                "breaker l2 { open after 3 failures; retry after 10s; probe 1 }\n",
                two(unmarked));
    const auto both_fail = [&](larder_status status) { c.stores[0]->fail = c.stores[1]->fail = status; };
    c.put("user", "1", "old");
    c.put("user", "2", "other");

    SECTION("dropped") {
        both_fail(LARDER_E_IO);
        c.drop_key("user", "1");
        both_fail(LARDER_OK);
        CHECK_FALSE(c.get("user", "1"));
        CHECK(c.get("user", "2") == "other");
        c.put("user", "1", "new");
        CHECK(c.get("user", "1") == "new");
    }
    SECTION("dropped while the breaker is open") {
        both_fail(LARDER_E_IO);
        for (int i = 0; i < 5; ++i) c.get("user", "2");
        c.drop_key("user", "1");
        both_fail(LARDER_OK);
        c.after(10s);
        CHECK(c.get("user", "2") == "other");
        CHECK_FALSE(c.get("user", "1"));
    }
    SECTION("put again, and only the upper tier took it") {
        c.stores[1]->fail = LARDER_E_IO;
        c.put("user", "1", "new");
        CHECK(c.get("user", "1") == "new");
        c.stores[1]->fail = LARDER_OK;
        c.after(61s);
        CHECK_FALSE(c.get("user", "1"));
    }
    SECTION("expired") {
        both_fail(LARDER_E_IO);
        c.request("PUT", "/users/1");
        both_fail(LARDER_OK);
        CHECK_FALSE(c.get("user", "1"));
    }
    SECTION("too many to remember: all from before") {
        both_fail(LARDER_E_IO);
        for (std::size_t i = 0; i < Unremoved::most + 2; ++i) c.drop_key("user", "k" + std::to_string(i));
        both_fail(LARDER_OK);
        c.after(10s);
        CHECK_FALSE(c.get("user", "1"));
        CHECK_FALSE(c.get("user", "2"));
        c.put("user", "2", "new");
        CHECK(c.get("user", "2") == "new");
    }
}

TEST_CASE("with the upper tier down the lower one serves", "[tiers][breaker]") {
    TestCache c(policy, two());
    c.put("user", "1", "x");
    c.stores[0]->fail = LARDER_E_IO;
    CHECK(c.get("user", "1") == "x");
    CHECK(c.put("user", "2", "y") == LARDER_OK);
    CHECK(c.get("user", "2") == "y");
}

TEST_CASE("a store that returns another key's bytes is a counted miss", "[tiers][hostile]") {
    TestCache c(policy, two());
    c.put("near", "1", "one");
    c.put("near", "2", "two");
    std::string stolen;
    c.stores[0]->lie = [&](std::string& bytes, const std::string& key) {
        if (key == "2") stolen = bytes;
        if (key == "1" && !stolen.empty()) bytes = stolen;
    };
    CHECK(c.get("near", "2") == "two");
    CHECK_FALSE(c.get("near", "1"));
    CHECK(c.counts("near").damaged == 1);
}

TEST_CASE("damaged and foreign bytes are counted misses, whatever they are", "[tiers][hostile]") {
    TestCache c(policy, two(MapStore::default_caps | LARDER_STORE_CAP_SHARED));
    SeededRandom random(7);
    std::uint64_t damaged = 0;
    for (int round = 0; round < 3000; ++round) {
        c.stores[0]->lie = nullptr;
        c.put("near", "1", "a value of some length");
        c.stores[0]->lie = [&](std::string& bytes, const std::string&) {
            const auto what = random.next() % 4;
            if (what == 0) bytes.resize(random.next() % bytes.size());
            else if (what == 1) bytes = std::string(random.next() % 300, static_cast<char>(random.next()));
            else if (what == 2) bytes += "more";
            else bytes[random.next() % bytes.size()] ^= static_cast<char>(1 + random.next() % 255);
        };
        CHECK_FALSE(c.get("near", "1"));
        ++damaged;
    }
    CHECK(c.counts("near").damaged + c.counts("near").dropped == damaged);
}

TEST_CASE("a store may answer later", "[tiers][async]") {
    TestCache c(policy, two(async_caps));
    CHECK(c.put("near", "1", "x") == LARDER_OK);
    CHECK(c.get("near", "1") == "x");
    CHECK(c.remove("near", "1") == LARDER_OK);
    CHECK_FALSE(c.get("near", "1"));
    c.stores[0]->fail = LARDER_E_IO;
    CHECK_FALSE(c.get("near", "1"));
}

TEST_CASE("a call that may wait is answered later when the caller asks for that", "[tiers][async]") {
    TestCache c(policy, two(async_caps));
    c.put("near", "1", "x");
    larder_cache_get item{};
    item.ns = c.ns("near");
    item.key = b("1");
    bool answered = false;
    larder_call call{};
    call.struct_size = sizeof call;
    call.done_ctx = &answered;
    call.done = [](void* ctx, larder_status, larder_value*) noexcept { *static_cast<bool*>(ctx) = true; };
    CHECK(c.cache->get_many(&item, 1, &call) == LARDER_PENDING);
    CHECK_FALSE(answered);
    c.executor.run();
    CHECK(answered);
    REQUIRE(item.status == LARDER_OK);
    CHECK(std::string(static_cast<const char*>(item.value.data), item.value.size) == "x");
    item.value.release(&item.value);
}

TEST_CASE("time limits of a store that answers later are changed later too", "[tiers][async]") {
    TestCache c(policy, two(async_caps));
    c.put("near", "1", "x");
    bool answered = false;
    larder_call call{};
    call.struct_size = sizeof call;
    call.done_ctx = &answered;
    call.done = [](void* ctx, larder_status status, larder_value*) noexcept { *static_cast<bool*>(ctx) = status == LARDER_OK; };
    CHECK(c.cache->expire(c.ns("near"), "1", 5000, 0, &call) == LARDER_PENDING);
    CHECK_FALSE(answered);
    c.executor.run();
    CHECK(answered);
    CHECK(c.look("near", "1").ttl_ms == 5000);
    answered = false;
    CHECK(c.cache->persist(c.ns("near"), "1", &call) == LARDER_PENDING);
    c.executor.run();
    CHECK(answered);
    CHECK(c.look("near", "1").ttl_ms == 600'000);
}

TEST_CASE("a blocking store is entered by its workers only", "[tiers][async]") {
    TestCache c(policy, two(LARDER_STORE_CAP_BLOCKING | LARDER_STORE_CAP_TTL));
    CHECK(c.put("near", "1", "x") == LARDER_OK);
    CHECK(c.get("near", "1") == "x");
}

TEST_CASE("with memory above a store that answers later, hits never wait", "[tiers][async]") {
    TestCacheOptions o;
    o.stores = {"l1"};
    TestCache c(policy, o);
    MapStore slow(c.clock, async_caps);
    CacheParts parts;
    parts.policy = c.cache->policy();
    parts.stores = {c.stores[0]->handle("l1"), slow.handle("l2")};
    c.cache->install(std::move(parts));
    REQUIRE(c.put("user", "1", "x") == LARDER_OK);
    const auto calls = slow.calls();
    CHECK(c.get("user", "1") == "x");
    CHECK(slow.calls() == calls);
    c.stores[0]->evict_all();
    CHECK(c.get("user", "1") == "x");
    CHECK(slow.calls() == calls + 1);
    CHECK(c.get("user", "1") == "x");
    CHECK(slow.calls() == calls + 1);
}

TEST_CASE("an entry written by another value version is a miss", "[tiers]") {
    TestCache c("larder 1\nnamespace a { key \"{id}\"; ttl 1h; version 1 }\n");
    c.put("a", "1", "x");
    c.install("larder 1\nnamespace a { key \"{id}\"; ttl 1h; version 2 }\n");
    CHECK_FALSE(c.get("a", "1"));
}
