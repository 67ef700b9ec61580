// tests/unit/cache/entries_test.cpp -- entries: put, got, removed, timed, refused.
#include "tests/catch.hpp"
#include "tests/support/test_cache.hpp"

#include <chrono>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

const char* const simple = R"(larder 1
namespace user { key "{user_id}"; ttl 3m }
namespace pair { key "{a}:{b}"; ttl 1h }
namespace file { key "{path...}"; ttl 1h }
namespace keep { key "{id}" }
namespace small { key "{id}"; ttl 1m; refuse above 1KiB }
namespace maybe { key "{id}"; ttl 1h; absent 10s }
namespace slide { key "{id}"; ttl 10m sliding }
namespace jitter { key "{id}"; ttl 100s jitter 10% }
namespace report { key "{start}:{end}"; ttl 5m; ttl 24h when {end} before today }
)";

}  // namespace

TEST_CASE("a value that was put is got until its ttl ends", "[cache]") {
    TestCache c(simple);
    CHECK_FALSE(c.get("user", "42"));
    REQUIRE(c.put("user", "42", "Ann") == LARDER_OK);
    CHECK(c.get("user", "42") == "Ann");
    CHECK(c.look("user", "42").ttl_ms == 180'000);
    c.after(179s);
    CHECK(c.get("user", "42") == "Ann");
    c.after(1s);
    CHECK_FALSE(c.get("user", "42"));
}

TEST_CASE("empty, zero and an empty list are hits", "[cache]") {
    TestCache c(simple);
    for (const char* value : {"", "0", "[]", "null", "false"}) {
        REQUIRE(c.put("user", "7", value) == LARDER_OK);
        CHECK(c.get("user", "7") == value);
    }
    CHECK(c.counts("user").hits == 5);
}

TEST_CASE("a ttl given with the value holds instead of the namespace's", "[cache]") {
    TestCache c(simple);
    c.put("user", "1", "x", 5000);
    CHECK(c.look("user", "1").ttl_ms == 5000);
    c.after(5s);
    CHECK_FALSE(c.get("user", "1"));
}

TEST_CASE("a namespace without ttl keeps its entries", "[cache]") {
    TestCache c(simple);
    c.put("keep", "1", "x");
    CHECK(c.look("keep", "1").ttl_ms == -1);
    c.clock.advance(std::chrono::hours(24 * 400));
    CHECK(c.get("keep", "1") == "x");
}

TEST_CASE("remove says whether the entry was there", "[cache]") {
    TestCache c(simple);
    c.put("user", "1", "x");
    CHECK(c.remove("user", "1") == LARDER_OK);
    CHECK(c.remove("user", "1") == LARDER_MISS);
    CHECK_FALSE(c.get("user", "1"));
}

TEST_CASE("exists looks without taking the value", "[cache]") {
    TestCache c(simple);
    c.put("user", "1", "value");
    const auto got = c.look("user", "1", LARDER_GET_META);
    CHECK(got.status == LARDER_OK);
    CHECK(got.value.empty());
    CHECK(got.version != 0);
    CHECK(c.look("user", "2", LARDER_GET_META).status == LARDER_MISS);
}

TEST_CASE("expire changes the time that is left", "[cache]") {
    TestCache c(simple);
    c.put("user", "1", "x");
    REQUIRE(c.cache->expire(c.ns("user"), "1", 10'000, 0, nullptr) == LARDER_OK);
    CHECK(c.look("user", "1").ttl_ms == 10'000);
    c.after(10s);
    CHECK_FALSE(c.get("user", "1"));
    CHECK(c.cache->expire(c.ns("user"), "1", 10'000, 0, nullptr) == LARDER_MISS);
}

TEST_CASE("expire beyond the namespace's ttl is allowed up to its hard limit", "[cache]") {
    TestCache c(simple);
    c.put("user", "1", "x");
    REQUIRE(c.cache->expire(c.ns("user"), "1", 3'600'000, 0, nullptr) == LARDER_OK);
    CHECK(c.look("user", "1").ttl_ms == 3'600'000);
    REQUIRE(c.cache->expire(c.ns("user"), "1", 1000LL * 3600 * 24 * 30, 0, nullptr) == LARDER_OK);
    CHECK(c.look("user", "1").ttl_ms == 24 * 3'600'000);
}

TEST_CASE("expire heeds its conditions and removes at zero", "[cache]") {
    TestCache c(simple);
    c.put("user", "1", "x", 10'000);
    const auto ns = c.ns("user");
    CHECK(c.cache->expire(ns, "1", 5000, LARDER_EXPIRE_IF_NONE, nullptr) == LARDER_EXISTS);
    CHECK(c.cache->expire(ns, "1", 5000, LARDER_EXPIRE_IF_LATER, nullptr) == LARDER_EXISTS);
    CHECK(c.cache->expire(ns, "1", 15'000, LARDER_EXPIRE_IF_SOONER, nullptr) == LARDER_EXISTS);
    CHECK(c.cache->expire(ns, "1", 15'000, LARDER_EXPIRE_IF_LATER, nullptr) == LARDER_OK);
    c.put("keep", "1", "x");
    CHECK(c.cache->expire(c.ns("keep"), "1", 5000, LARDER_EXPIRE_IF_ANY, nullptr) == LARDER_EXISTS);
    CHECK(c.cache->expire(ns, "1", 0, 0, nullptr) == LARDER_OK);
    CHECK_FALSE(c.get("user", "1"));
}

TEST_CASE("persist gives back the namespace's ttl, or takes the limit away where there is none", "[cache]") {
    TestCache c(simple);
    c.put("user", "1", "x", 5000);
    REQUIRE(c.cache->persist(c.ns("user"), "1", nullptr) == LARDER_OK);
    CHECK(c.look("user", "1").ttl_ms == 180'000);
    c.put("keep", "1", "x", 5000);
    REQUIRE(c.cache->persist(c.ns("keep"), "1", nullptr) == LARDER_OK);
    CHECK(c.look("keep", "1").ttl_ms == -1);
    CHECK(c.cache->persist(c.ns("keep"), "none", nullptr) == LARDER_MISS);
}

TEST_CASE("jitter shortens a ttl by at most its share, and not always by the same", "[cache]") {
    TestCache c(simple);
    std::int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < 200; ++i) {
        c.put("jitter", std::to_string(i), "x");
        const auto ttl = c.look("jitter", std::to_string(i)).ttl_ms;
        least = std::min(least, ttl);
        most = std::max(most, ttl);
    }
    CHECK(least >= 90'000);
    CHECK(most <= 100'000);
    CHECK(most - least > 5000);
}

TEST_CASE("a sliding entry lives on while it is used, but not for ever", "[cache]") {
    TestCache c(simple);
    c.put("slide", "s", "x");
    for (int i = 0; i < 10; ++i) {
        c.after(9min);
        REQUIRE(c.get("slide", "s") == "x");
    }
    c.after(10min);
    CHECK_FALSE(c.get("slide", "s"));
    c.put("slide", "s", "x");
    int hits = 0;
    while (c.get("slide", "s") && hits < 1000) {
        ++hits;
        c.after(5min);
    }
    CHECK(hits <= 24 * 12 + 1);
    CHECK(hits >= 24 * 12 - 3);
}

TEST_CASE("a ttl follows the date in the key", "[cache]") {
    TestCache c(simple);
    c.clock.set_wall_ms(1'705'752'000'000);  // 2024-01-20
    c.put("report", "2024-01-01:2024-01-15", "past");
    c.put("report", "2024-01-01:2024-01-20", "today");
    c.put("report", "2024-01-01:what", "no date");
    CHECK(c.look("report", "2024-01-01:2024-01-15").ttl_ms == 24 * 3'600'000);
    CHECK(c.look("report", "2024-01-01:2024-01-20").ttl_ms == 300'000);
    CHECK(c.look("report", "2024-01-01:what").ttl_ms == 300'000);
}

TEST_CASE("keys with any byte stay in their namespace and come back unchanged", "[cache]") {
    TestCache c(simple);
    const std::vector<std::string> odd = {"a:b", "a%3Ab", "*", "%", "{x}", std::string("a\0b", 3), "a\r\nb", "..", " ", std::string(64 * 1024, 'k')};
    for (std::size_t i = 0; i < odd.size(); ++i) REQUIRE(c.put("user", odd[i], std::to_string(i)) == LARDER_OK);
    for (std::size_t i = 0; i < odd.size(); ++i) CHECK(c.get("user", odd[i]) == std::to_string(i));
    auto listed = c.scan("user");
    auto wanted = odd;
    std::sort(listed.begin(), listed.end());
    std::sort(wanted.begin(), wanted.end());
    CHECK(listed == wanted);
    CHECK(c.put("user", std::string(64 * 1024 + 1, 'k'), "x") == LARDER_E_INVALID);
    CHECK(c.put("user", "", "x") == LARDER_E_INVALID);
}

TEST_CASE("different fields never make one entry", "[cache]") {
    TestCache c(simple);
    c.put("pair", "a:b:c", "first a");      // a, b:c
    CHECK(c.get("pair", "a:b:c") == "first a");
    CHECK_FALSE(c.get("pair", "a:b%3Ac"));  // a, b%3Ac: another one
    CHECK(c.put("pair", "ab", "x") == LARDER_E_INVALID);
    char text[200];
    larder_errbuf err{text, sizeof text, 0};
    CHECK(c.cache->check_key(c.ns("pair"), "ab", &err) == LARDER_E_INVALID);
    CHECK(std::string(text).find("{a}:{b}") != std::string::npos);
    c.put("file", "img/a:b.png", "bytes");
    CHECK(c.get("file", "img/a:b.png") == "bytes");
}

TEST_CASE("equal keys in two namespaces are two entries", "[cache]") {
    TestCache c(simple);
    c.put("user", "1", "u");
    c.put("keep", "1", "k");
    CHECK(c.get("user", "1") == "u");
    CHECK(c.get("keep", "1") == "k");
    c.drop_space("user");
    CHECK(c.get("keep", "1") == "k");
}

TEST_CASE("a value over the limit is refused and what was there stays", "[cache]") {
    TestCache c(simple);
    c.put("small", "1", "before");
    CHECK(c.put("small", "1", std::string(1025, 'x')) == LARDER_E_TOO_LARGE);
    CHECK(c.get("small", "1") == "before");
    CHECK(c.put("small", "1", std::string(1024, 'x')) == LARDER_OK);
    CHECK(c.counts("small").refused == 1);
}

TEST_CASE("a negative entry says that there is nothing, for as long as the namespace says", "[cache]") {
    TestCache c(simple);
    TestCache::PutOptions absent;
    absent.flags = LARDER_SET_ABSENT;
    REQUIRE(c.set("maybe", "1", "", absent).status == LARDER_OK);
    const auto got = c.look("maybe", "1");
    CHECK(got.status == LARDER_OK);
    CHECK((got.found & LARDER_FOUND_ABSENT) != 0);
    CHECK(c.scan("maybe").empty());
    CHECK(c.remove("maybe", "1") == LARDER_MISS);
    c.set("maybe", "1", "", absent);
    c.after(10s);
    CHECK(c.look("maybe", "1").status == LARDER_MISS);
    CHECK(c.set("user", "1", "", absent).status == LARDER_E_INVALID);
}

TEST_CASE("negative entries take at most a tenth of a tier", "[cache]") {
    const std::string text = "larder 1\nnamespace maybe { key \"{id}\"; ttl 1h; absent 10s }\n";
    TestCache c(text);
    c.stores[0]->capacity = 100'000;
    c.install(text);
    TestCache::PutOptions absent;
    absent.flags = LARDER_SET_ABSENT;
    int kept = 0;
    for (int i = 0; i < 1000; ++i) kept += c.set("maybe", std::to_string(i), "", absent).status == LARDER_OK;
    CHECK(kept > 80);
    CHECK(kept < 160);
    CHECK(c.put("maybe", "real", "x") == LARDER_OK);
    c.after(21s);
    CHECK(c.set("maybe", "later", "", absent).status == LARDER_OK);
}

TEST_CASE("conditional sets see only what is alive", "[cache]") {
    TestCache c(simple);
    TestCache::PutOptions nx, xx, back, keep;
    nx.flags = LARDER_SET_IF_ABSENT;
    xx.flags = LARDER_SET_IF_PRESENT;
    back.flags = LARDER_SET_RETURN_OLD;
    keep.flags = LARDER_SET_KEEP_TTL;
    CHECK(c.set("user", "1", "x", xx).status == LARDER_MISS);
    CHECK(c.set("user", "1", "x", nx).status == LARDER_OK);
    CHECK(c.set("user", "1", "y", nx).status == LARDER_EXISTS);
    CHECK(c.set("user", "1", "z", xx).status == LARDER_OK);
    larder_cache_set old = c.set("user", "1", "w", back);
    REQUIRE(old.old.data != nullptr);
    CHECK(std::string(static_cast<const char*>(old.old.data), old.old.size) == "z");
    old.old.release(&old.old);
    c.after(60s);
    c.set("user", "1", "v", keep);
    CHECK(c.look("user", "1").ttl_ms == 120'000);
    c.drop_space("user");  // dead entries are absent
    CHECK(c.set("user", "1", "x", xx).status == LARDER_MISS);
    CHECK(c.set("user", "1", "x", nx).status == LARDER_OK);
}

TEST_CASE("a set that names a version replaces that entry and no other", "[cache]") {
    TestCache c(simple);
    c.put("user", "1", "x");
    TestCache::PutOptions o;
    o.flags = LARDER_SET_IF_VERSION;
    o.if_version = c.look("user", "1").version;
    CHECK(c.set("user", "1", "y", o).status == LARDER_OK);
    CHECK(c.set("user", "1", "z", o).status == LARDER_E_CONFLICT);
    CHECK(c.get("user", "1") == "y");
    o.if_version = 0;
    CHECK(c.set("user", "2", "new", o).status == LARDER_OK);
    CHECK(c.set("user", "2", "again", o).status == LARDER_E_CONFLICT);
}

TEST_CASE("update reads, asks and writes back as one step", "[cache]") {
    TestCache c(simple);
    const auto add = [](void* ctx, larder_bytes old, larder_value* out, std::int64_t*) noexcept -> larder_status {
        static std::string text;
        const long was = old.data == nullptr ? 0 : std::stol(std::string(static_cast<const char*>(old.data), old.size));
        text = std::to_string(was + *static_cast<long*>(ctx));
        *out = {text.data(), text.size(), nullptr, nullptr};
        return LARDER_OK;
    };
    long by = 5;
    REQUIRE(c.cache->update(c.ns("keep"), "n", add, &by, nullptr) == LARDER_OK);
    by = 37;
    REQUIRE(c.cache->update(c.ns("keep"), "n", add, &by, nullptr) == LARDER_OK);
    CHECK(c.get("keep", "n") == "42");
    c.put("user", "n", "1");
    c.after(60s);
    c.cache->update(c.ns("user"), "n", add, &by, nullptr);
    CHECK(c.look("user", "n").ttl_ms == 120'000);
}

TEST_CASE("a batch answers each key by itself", "[cache]") {
    TestCache c(simple);
    c.put("user", "1", "a");
    c.put("pair", "x:y", "b");
    larder_cache_get items[3]{};
    items[0].ns = c.ns("user");
    items[0].key = b("1");
    items[1].ns = c.ns("user");
    items[1].key = b("2");
    items[2].ns = c.ns("pair");
    items[2].key = b("x:y");
    REQUIRE(c.cache->get_many(items, 3, nullptr) == LARDER_OK);
    CHECK(items[0].status == LARDER_OK);
    CHECK(items[1].status == LARDER_MISS);
    CHECK(items[2].status == LARDER_OK);
    for (auto& item : items)
        if (item.value.release != nullptr) item.value.release(&item.value);
}

TEST_CASE("a batch of any mix answers as its keys do one by one", "[cache]") {
    TestCache c(simple);
    std::vector<std::string> keys;
    for (int i = 0; i < 50; ++i) {
        keys.push_back(i % 7 == 0 ? "with:colon%" + std::to_string(i) : std::to_string(i));
        if (i % 3 != 0) c.put("user", keys.back(), "value " + std::to_string(i));
    }
    std::vector<larder_cache_get> items(keys.size() + 2);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        items[i].ns = c.ns("user");
        items[i].key = b(keys[i]);
    }
    items[50].ns = 4711;  // no such namespace
    items[50].key = b("x");
    items[51].ns = c.ns("pair");
    items[51].key = b("no second field");
    REQUIRE(c.cache->get_many(items.data(), items.size(), nullptr) == LARDER_OK);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        INFO(keys[i]);
        const auto alone = c.get("user", keys[i]);
        CHECK((items[i].status == LARDER_OK) == alone.has_value());
        if (alone) CHECK(std::string(static_cast<const char*>(items[i].value.data), items[i].value.size) == *alone);
        if (items[i].value.release != nullptr) items[i].value.release(&items[i].value);
    }
    CHECK(items[50].status == LARDER_E_INVALID);
    CHECK(items[51].status == LARDER_E_INVALID);
}

TEST_CASE("scan lists live raw keys and heeds the glob", "[cache]") {
    TestCache c(simple);
    for (const char* key : {"1", "12", "123", "2"}) c.put("user", key, "x");
    c.put("user", "9", "gone", 1000);
    c.after(1s);
    auto keys = c.scan("user", "1*");
    std::sort(keys.begin(), keys.end());
    CHECK(keys == std::vector<std::string>{"1", "12", "123"});
    CHECK(c.scan("user").size() == 4);
}

TEST_CASE("the count of a namespace is zero right after it was dropped", "[cache]") {
    TestCache c(simple);
    for (int i = 0; i < 100; ++i) c.put("user", std::to_string(i), "x");
    c.put("keep", "1", "x");
    CHECK(c.count("user") == 100);
    c.drop_space("user");
    CHECK(c.count("user") == 0);
    CHECK(c.count("") == 1);
    c.executor.run();
    CHECK(c.stores[0]->size() == 1);  // and its memory comes back
}

TEST_CASE("expired keys can be listed before they are reclaimed", "[cache]") {
    TestCache c("larder 1\nnamespace user { key \"{id}\"; ttl 1m; stale 10m on error }\n");
    c.put("user", "1", "x");
    c.put("user", "2", "y");
    c.after(30s);
    c.put("user", "2", "y");
    c.after(30s);
    CHECK(c.cache->expired_keys(c.ns("user"), 10) == std::vector<std::string>{"user:1"});
}

TEST_CASE("a miss of a fenced reader is remembered: a value loaded before a drop is not kept", "[cache][fence]") {
    TestCache c("larder 1\nnamespace user { key \"{id}\"; ttl 1h; tag \"all\"; tag \"user:{id}\" }\n");
    TestCache::PutOptions fenced;
    fenced.flags = LARDER_SET_FENCED;
    const auto miss = [&](std::uint64_t client = 7) { REQUIRE(c.look("user", "1", LARDER_GET_FENCE, client).status == LARDER_MISS); };

    miss();
    CHECK(c.set("user", "1", "fresh", fenced).kept == 1);
    CHECK(c.get("user", "1") == "fresh");
    for (int way = 0; way < 5; ++way) {
        INFO("way " << way);
        c.remove("user", "1", 7);
        miss();
        if (way == 0) c.drop_tag("user:1");
        if (way == 1) c.drop_key("user", "1");
        if (way == 2) c.drop_space("user");
        if (way == 3) c.drop_matching("user", "*");
        if (way == 4) c.change(LARDER_DROP, LARDER_TARGET_EVERYTHING, "", "");
        const larder_cache_set item = c.set("user", "1", "old", fenced);
        CHECK(item.status == LARDER_OK);
        CHECK(item.kept == 0);
        CHECK_FALSE(c.get("user", "1"));
        CHECK(c.set("user", "1", "new", fenced).kept == 1);  // the fence was used up
    }
    c.remove("user", "1", 7);
    miss();
    c.drop_tag("user:2");
    CHECK(c.set("user", "1", "unrelated drop", fenced).kept == 1);
}

TEST_CASE("of two clients that load one key only the one that began before the drop is refused", "[cache][fence]") {
    for (const bool old_first : {true, false}) {
        INFO("the older load ends " << (old_first ? "first" : "last"));
        TestCache c(simple);
        TestCache::PutOptions old_one, new_one;
        old_one.flags = new_one.flags = LARDER_SET_FENCED;
        old_one.client = 7;
        new_one.client = 8;
        c.look("user", "1", LARDER_GET_FENCE, 7);
        c.drop_space("user");
        c.look("user", "1", LARDER_GET_FENCE, 8);
        if (old_first) CHECK(c.set("user", "1", "old", old_one).kept == 0);
        CHECK(c.set("user", "1", "new", new_one).kept == 1);
        if (!old_first) CHECK(c.set("user", "1", "old", old_one).kept == 0);
        CHECK(c.get("user", "1") == "new");
    }
}

TEST_CASE("a client's own remove forgets its fence, another's does not", "[cache][fence]") {
    TestCache c(simple);
    TestCache::PutOptions fenced;
    fenced.flags = LARDER_SET_FENCED;
    c.look("user", "1", LARDER_GET_FENCE, 7);
    c.remove("user", "1", 7);
    CHECK(c.set("user", "1", "x", fenced).kept == 1);
    c.remove("user", "1", 7);
    c.look("user", "1", LARDER_GET_FENCE, 7);
    c.remove("user", "1", 8);
    CHECK(c.set("user", "1", "x", fenced).kept == 0);
}

TEST_CASE("a fence is forgotten after thirty seconds", "[cache][fence]") {
    TestCache c(simple);
    TestCache::PutOptions fenced;
    fenced.flags = LARDER_SET_FENCED;
    c.look("user", "1", LARDER_GET_FENCE, 7);
    c.drop_space("user");
    c.after(30s);
    CHECK(c.set("user", "1", "x", fenced).kept == 1);
}
