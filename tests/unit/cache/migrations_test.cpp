// tests/unit/cache/migrations_test.cpp -- values of an older version, in the memory of one process.
#include "kernel/core/figures.hpp"
#include "tests/catch.hpp"
#include "tests/support/test_cache.hpp"

#include <atomic>
#include <thread>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

const char* const first = "larder 1\nnamespace user { key \"{id}\"; ttl 1h; stale 1h on error; with team; tag \"team:{team}\" }\n";
const char* const second = R"(larder 1
namespace user {
    key "{id}"
    ttl 1h
    stale 1h on error
    with team
    tag "team:{team}"
    version 2 accepts 1
    migrate 1 -> 2 {
        rename "name" to "full_name"
        move "address.zip" to "zip"
        default "locale" "de"
        default "tags" list
        drop "legacy"
    }
}
)";
const char* const bare = "larder 1\nnamespace user { key \"{id}\"; ttl 1h; version 2 accepts 1 }\n";
const char* const plain = "larder 1\nnamespace user { key \"{id}\"; ttl 1h }\n";
const char* const old_value = R"({"name":"Ann","n":1.50,"address":{"zip":"8001","town":"Z"},"legacy":[1]})";
const char* const new_value = R"({"full_name":"Ann","n":1.50,"address":{"town":"Z"},"zip":"8001","locale":"de","tags":[]})";

// In the short form of memory, and in the long one of any other store.
TestCacheOptions kept(bool headed) {
    TestCacheOptions o;
    if (!headed) o.caps = LARDER_STORE_CAP_SYNC | LARDER_STORE_CAP_TTL | LARDER_STORE_CAP_SCAN | LARDER_STORE_CAP_VERSION | LARDER_STORE_CAP_PERSISTENT;
    return o;
}

}  // namespace

TEST_CASE("an entry of an accepted version is migrated by the policy's steps, once, and is then an entry like others", "[versions]") {
    const bool headed = GENERATE(true, false);
    TestCache c(first, kept(headed));
    REQUIRE(c.put_with("user", "1", old_value, {{"team", "a"}}) == LARDER_OK);
    c.after(10min);
    c.install(second);
    const auto got = c.look("user", "1");
    CHECK(got.value == new_value);
    CHECK(got.ttl_ms == 50 * 60 * 1000);  // it is as old as it was
    CHECK(c.counts("user").migrated == 1);
    for (int i = 0; i < 3; ++i) CHECK(c.get("user", "1") == new_value);
    CHECK(c.counts("user").migrated == 1);
    CHECK(c.counts("user").hits == 4);
    SECTION("its tags drop it as before") {
        c.drop_tag("team:b");
        CHECK(c.get("user", "1"));
        c.drop_tag("team:a");
        CHECK_FALSE(c.get("user", "1"));
    }
    SECTION("it ends when the one it was made of would have") {
        c.after(50min + 1s);
        CHECK_FALSE(c.get("user", "1"));
    }
    SECTION("its id is the one that was told, for a write that depends on it") {
        TestCache::PutOptions o;
        o.flags = LARDER_SET_IF_VERSION;
        o.if_version = got.version;
        CHECK(c.set("user", "1", "{}", o).status == LARDER_OK);
    }
}

TEST_CASE("what was dropped before its migration is not brought back by it", "[versions]") {
    const bool headed = GENERATE(true, false);
    TestCache c(first, kept(headed));
    c.put_with("user", "1", old_value, {{"team", "a"}});
    c.install(second);
    c.drop_tag("team:a");
    CHECK_FALSE(c.get("user", "1"));
    CHECK(c.counts("user").migrated == 0);
}

TEST_CASE("a stale entry of an older version is served migrated where stale is, and stays stale", "[versions]") {
    const bool headed = GENERATE(true, false);
    TestCache c(first, kept(headed));
    c.put("user", "1", old_value);
    c.install(second);
    c.after(61min);
    std::uint32_t found = 0;
    const auto fails = [] { return Loaded{LARDER_E_IO, {}, 0, {}}; };
    CHECK(c.load("user", "1", fails, nullptr, &found) == new_value);
    CHECK((found & LARDER_FOUND_STALE) != 0);
    CHECK_FALSE(c.get("user", "1"));
    CHECK(c.load("user", "1", fails) == new_value);
}

TEST_CASE("a function of the host migrates values of any form, before what the policy declares", "[versions]") {
    TestCache c(first);
    c.put("user", "a:b", "bytes");
    c.put("user", "2", old_value);
    c.install(second);
    std::string key;
    c.cache->set_migration("user", 1, 2, [&key](std::string_view k, std::string_view old, std::string& out) -> larder_status {
        key = k;
        out = "<" + std::string(old) + ">";
        return LARDER_OK;
    });
    CHECK(c.get("user", "a:b") == "<bytes>");
    CHECK(key == "a:b");
    CHECK(c.get("user", "a:b") == "<bytes>");
    c.cache->set_migration("user", 1, 2, nullptr);
    CHECK(c.get("user", "2") == new_value);
}

TEST_CASE("steps from version to version are taken in turn, the longest first, and ways that end nowhere are left", "[versions]") {
    TestCache c(plain);
    c.put("user", "1", "v1");
    c.install("larder 1\nnamespace user { key \"{id}\"; ttl 1h; version 2 accepts 1 }\n");
    c.put("user", "2", "v2");
    c.install("larder 1\nnamespace user { key \"{id}\"; ttl 1h; version 4 accepts 1, 2 }\n");
    const auto step = [&c](std::uint32_t from, std::uint32_t to) {
        c.cache->set_migration("user", from, to, [to](std::string_view, std::string_view old, std::string& out) -> larder_status {
            out = std::string(old) + ">" + std::to_string(to);
            return LARDER_OK;
        });
    };
    step(1, 2), step(2, 4), step(1, 3);  // 3 leads nowhere
    CHECK(c.get("user", "1") == "v1>2>4");
    CHECK(c.get("user", "2") == "v2>4");
}

TEST_CASE("a value that cannot be migrated is a miss that is counted, and its load takes its place", "[versions]") {
    const bool headed = GENERATE(true, false);
    TestCache c(plain, kept(headed));
    c.put("user", "1", "old");
    c.install(bare);
    SECTION("no migration is there") {}
    SECTION("its function refuses") {
        c.cache->set_migration("user", 1, 2, [](std::string_view, std::string_view, std::string&) -> larder_status { return LARDER_E_CORRUPT; });
    }
    SECTION("its function throws") {
        c.cache->set_migration("user", 1, 2, [](std::string_view, std::string_view, std::string&) -> larder_status { throw 1; });
    }
    CHECK_FALSE(c.get("user", "1"));
    CHECK(c.counts("user").unmigrated == 1);
    CHECK(c.counts("user").misses == 1);
    bool told = false;
    c.cache->each_event(0, [&](std::uint64_t, std::uint64_t, int, std::string_view type, std::string_view) { told = told || type == "migrate"; });
    CHECK(told);
    TestCache::PutOptions if_absent;
    if_absent.flags = LARDER_SET_IF_ABSENT;
    SECTION("for a conditional write it is not there") { CHECK(c.set("user", "1", "new", if_absent).status == LARDER_OK); }
    SECTION("a load replaces it") { CHECK(c.load("user", "1", [] { return Loaded{LARDER_OK, "new", 0, {}}; }) == "new"); }
    if (c.get("user", "1")) CHECK(c.get("user", "1") == "new");
}

TEST_CASE("a value that is no JSON object, or has something else on a step's way, is a miss and not half a value", "[versions]") {
    const char* const value = GENERATE("[1]", "text", "", "{\"name\":", "{\"a\":1}x");
    TestCache c(first);
    c.put("user", "1", value);
    c.install(second);
    CHECK_FALSE(c.get("user", "1"));
    CHECK(c.counts("user").unmigrated == 1);
}

TEST_CASE("versions that are not accepted are misses, the newer ones as well", "[versions]") {
    TestCache c(bare);
    c.put("user", "1", "v2");
    c.install(plain);
    CHECK_FALSE(c.get("user", "1"));
    c.put("user", "2", "v1");
    c.install("larder 1\nnamespace user { key \"{id}\"; ttl 1h; version 3 accepts 2 }\n");
    CHECK_FALSE(c.get("user", "2"));
    CHECK(c.counts("user").unmigrated == 0);
}

TEST_CASE("the sweep takes entries of versions that are not accepted any more, and leaves those that are", "[versions]") {
    TestCache c(plain);
    for (int i = 0; i < 100; ++i) c.put("user", std::to_string(i), "v1");
    c.install(bare);
    c.after(1min);
    CHECK(c.stores[0]->size() == 100);
    c.install("larder 1\nnamespace user { key \"{id}\"; ttl 1h; version 3 accepts 2 }\n");
    c.after(1min);
    CHECK(c.stores[0]->size() == 0);
}

TEST_CASE("a look that is no use migrates for itself and writes nothing", "[versions]") {
    TestCache c(first);
    c.put("user", "1", old_value);
    c.install(second);
    CHECK(c.look("user", "1", LARDER_CALL_PEEK).value == new_value);
    CHECK(c.look("user", "1", LARDER_CALL_PEEK).value == new_value);
    CHECK(c.counts("user").migrated == 2);
    CHECK(c.get("user", "1") == new_value);
    CHECK(c.get("user", "1") == new_value);
    CHECK(c.counts("user").migrated == 3);
}

TEST_CASE("a visit of an older value shows the migrated one", "[versions]") {
    TestCache c(first);
    c.put("user", "1", old_value);
    c.install(second);
    std::string seen;
    CHECK(c.cache->visit(c.ns("user"), "1", nullptr, [](void* ctx, larder_bytes value) noexcept {
        static_cast<std::string*>(ctx)->assign(static_cast<const char*>(value.data), value.size);
    }, &seen) == LARDER_OK);
    CHECK(seen == new_value);
}

TEST_CASE("expiry, dependencies, old values and updates work on an entry that nobody has read since", "[versions]") {
    TestCache c(first);
    c.put("user", "1", old_value);
    c.install(second);
    SECTION("expire") {
        CHECK(c.cache->expire(c.ns("user"), "1", 5000, 0, nullptr) == LARDER_OK);
        CHECK(c.look("user", "1").ttl_ms == 5000);
        CHECK(c.get("user", "1") == new_value);
    }
    SECTION("a dependency") {
        c.put("user", "2", "{}");
        CHECK(c.cache->add_dependency(c.ns("user"), "1", c.ns("user"), "2", nullptr) == LARDER_OK);
        CHECK(c.get("user", "1") == new_value);
        c.drop_key("user", "2");
        CHECK_FALSE(c.get("user", "1"));
    }
    SECTION("the old value of a write") {
        TestCache::PutOptions o;
        o.flags = LARDER_SET_RETURN_OLD;
        larder_cache_set item = c.set("user", "1", "{}", o);
        CHECK(std::string_view(static_cast<const char*>(item.old.data), item.old.size) == new_value);
        if (item.old.release != nullptr) item.old.release(&item.old);
    }
    SECTION("an update") {
        const auto append = [](void*, larder_bytes old, larder_value* out, std::int64_t*) noexcept -> larder_status {
            auto* const text = new std::string(static_cast<const char*>(old.data), old.size);
            text->append("!");
            *out = {text->data(), text->size(), [](larder_value* v) noexcept { delete static_cast<std::string*>(v->pin); }, text};
            return LARDER_OK;
        };
        CHECK(c.cache->update(c.ns("user"), "1", append, nullptr, nullptr) == LARDER_OK);
        CHECK(c.get("user", "1") == std::string(new_value) + "!");
    }
}

TEST_CASE("a tier below gets the migrated entry too, and is asked no second time for it", "[versions]") {
    TestCacheOptions o;
    o.stores = {"l1", "l2"};
    TestCache c(first, o);
    c.put("user", "1", old_value);
    c.stores[0]->evict_all();
    c.install(second);
    CHECK(c.get("user", "1") == new_value);
    CHECK(c.stores[0]->size() == 1);
    c.stores[0]->evict_all();
    CHECK(c.get("user", "1") == new_value);
    CHECK(c.counts("user").migrated == 1);
}

TEST_CASE("stats tell how many entries there are of each version, and how many were migrated from which", "[versions]") {
    TestCache c(first);
    for (int i = 0; i < 30; ++i) c.put("user", std::to_string(i), old_value);
    c.install(second);
    for (int i = 0; i < 10; ++i) c.get("user", std::to_string(i));
    CHECK(c.cache->stats_json("versions") == R"({"versions":{"user":{"version":2,"entries":{"1":20,"2":10},"migrated":{"1":10}}},"counted":"exact"})");
}

TEST_CASE("how often values were migrated, and how long that took, is counted", "[versions]") {
    TestCache c(first);
    for (int i = 0; i < 3; ++i) c.put("user", std::to_string(i), i == 2 ? "[]" : old_value);
    c.install(second);
    for (int i = 0; i < 3; ++i) c.get("user", std::to_string(i));
    const Figures figures = c.cache->figures();
    REQUIRE(figures.spaces.size() == 1);
    CHECK(figures.spaces[0].migrates);
    CHECK(figures.spaces[0].counts.migrated == 2);
    CHECK(figures.spaces[0].counts.unmigrated == 1);
    CHECK(figures.spaces[0].migrations.count == 3);
}

TEST_CASE("no call of a function runs any more when it has been taken back", "[versions]") {
    TestCache c(plain);
    c.put("user", "1", "old");
    c.install(bare);
    std::atomic<bool> inside{false}, leave{false}, gone{false};
    c.cache->set_migration("user", 1, 2, [&](std::string_view, std::string_view, std::string& out) -> larder_status {
        inside = true;
        while (!leave) std::this_thread::yield();
        CHECK_FALSE(gone);
        out = "new";
        return LARDER_OK;
    });
    std::thread reader([&] { c.look("user", "1"); });
    while (!inside) std::this_thread::yield();
    std::thread taker([&] {
        c.cache->set_migration("user", 1, 2, nullptr);
        gone = true;
    });
    leave = true;
    reader.join();
    taker.join();
    CHECK(gone);
}
