// tests/unit/cache/load_test.cpp -- get_or_load: one loader, the fence, stale answers.
#include "tests/catch.hpp"
#include "tests/support/test_cache.hpp"

#include <atomic>
#include <future>
#include <thread>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

const char* const policy = R"(larder 1
namespace user { key "{id}"; ttl 1m; tag "user:{id}"; stale 30s while revalidating, 10m on error }
namespace plain { key "{id}"; ttl 1m; tag "plain:{id}" }
namespace late { key "{id}"; ttl 1m; with owner; tag "owner:{owner}" }
namespace maybe { key "{id}"; ttl 1m; absent 10s }
on event "drop_all" { drop user, plain, late }
)";

Loaded ok(std::string value) { return {LARDER_OK, std::move(value), 0, {}}; }

}  // namespace

TEST_CASE("a miss is loaded once and then hit", "[load]") {
    TestCache c(policy);
    int loads = 0;
    const Loader loader = [&] { ++loads; return ok("v"); };
    CHECK(c.load("plain", "1", loader) == "v");
    CHECK(c.load("plain", "1", loader) == "v");
    CHECK(loads == 1);
    CHECK(c.get("plain", "1") == "v");
}

TEST_CASE("a key that is read much is told with what its entry takes and what its load took", "[load]") {
    TestCache c(policy);
    c.load("plain", "1", [&] {
        c.clock.advance(25ms);
        return ok(std::string(300, 'v'));
    });
    for (int i = 0; i < 5000; ++i) c.get("plain", "1");  // one in 1024 is looked at
    const auto hot = c.cache->hot_keys();
    REQUIRE(hot.size() == 1);
    CHECK(hot[0].space == "plain");
    CHECK(hot[0].key == "1");
    CHECK(hot[0].reads >= 3 * 1024);
    CHECK(hot[0].bytes == 300);
    CHECK(hot[0].load_us == 25'000);
    c.drop_key("plain", "1");
    CHECK(c.cache->hot_keys().at(0).bytes == 0);
}

TEST_CASE("a value loaded before an invalidation goes to its caller and into no tier", "[load][fence]") {
    for (int way = 0; way < 5; ++way) {
        INFO("way " << way);
        TestCacheOptions two;
        two.stores = {"l1", "l2"};
        TestCache c(policy, two);
        const auto value = c.load("plain", "1", [&] {
            if (way == 0) c.drop_tag("plain:1");
            if (way == 1) c.drop_key("plain", "1");
            if (way == 2) c.drop_space("plain");
            if (way == 3) c.drop_matching("plain", "1*");
            if (way == 4) c.remove("plain", "1");
            return ok("old");
        });
        CHECK(value == "old");
        CHECK_FALSE(c.get("plain", "1"));
        CHECK(c.stores[0]->size() == 0);
        CHECK(c.stores[1]->size() == 0);
        CHECK(c.counts("plain").fenced == 1);
    }
}

TEST_CASE("a tag that is known only after the load fences it too", "[load][fence]") {
    TestCache c(policy);
    const auto value = c.load("late", "1", [&] {
        c.drop_tag("owner:9");
        return Loaded{LARDER_OK, "old", 0, {{"owner", "9"}}};
    });
    CHECK(value == "old");
    CHECK_FALSE(c.get("late", "1"));
    c.load("late", "1", [&] {
        c.drop_tag("owner:8");
        return Loaded{LARDER_OK, "fresh", 0, {{"owner", "9"}}};
    });
    CHECK(c.get("late", "1") == "fresh");
}

TEST_CASE("an unrelated drop during a load does not cost it", "[load][fence]") {
    TestCache c(policy);
    c.load("plain", "1", [&] {
        c.drop_tag("plain:2");
        c.drop_key("plain", "2");
        return ok("v");
    });
    CHECK(c.get("plain", "1") == "v");
}

TEST_CASE("many callers of one missing key run one loader", "[load][threads]") {
    TestCache c(policy);
    std::atomic<int> loads{0}, inside{0};
    std::promise<void> open;
    std::shared_future<void> gate = open.get_future().share();
    std::vector<std::thread> threads;
    std::atomic<int> right{0};
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            inside.fetch_add(1);
            const auto value = c.load("plain", "hot", [&] {
                loads.fetch_add(1);
                gate.wait();
                return ok("v");
            });
            if (value == "v") right.fetch_add(1);
        });
    while (inside.load() < 8) std::this_thread::yield();
    open.set_value();
    for (auto& t : threads) t.join();
    CHECK(loads.load() == 1);
    CHECK(right.load() == 8);
}

TEST_CASE("an arrival after an invalidation never joins a flight from before it", "[load][fence][threads]") {
    TestCache c(policy);
    std::promise<void> started, release;
    std::thread old_reader([&] {
        c.load("plain", "1", [&] {
            started.set_value();
            release.get_future().wait();
            return ok("old");
        });
    });
    started.get_future().wait();
    c.drop_tag("plain:1");
    CHECK(c.load("plain", "1", [] { return ok("new"); }) == "new");
    release.set_value();
    old_reader.join();
    CHECK(c.get("plain", "1") == "new");
}

TEST_CASE("a flight ends although its namespace went while it loaded, and nobody joins it later", "[load][reload]") {
    TestCache c(policy);
    c.load("plain", "1", [&] {
        c.install("larder 1\nnamespace other { key \"{id}\" }\n");
        return ok("old");
    });
    c.install(policy);
    CHECK(c.load("plain", "1", [] { return ok("new"); }) == "new");
}

TEST_CASE("a stale value is answered at once while one loader runs behind it", "[load][stale]") {
    TestCache c(policy);
    int loads = 0;
    const Loader loader = [&] { return ok("v" + std::to_string(++loads)); };
    c.load("user", "1", loader);
    c.after(1min);
    std::uint32_t found = 0;
    CHECK(c.load("user", "1", loader, nullptr, &found) == "v1");
    CHECK((found & LARDER_FOUND_STALE) != 0);
    CHECK(c.load("user", "1", loader) == "v1");
    CHECK(loads == 1);
    c.executor.run();
    CHECK(loads == 2);
    found = 0;
    CHECK(c.load("user", "1", loader, nullptr, &found) == "v2");
    CHECK(found == 0);
}

TEST_CASE("past the window the loader is waited for; past the longest one nothing is left", "[load][stale]") {
    TestCache c(policy);
    c.load("user", "1", [] { return ok("a"); });
    c.after(1min + 30s);
    CHECK(c.load("user", "1", [] { return ok("b"); }) == "b");
    c.after(1min + 10min);
    larder_status status = LARDER_OK;
    CHECK_FALSE(c.load("user", "1", [] { return Loaded{LARDER_E_IO, {}, 0, {}}; }, &status));
    CHECK(status == LARDER_E_IO);
}

TEST_CASE("a failed load serves the stale value where the policy allows, and is counted", "[load][stale]") {
    TestCache c(policy);
    const Loader broken = [] { return Loaded{LARDER_E_IO, {}, 0, {}}; };
    c.put("user", "1", "a");
    c.put("plain", "1", "a");
    c.after(1min + 31s);
    CHECK(c.load("user", "1", broken) == "a");
    CHECK_FALSE(c.load("plain", "1", broken));
    CHECK(c.counts("user").load_errors == 1);
}

TEST_CASE("what is dropped while its loader fails is not served", "[load][stale]") {
    TestCache c(policy);
    c.put("user", "1", "a");
    c.after(1min + 31s);
    CHECK_FALSE(c.load("user", "1", [&] {
        c.drop_tag("user:1");
        return Loaded{LARDER_E_IO, {}, 0, {}};
    }));
}

TEST_CASE("a loader that throws is an error, not a crash", "[load]") {
    TestCache c(policy);
    larder_status status = LARDER_OK;
    CHECK_FALSE(c.load("plain", "1", []() -> Loaded { throw std::runtime_error("planted"); }, &status));
    CHECK(status == LARDER_E_EXCEPTION);
    CHECK(c.load("plain", "1", [] { return ok("v"); }) == "v");
}

TEST_CASE("there is no such thing: remembered where the namespace says so", "[load]") {
    TestCache c(policy);
    int loads = 0;
    const Loader nothing = [&] { ++loads; return Loaded{LARDER_MISS, {}, 0, {}}; };
    larder_status status = LARDER_OK;
    c.load("maybe", "1", nothing, &status);
    CHECK(status == LARDER_MISS);
    c.load("maybe", "1", nothing, &status);
    CHECK(status == LARDER_MISS);
    CHECK(loads == 1);
    c.after(10s);
    c.load("maybe", "1", nothing);
    CHECK(loads == 2);
    c.load("plain", "1", nothing);
    c.load("plain", "1", nothing);
    CHECK(loads == 4);
}
