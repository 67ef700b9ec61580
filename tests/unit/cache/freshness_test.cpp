// tests/unit/cache/freshness_test.cpp -- the bound that a policy promises, held against caches on virtual time.
//
// Two nodes above one store. One is cut off in the worst way: nothing more is told to it, and its store
// answers nothing. The other writes. The first is read every 100 ms until it shows nothing old any more.
#include "dsl/analysis/freshness.hpp"
#include "tests/support/shared_nodes.hpp"

#include "catch.hpp"

using namespace larder;
using namespace larder::test;

namespace {

struct Worst {
    std::chrono::milliseconds seen{}, bound{};
};

// For how long the old value was seen after the write, and what the policy was said to allow.
Worst worst_case(const std::string& policy, bool told_before_it_is_cut_off) {
    const auto compiled = dsl::compile_text("p.larder", policy, {});
    Worst out;
    out.bound = *dsl::freshness_of(*compiled.policy, *compiled.policy->find("user")).bound;
    SharedNodes n(policy.c_str(), 2, false);
    n[0].put("user", "1", "old");
    n.settle();
    for (int i = 0; i < 3; ++i) {  // it settles in the memory of both
        n[0].get("user", "1");
        n[1].get("user", "1");
        n.settle();
    }
    REQUIRE(n[1].get("user", "1") == "old");
    if (told_before_it_is_cut_off) {
        n[0].request("PUT", "/users/1", 200);
        n.settle();
    } else {
        n.node(1).fail = LARDER_E_IO;
        n[0].request("PUT", "/users/1", 200);
        n.node(1).lose_untold();
    }
    const auto began = n.clock.mono_ns();
    bool trusted = true;
    for (std::chrono::milliseconds at{}; at < 10min; at += 100ms) {
        // The store's plugin: no sign of life for max_staleness, so no more trust.
        if (!told_before_it_is_cut_off && trusted && at >= std::chrono::milliseconds(n.redis.max_staleness_ms)) {
            n.node(1).trust(false);
            trusted = false;
        }
        const auto got = n[1].load("user", "1", [] { return Loaded{LARDER_E_IO, {}, 0, {}}; });
        if (got == "old") out.seen = std::chrono::milliseconds((n.clock.mono_ns() - began) / 1'000'000);
        n.executor.advance(100ms);
    }
    return out;
}

constexpr const char* rule = "on PUT \"/users/{id}\" { drop user \"{id}\" }\n";

}  // namespace

TEST_CASE("a reader of a node that nobody tells sees old data for no longer than the bound, and nearly as long", "[shared]") {
    for (const char* stale : {"", "stale 5s on error; ", "stale 40s on error; "}) {
        const Worst w = worst_case(std::string("namespace user { key \"{id}\"; ttl 10m; ") + stale + "tiers l1 -> l2 }\n" + rule, false);
        INFO(stale << " seen " << w.seen.count() << " ms, bound " << w.bound.count() << " ms");
        CHECK(w.seen <= w.bound);
        CHECK(w.seen + 200ms >= w.bound);
    }
}

TEST_CASE("what is expired is served on error for its window and no longer", "[shared]") {
    const Worst w = worst_case(
        "namespace user { key \"{id}\"; ttl 10m; stale 20s on error; tiers l1 -> l2 }\non PUT \"/users/{id}\" { expire user \"{id}\" }\n", true);
    CHECK(w.seen <= w.bound);
    CHECK(w.seen >= 19s);
}

TEST_CASE("a node that is told shows nothing old", "[shared]") {
    CHECK(worst_case(std::string("namespace user { key \"{id}\"; ttl 10m; stale 40s on error; tiers l1 -> l2 }\n") + rule, true).seen == 0ms);
}
