// tests/unit/cache/reclaim_test.cpp -- giving memory back on demand, over stores that do nothing by themselves.
#include "tests/catch.hpp"
#include "tests/support/test_cache.hpp"

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

const char* const policy = R"(larder 1
namespace page { key "{id}"; ttl 1m; tag "page:{id}"; stale 1m on error }
namespace user { key "{id}"; ttl 1h }
on write "/users/{id}" { drop user "{id}" }
)";

}  // namespace

TEST_CASE("reclaim removes an entry when its stale window has ended too, and not before", "[reclaim]") {
    TestCache c(policy);
    c.put("page", "1", "x");
    c.put("user", "1", "y");
    std::uint64_t removed = 0;
    c.clock.advance(90s);
    REQUIRE(c.cache->reclaim(LARDER_NS_NONE, &removed, nullptr) == LARDER_OK);
    CHECK(removed == 0);
    c.clock.advance(30s);
    REQUIRE(c.cache->reclaim(LARDER_NS_NONE, &removed, nullptr) == LARDER_OK);
    CHECK(removed == 1);
    CHECK(c.stores[0]->size() == 1);
    CHECK(c.get("user", "1") == "y");
}

TEST_CASE("reclaim removes what a tag dropped, in every tier, and keeps what was put since", "[reclaim]") {
    TestCacheOptions two;
    two.stores = {"l1", "l2"};
    TestCache c(policy, two);
    for (const char* id : {"1", "2", "3"}) c.put("page", id, "x");
    c.drop_tag("page:1");
    c.drop_tag("page:2");
    c.put("page", "2", "new");
    std::uint64_t removed = 0;
    REQUIRE(c.cache->reclaim(c.ns("page"), &removed, nullptr) == LARDER_OK);
    CHECK(removed == 2);
    CHECK(c.get("page", "2") == "new");
    CHECK(c.get("page", "3") == "x");
    CHECK(c.stores[0]->size() == 2);
    CHECK(c.stores[1]->size() == 2);
}

TEST_CASE("what is over is listed until it is reclaimed", "[reclaim]") {
    TestCache c(policy);
    c.put("page", "1", "x");
    c.put("user", "1", "y");
    c.clock.advance(2min);
    CHECK(c.cache->expired_keys(LARDER_NS_NONE, 10) == std::vector<std::string>{"page:1"});
    std::uint64_t removed = 0;
    REQUIRE(c.cache->reclaim(LARDER_NS_NONE, &removed, nullptr) == LARDER_OK);
    CHECK(c.cache->expired_keys(LARDER_NS_NONE, 10).empty());
}

TEST_CASE("reclaim ends at its deadline and says what was done until then", "[reclaim]") {
    TestCache c(policy);
    c.put("page", "1", "x");
    c.clock.advance(2min);
    larder_call call{};
    call.struct_size = sizeof call;
    call.deadline_ns = c.clock.mono_ns();
    std::uint64_t removed = 7;
    CHECK(c.cache->reclaim(LARDER_NS_NONE, &removed, &call) == LARDER_E_TIMEOUT);
    CHECK(removed == 0);
    CHECK(c.cache->reclaim(4711, &removed, nullptr) == LARDER_E_INVALID);
}
