// tests/unit/cache/demote_test.cpp -- entries that are in memory alone until it lets them go.
#include "kernel/core/figures.hpp"
#include "tests/catch.hpp"
#include "tests/support/test_cache.hpp"

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

const char* const policy = R"(larder 1
namespace item { key "{id}"; ttl 10m; tag "item:{id}"; tag "all"; tiers l1 -> l2; demote }
namespace both { key "{id}"; ttl 10m; tiers l1 -> l2 }
on write "/items/{id}" { drop item "{id}" }
)";
const char* const without = R"(larder 1
namespace item { key "{id}"; ttl 10m; tag "item:{id}"; tag "all"; tiers l1 -> l2 }
namespace both { key "{id}"; ttl 10m; tiers l1 -> l2 }
on write "/items/{id}" { drop item "{id}" }
)";

// Memory has room for one entry; below it is a store of this process, in the long form.
struct Rig : TestCache {
    explicit Rig(std::size_t waiting = 4096, const char* text = policy) : TestCache(text, options(waiting)) { stores[0]->most = 1; }
    static TestCacheOptions options(std::size_t waiting) {
        TestCacheOptions o;
        o.stores = {"l1", "l2"};
        o.caps |= LARDER_STORE_CAP_DEMOTE;
        o.lower_caps = MapStore::default_caps & ~std::uint64_t{LARDER_STORE_CAP_MARK};
        o.demotions = waiting;
        return o;
    }
    SpaceFigures figures() {
        for (const SpaceFigures& one : cache->figures().spaces)
            if (one.counts.name == "item") return one;
        return {};
    }
    std::size_t below() { return stores[1]->size(); }
    // Puts 1, and then 2, for which 1 has to go.
    void evict_one() {
        put("item", "1", "x");
        put("item", "2", "y");
    }
};

}  // namespace

TEST_CASE("an entry is in memory alone until it is evicted, then below, and comes up again when it is read", "[demote]") {
    Rig c;
    c.put("item", "1", "x");
    CHECK(c.stores[0]->size() == 1);
    CHECK(c.below() == 0);
    c.put("item", "2", "y");
    c.executor.run();
    CHECK(c.below() == 1);
    CHECK(c.figures().demoted == 1);
    c.after(100s);
    CHECK(c.look("item", "1").value == "x");
    CHECK(c.look("item", "1").ttl_ms == 500'000);
    c.executor.run();
    CHECK(c.get("item", "2") == "y");
    c.put("both", "1", "z");
    CHECK(c.below() == 3);
}

TEST_CASE("a put of a key that never went down asks the tier below nothing", "[demote]") {
    Rig c;
    const auto before = c.stores[1]->calls();
    for (int i = 0; i < 10; ++i) c.put("item", "1", "x");
    CHECK(c.stores[1]->calls() == before);
}

TEST_CASE("what is changed on its way down does not arrive", "[demote]") {
    Rig c;
    c.evict_one();
    SECTION("dropped by a rule") { c.request("PUT", "/items/1"); }
    SECTION("dropped by a tag") { c.drop_tag("item:1"); }
    SECTION("dropped with its namespace") { c.drop_space("item"); }
    SECTION("dropped by an ad-hoc pattern") { c.drop_matching("item", "1*"); }
    SECTION("removed") { c.remove("item", "1"); }
    SECTION("expired by a rule") { c.change(LARDER_EXPIRE, LARDER_TARGET_TAG, "", "all"); }
    SECTION("its time over") { c.clock.advance(10min); }
    c.executor.run();
    CHECK(c.below() == 0);
    CHECK_FALSE(c.get("item", "1"));
}

TEST_CASE("a value that went down is gone when its key is written again, wherever the new one goes", "[demote]") {
    Rig c;
    c.evict_one();
    c.executor.run();
    REQUIRE(c.below() == 1);
    c.put("item", "1", "new");
    SECTION("memory loses it") {}
    SECTION("it was dropped") { c.drop_tag("item:1"); }
    SECTION("it was removed") { c.remove("item", "1"); }
    c.stores[0]->evict_all();
    CHECK_FALSE(c.get("item", "1"));
    CHECK_FALSE(c.get("item", "1"));
}

TEST_CASE("of two values of one key that wait the older one does not arrive", "[demote]") {
    Rig c;
    c.evict_one();
    c.put("item", "1", "new");
    c.put("item", "3", "z");
    c.executor.run();
    CHECK(c.get("item", "1") == "new");
    CHECK(c.figures().demotions_overtaken == 1);
}

TEST_CASE("what a full queue has no room for is lost and counted, and its older value does not come back", "[demote]") {
    Rig c(1);
    c.evict_one();
    c.put("item", "1", "new");  // 2 goes, and is lost
    c.put("item", "3", "z");    // 1 goes, and is lost, while its older value waits
    CHECK(c.figures().demotions_lost == 2);
    c.executor.run();
    CHECK(c.below() == 0);
    CHECK_FALSE(c.get("item", "1"));
    CHECK_FALSE(c.get("item", "2"));
}

TEST_CASE("what came up from below and goes again is not written a second time", "[demote]") {
    Rig c;
    c.evict_one();
    c.executor.run();
    CHECK(c.get("item", "1") == "x");
    c.executor.run();
    const std::uint64_t placed = c.figures().demoted;
    for (int i = 0; i < 5; ++i) {
        CHECK(c.get("item", "2") == "y");
        c.executor.run();
        CHECK(c.get("item", "1") == "x");
        c.executor.run();
    }
    CHECK(c.figures().demoted == placed);
}

TEST_CASE("a life that is changed below memory holds when the entry goes down and up", "[demote]") {
    Rig c;
    c.evict_one();
    c.executor.run();
    REQUIRE(c.cache->expire(c.ns("item"), "1", 5000, 0, nullptr) == LARDER_OK);
    CHECK(c.look("item", "1").ttl_ms == 5000);
    c.put("item", "3", "z");
    c.executor.run();
    CHECK(c.look("item", "1").ttl_ms == 5000);
    c.after(5s);
    CHECK_FALSE(c.get("item", "1"));
}

TEST_CASE("a tier below that fails loses what goes down and serves nothing older when it answers again", "[demote]") {
    Rig c;
    c.evict_one();
    c.executor.run();
    c.stores[1]->fail = LARDER_E_IO;
    c.put("item", "1", "new");
    c.put("item", "3", "z");
    c.executor.run();
    c.stores[1]->fail = LARDER_OK;
    c.after(2min);
    CHECK_FALSE(c.get("item", "1"));
    CHECK(c.figures().demotions_lost > 0);
}

TEST_CASE("a policy that begins to demote serves nothing that was put below before", "[demote]") {
    Rig c(4096, without);
    c.put("item", "1", "old");
    CHECK(c.below() == 1);
    c.install(policy);
    c.put("item", "1", "new");
    c.stores[0]->evict_all();
    CHECK_FALSE(c.get("item", "1"));
    c.put("item", "1", "x");
    c.install(without);
    CHECK(c.get("item", "1") == "x");
    c.put("item", "1", "both");
    c.stores[0]->evict_all();
    CHECK(c.get("item", "1") == "both");
}

TEST_CASE("conditions and counts see what is below", "[demote]") {
    Rig c;
    c.evict_one();
    c.executor.run();
    TestCache::PutOptions if_absent;
    if_absent.flags = LARDER_SET_IF_ABSENT;
    CHECK(c.set("item", "1", "other", if_absent).status == LARDER_EXISTS);
    CHECK(c.get("item", "1") == "x");
    std::uint64_t count = 0;
    c.cache->count(c.ns("item"), &count, nullptr);
    CHECK(count >= 2);
    c.executor.run();
    CHECK(c.remove("item", "2") == LARDER_OK);
    CHECK(c.remove("item", "1") == LARDER_OK);
    CHECK_FALSE(c.get("item", "1"));
}
