// tests/unit/liblarder/leases_test.cpp -- who loads, who waits, and what becomes of what was loaded.
#include "host.hpp"

#include <atomic>
#include <thread>

using namespace larder::test;

namespace {

const std::string policy =
    "larder 1\n"
    "namespace menu { key \"{id}\"; ttl 1m }\n"
    "namespace soft { key \"{id}\"; ttl 1m; stale 30s while revalidating; absent 10s }\n"
    "namespace hard { key \"{id}\"; ttl 1m; stale 5m on error }\n";

}  // namespace

TEST_CASE("of many that miss a key one gets the lease, and all others what it brings") {
    const Host host(policy);
    const Loop loop(host);
    const Got first = host.get("menu", "7", loop.loop, 1);
    REQUIRE(first.result == LARDER_R_LEASE);
    for (std::uint64_t user = 2; user < 12; ++user) CHECK(host.get("menu", "7", loop.loop, user).result == LARDER_R_WAIT);
    CHECK(loop.drain().empty());
    CHECK(host.fill(first.lease, "soup") == LARDER_R_DONE);
    const auto done = loop.drain();
    REQUIRE(done.size() == 10);
    for (const auto& one : done) {
        CHECK(one.result == LARDER_R_HIT);
        CHECK(one.value == "soup");
    }
    CHECK(host.get("menu", "7").result == LARDER_R_HIT);
}

TEST_CASE("a value that was loaded before its entry was dropped is not kept, and who waits loads anew") {
    const Host host(policy);
    const Loop loop(host);
    const Got first = host.get("menu", "7", loop.loop, 1);
    CHECK(host.get("menu", "7", loop.loop, 2).result == LARDER_R_WAIT);
    CHECK(host.get("menu", "7", loop.loop, 3).result == LARDER_R_WAIT);
    CHECK(host.drop("menu", "key:7") == LARDER_R_DONE);
    CHECK(host.fill(first.lease, "old") == LARDER_R_NONE);
    auto done = loop.drain();
    REQUIRE(done.size() == 1);
    CHECK(done[0].result == LARDER_R_LEASE);
    CHECK(host.fill(done[0].lease, "new") == LARDER_R_DONE);
    done = loop.drain();
    REQUIRE(done.size() == 1);
    CHECK(done[0].value == "new");
}

TEST_CASE("a load that began before a put does not replace it, and who waited for the load gets what was put") {
    const Host host(policy);
    const Loop loop(host);
    const Got first = host.get("menu", "7", loop.loop, 1);
    CHECK(host.get("menu", "7", loop.loop, 2).result == LARDER_R_WAIT);
    CHECK(host.put("menu", "7", "put") == LARDER_R_DONE);
    const auto done = loop.drain();
    REQUIRE(done.size() == 1);
    CHECK(done[0].value == "put");
    CHECK(host.fill(first.lease, "loaded") == LARDER_R_NONE);
    CHECK(host.get("menu", "7").value == "put");
}

TEST_CASE("a lease is filled once, and one that never was not at all") {
    const Host host(policy);
    const Got got = host.get("menu", "7");
    CHECK(host.fill(got.lease, "a") == LARDER_R_DONE);
    CHECK(host.fill(got.lease, "b") == LARDER_R_NO_LEASE);
    CHECK(host.fill(12345, "b") == LARDER_R_NO_LEASE);
    CHECK(larder_kernel_fail(host.k, got.lease, nullptr) == LARDER_R_NO_LEASE);
    CHECK(host.get("menu", "7").value == "a");
}

TEST_CASE("who holds a lease and dies holds up the others for the deadline and no longer") {
    const Host host(policy);
    const Loop loop(host);
    const Got dead = host.get("menu", "7", loop.loop, 1);
    REQUIRE(dead.result == LARDER_R_LEASE);
    CHECK(host.get("menu", "7", loop.loop, 2).result == LARDER_R_WAIT);
    CHECK(host.get("menu", "7", loop.loop, 3).result == LARDER_R_WAIT);
    host.advance(4'900);
    CHECK(loop.drain().empty());
    host.advance(200);
    auto done = loop.drain();
    REQUIRE(done.size() == 1);
    CHECK(done[0].result == LARDER_R_LEASE);
    // It was not dead after all: its value is as good as another.
    CHECK(host.fill(dead.lease, "late") == LARDER_R_DONE);
    CHECK(host.fill(done[0].lease, "soup") == LARDER_R_DONE);
    done = loop.drain();
    REQUIRE(done.size() == 1);
    CHECK(done[0].value == "soup");
}

TEST_CASE("after two that died who waits is told to load by itself") {
    const Host host(policy);
    const Loop loop(host);
    CHECK(host.get("menu", "7", loop.loop, 1).result == LARDER_R_LEASE);
    CHECK(host.get("menu", "7", loop.loop, 2).result == LARDER_R_WAIT);
    CHECK(host.get("menu", "7", loop.loop, 3).result == LARDER_R_WAIT);
    host.advance(5'100);
    REQUIRE(loop.drain().size() == 1);
    host.advance(5'100);
    const auto done = loop.drain();
    REQUIRE(done.size() == 1);
    CHECK(done[0].result == LARDER_R_PASS);
}

TEST_CASE("a lease is over after twenty-five seconds") {
    const Host host(policy);
    const Got got = host.get("menu", "7");
    host.advance(26'000);
    CHECK(host.fill(got.lease, "late") == LARDER_R_NO_LEASE);
    CHECK(host.get("menu", "7").result == LARDER_R_LEASE);
}

TEST_CASE("a stale value is answered with a lease to one, and without to the others") {
    const Host host(policy);
    CHECK(host.put("soft", "7", "old") == LARDER_R_DONE);
    host.advance(61'000);
    const Got first = host.get("soft", "7");
    CHECK(first.result == LARDER_R_STALE);
    CHECK(first.value == "old");
    CHECK(first.lease != 0);
    const Got second = host.get("soft", "7");
    CHECK(second.result == LARDER_R_STALE);
    CHECK(second.lease == 0);
    CHECK(host.fill(first.lease, "new") == LARDER_R_DONE);
    CHECK(host.get("soft", "7").value == "new");
    host.advance(61'000 + 30'000);
    CHECK(host.get("soft", "7").result == LARDER_R_LEASE);
}

TEST_CASE("when a load fails the stale value is good enough where the policy says so, for all who wait") {
    const Host host(policy);
    const Loop loop(host);
    CHECK(host.put("hard", "7", "old") == LARDER_R_DONE);
    host.advance(61'000);
    const Got first = host.get("hard", "7", loop.loop, 1);
    CHECK(first.result == LARDER_R_LEASE);
    CHECK(host.get("hard", "7", loop.loop, 2).result == LARDER_R_WAIT);
    larder_ref* stale = nullptr;
    CHECK(larder_kernel_fail(host.k, first.lease, &stale) == LARDER_R_STALE);
    CHECK(taken(stale) == "old");
    const auto done = loop.drain();
    REQUIRE(done.size() == 1);
    CHECK(done[0].result == LARDER_R_STALE);
    CHECK(done[0].value == "old");
}

TEST_CASE("what was dropped is not served because a load failed") {
    const Host host(policy);
    CHECK(host.put("hard", "7", "old") == LARDER_R_DONE);
    host.advance(61'000);
    const Got got = host.get("hard", "7");
    CHECK(host.drop("hard", "key:7") == LARDER_R_DONE);
    larder_ref* stale = nullptr;
    CHECK(larder_kernel_fail(host.k, got.lease, &stale) == LARDER_R_DONE);
    CHECK(stale == nullptr);
}

TEST_CASE("a load that fails without a stale value lets all who wait load by themselves") {
    const Host host(policy);
    const Loop loop(host);
    const Got first = host.get("menu", "7", loop.loop, 1);
    CHECK(host.get("menu", "7", loop.loop, 2).result == LARDER_R_WAIT);
    CHECK(larder_kernel_fail(host.k, first.lease, nullptr) == LARDER_R_DONE);
    const auto done = loop.drain();
    REQUIRE(done.size() == 1);
    CHECK(done[0].result == LARDER_R_PASS);
    CHECK(host.get("menu", "7").result == LARDER_R_LEASE);
}

TEST_CASE("that there is none is kept where the policy says absent, and a mistake elsewhere") {
    const Host host(policy);
    larder_put_args none{};
    none.size = sizeof none;
    none.flags = LARDER_PUT_NOTHING_THERE;
    CHECK(host.fill(host.get("soft", "7").lease, "", &none) == LARDER_R_DONE);
    CHECK(host.get("soft", "7").result == LARDER_R_ABSENT);
    host.advance(11'000);
    CHECK(host.get("soft", "7").result == LARDER_R_LEASE);
    CHECK(host.fill(host.get("menu", "7").lease, "", &none) == LARDER_R_INVALID);
    CHECK_THAT(larder_problem(), contains("absent"));
}

TEST_CASE("threads that block get one load between them") {
    const Host host(policy, 0);
    std::atomic<int> loads{0}, wrong{0};
    for (int round = 0; round < 50; ++round) {
        const std::string key = std::to_string(round);
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                const Got got = host.get("menu", key);
                if (got.result == LARDER_R_LEASE) {
                    loads.fetch_add(1);
                    if (host.fill(got.lease, key) != LARDER_R_DONE) wrong.fetch_add(1);
                } else if (got.result != LARDER_R_HIT || got.value != key) {
                    wrong.fetch_add(1);
                }
            });
        for (std::thread& thread : threads) thread.join();
    }
    CHECK(loads == 50);
    CHECK(wrong == 0);
}
