// tests/unit/cache/shared_races_test.cpp -- races above a shared store that the simulator has found.
#include "tests/catch.hpp"
#include "tests/support/shared_nodes.hpp"

#include <thread>

using namespace larder;
using namespace larder::test;

namespace {

const char* const policy = R"(larder 1
namespace user    { key "{id}"; ttl 10m; tag "user:{id}"; tiers l1 1m -> l2 }
namespace patient { key "{id}"; ttl 10m; stale 1h on error; tiers l1 -> l2 }
)";

Loaded broken() { return {LARDER_E_IO, {}, 0, {}}; }

// An entry in the memory of both nodes.
struct Settled : SharedNodes {
    Settled() : SharedNodes(policy) {
        (*this)[0].put("patient", "1", "x");
        settle();
        for (int i = 0; i < 2; ++i)
            for (int node = 0; node < 2; ++node) REQUIRE(all[static_cast<std::size_t>(node)]->get("patient", "1") == "x");
    }
    // What is left of it on node 0 when the store is gone and the loader fails.
    std::optional<std::string> when_all_fails() {
        node(0).fail = LARDER_E_IO;
        return (*this)[0].load("patient", "1", broken);
    }
};

}  // namespace

TEST_CASE("what a rule has expired here and another node drops then is not served as stale", "[shared]") {
    Settled n;
    n[0].change(LARDER_EXPIRE, LARDER_TARGET_NAMESPACE, "patient", "");
    n.settle();
    SECTION("alone") { CHECK(n.when_all_fails() == "x"); }
    SECTION("dropped") {
        n[1].drop_space("patient");
        n.settle();
        CHECK(n.when_all_fails() == std::nullopt);
    }
}

TEST_CASE("what another node expires, and drops after that, is not served as stale", "[shared]") {
    Settled n;
    n[1].change(LARDER_EXPIRE, LARDER_TARGET_NAMESPACE, "patient", "");
    n.settle();
    SECTION("alone") { CHECK(n.when_all_fails() == "x"); }
    SECTION("dropped") {
        n[1].drop_space("patient");
        n.settle();
        CHECK(n.when_all_fails() == std::nullopt);
    }
}

TEST_CASE("what has to be asked for since the stream was lost is not served as stale once a drop of it is told", "[shared]") {
    Settled n;
    n.node(0).tell_all();
    SECTION("alone") { CHECK(n.when_all_fails() == "x"); }
    SECTION("dropped") {
        n[1].drop_space("patient");
        n.settle();
        CHECK(n.when_all_fails() == std::nullopt);
    }
}

TEST_CASE("a value that is read while its removal waits in the outbox is not found, also when that is delivered meanwhile", "[shared]") {
    SharedNodes n(policy);
    n[1].put("user", "1", "x");
    n.node(0).fail = LARDER_E_IO;
    n[0].remove("user", "1");
    n.executor.advance(200ms);
    n.node(0).fail = LARDER_OK;
    bool delivered = false;
    n.node(0).after = [&](StoreCall call) {
        if (call != StoreCall::read || std::exchange(delivered, true)) return;
        n.executor.advance(60ms);
    };
    CHECK_FALSE(n[0].get("user", "1"));
    CHECK(delivered);
    CHECK_FALSE(n[1].get("user", "1"));
}

TEST_CASE("an outbox that overflows drops everything here at once, and what it drops stays dropped when no echo comes", "[shared]") {
    TestCacheOptions small;
    small.outbox = 2;
    SharedNodes n(policy, 1, true, small);
    n[0].put("user", "1", "x");
    for (int i = 0; i < 2; ++i) REQUIRE(n[0].get("user", "1") == "x");
    n.node(0).fail = LARDER_E_IO;
    for (int i = 2; i < 5; ++i) n[0].drop_tag("user:" + std::to_string(i));
    CHECK_FALSE(n[0].get("user", "1"));
    n.node(0).fail = LARDER_OK;
    n.redis.immediate(false);
    n.executor.advance(2min);
    n.node(0).lose_untold();
    CHECK_FALSE(n[0].get("user", "1"));
}

TEST_CASE("who comes to a load when this node was told that its value was removed asks once more", "[shared]") {
    SharedNodes n(policy);
    std::thread later;
    std::optional<std::string> seen;
    n.node(0).after = [&](StoreCall call) {
        if (call != StoreCall::fill || later.joinable()) return;
        // It is in the store, and removed there, and told of, before the answer comes.
        n[1].remove("user", "1");
        const auto reads = n.node(0).calls(StoreCall::read);
        later = std::thread([&] { seen = n[0].load("user", "1", [] { return Loaded{LARDER_OK, "new", 0, {}}; }); });
        while (n.node(0).calls(StoreCall::read) == reads) std::this_thread::yield();
    };
    CHECK(n[0].load("user", "1", [] { return Loaded{LARDER_OK, "old", 0, {}}; }) == "old");
    later.join();
    CHECK(seen == "new");
}
