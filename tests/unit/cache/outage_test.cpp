// tests/unit/cache/outage_test.cpp -- when a shared store is back, and loads that knew an older world.
//
// Names H21 to H25 are the hazards of docs/reliability.md.
#include "tests/catch.hpp"
#include "tests/support/shared_nodes.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

using namespace larder;
using namespace larder::test;

namespace {

const char* const policy = R"(larder 1
namespace user    { key "{id}"; ttl 10m; tag "user:{id}"; tiers l1 1m -> l2 }
namespace patient { key "{id}"; ttl 10m; stale 1h on error; tiers l1 -> l2 }
breaker l2 { open after 1 failures; retry after 1s; ramp 2 every 100ms }
)";

const char* const without_ramp = R"(larder 1
namespace user    { key "{id}"; ttl 10m; tiers l1 1m -> l2 }
breaker l2 { open after 1 failures; retry after 1s; ramp 0 }
)";

// The store was away, its breaker has opened and closed again.
struct Recovered : SharedNodes {
    explicit Recovered(const char* text) : SharedNodes(text, 1) {}
    void outage() {
        node(0).fail = LARDER_E_IO;
        (*this)[0].get("user", "probe");
        node(0).fail = LARDER_OK;
        executor.advance(1s);
        (*this)[0].get("user", "probe");
    }
};

// Eight callers with a key each; how many loaders ran at once, at most. They stay until `enough` were there.
int most_at_once(Recovered& n, int enough) {
    std::atomic<int> running{0}, seen{0}, most{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < 8; ++i)
        callers.emplace_back([&, i] {
            n[0].load("user", std::to_string(i), [&] {
                const int now = ++running;
                for (int was = most.load(); was < now && !most.compare_exchange_weak(was, now);) {
                }
                ++seen;
                while (seen < enough) std::this_thread::yield();
                --running;
                return Loaded{LARDER_OK, "x", 0, {}};
            });
        });
    for (auto& caller : callers) caller.join();
    return most;
}

}  // namespace

TEST_CASE("H21: when a store is back loads begin a few at a time, where without a ramp all come at once", "[shared][hazard]") {
    SECTION("ramp") {
        Recovered n(policy);
        n.outage();
        CHECK(most_at_once(n, 2) == 2);
        CHECK(n[0].cache->stats_json("tiers").find("\"overran\":0") != std::string::npos);
    }
    SECTION("doubled") {
        Recovered n(policy);
        n.outage();
        n.executor.advance(100ms);
        CHECK(most_at_once(n, 4) == 4);
    }
    SECTION("none") {
        Recovered n(without_ramp);
        n.outage();
        CHECK(most_at_once(n, 8) == 8);
    }
    SECTION("no outage") {
        Recovered n(policy);
        CHECK(most_at_once(n, 8) == 8);
    }
}

TEST_CASE("H21: while others have the places what is good enough on error is served, and not loaded", "[shared][hazard]") {
    Recovered n(policy);
    n[0].put("patient", "1", "x");
    for (int i = 0; i < 3; ++i) REQUIRE(n[0].get("patient", "1") == "x");
    n[0].change(LARDER_EXPIRE, LARDER_TARGET_NAMESPACE, "patient", "");
    n.settle();
    n.outage();
    bool loaded = false;
    n[0].load("user", "1", [&] {
        n[0].load("user", "2", [&] {
            CHECK(n[0].load("patient", "1", [&] {
                loaded = true;
                return Loaded{LARDER_OK, "y", 0, {}};
            }) == "x");
            return Loaded{LARDER_OK, "x", 0, {}};
        });
        return Loaded{LARDER_OK, "x", 0, {}};
    });
    CHECK_FALSE(loaded);
    CHECK(n[0].load("patient", "1", [] { return Loaded{LARDER_OK, "y", 0, {}}; }) == "y");
}

TEST_CASE("H24: what is loaded before the database commits is gone when the rule has fired, which is after it", "[shared][hazard]") {
    SharedNodes n(policy);
    const auto write = [&](bool rule_first, bool during) {
        std::string database = "old";
        const auto load = [&] {
            const std::string read = database;
            if (during) {
                if (rule_first) n[0].drop_tag("user:1");
                database = "new";
                if (!rule_first) n[0].drop_tag("user:1");
            }
            return Loaded{LARDER_OK, read, 0, {}};
        };
        if (!during && rule_first) n[0].drop_tag("user:1");
        n[1].load("user", "1", load);
        database = "new";
        if (!during && !rule_first) n[0].drop_tag("user:1");
        n.settle();
        return n[1].load("user", "1", [&] { return Loaded{LARDER_OK, database, 0, {}}; });
    };
    // A rule fires when the handler has answered, and its answer says that it has committed.
    SECTION("loaded before both") { CHECK(write(false, false) == "new"); }
    SECTION("both while it is loaded") { CHECK(write(false, true) == "new"); }
    // The naive order, as this shows, keeps what was loaded in between.
    SECTION("naive") { CHECK(write(true, false) == "old"); }
}

TEST_CASE("H25: what somebody read to warm the cache, before it was invalidated, is acknowledged and not kept", "[shared][hazard]") {
    SharedNodes n(policy);
    const bool fenced = GENERATE(true, false);
    n[0].look("user", "1", fenced ? std::uint32_t{LARDER_GET_FENCE} : 0u, 7);
    n[1].put("user", "1", "new");
    n[1].drop_tag("user:1");
    n.settle();
    TestCache::PutOptions o;
    o.flags = fenced ? std::uint32_t{LARDER_SET_FENCED} : 0u;
    o.client = 7;
    CHECK(n[0].set("user", "1", "old", o).status == LARDER_OK);
    n.settle();
    // Without the fence, as a warmer would that writes to the store by itself, it is there.
    CHECK(n[1].get("user", "1").has_value() == !fenced);
}

TEST_CASE("H15: a wall clock that jumps by a quarter of an hour changes no entry's life or validity", "[shared][hazard]") {
    SharedNodes n(policy);
    const auto jump = GENERATE(Ms(15min), -Ms(15min));
    n[0].put("user", "1", "x");
    for (int i = 0; i < 2; ++i) REQUIRE(n[1].get("user", "1") == "x");
    n.clock.set_wall_ms(static_cast<std::uint64_t>(static_cast<std::int64_t>(n.clock.wall_ms()) + jump.count()));
    CHECK(n[1].get("user", "1") == "x");
    n[0].drop_tag("user:1");
    n.settle();
    CHECK_FALSE(n[1].get("user", "1"));
    CHECK(n[1].load("user", "1", [] { return Loaded{LARDER_OK, "y", 0, {}}; }) == "y");
    CHECK(n[0].get("user", "1") == "y");
    n.executor.advance(10min);
    CHECK_FALSE(n[0].get("user", "1"));
}
