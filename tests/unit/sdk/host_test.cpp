// tests/unit/sdk/host_test.cpp -- what a C++ plugin gets from its kernel: options, log, clocks,
// numbers, work.
#include "tests/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <larder/plugin/host.hpp>

#include <memory>
#include <stdexcept>

using namespace larder::plugin;
using larder::test::FakeConfig;
using larder::test::FakeHost;

TEST_CASE("options come by type, with a fallback or without", "[sdk]") {
    FakeHost fake;
    FakeConfig given;
    given.set("room", 4096)
        .set("name", "x")
        .set("eager", true)
        .set("ratio", 0.5)
        .set("hosts", std::vector<std::string>{"a", "b"});
    given.name_instance("l1");
    const Config config(fake.get(), given.get());
    CHECK(config.integer("room") == 4096);
    CHECK(config.size("room") == 4096u);
    CHECK(config.duration_ns("wait", 7) == 7);
    CHECK(config.text("name") == "x");
    CHECK(config.text("other", "none") == "none");
    CHECK(config.boolean("eager"));
    CHECK_FALSE(config.boolean("lazy", false));
    CHECK(config.real("ratio") == 0.5);
    CHECK(config.list("hosts") == std::vector<std::string>{"a", "b"});
    CHECK(config.list("none").empty());
    CHECK(config.instance_name() == "l1");
    CHECK(config.has("room"));
    CHECK_FALSE(config.has("none"));
    CHECK_THROWS_AS(config.integer("none"), Error);
    CHECK_THROWS_WITH(config.text("none"), larder::test::contains("option none has no value"));
}

TEST_CASE("a log line is joined only when somebody reads its level", "[sdk]") {
    FakeHost fake;
    const Host host(fake.get());
    host.log(LARDER_LOG_TRACE, {"a", "b"});
    CHECK(fake.lines().empty());
    host.log(LARDER_LOG_WARN, {"lost ", "peer"});
    host.log(LARDER_LOG_INFO, "plain");
    REQUIRE(fake.lines().size() == 2);
    CHECK(fake.lines()[0].text == "lost peer");
    CHECK(fake.lines()[1].text == "plain");
}

TEST_CASE("a secret is shown for one call", "[sdk]") {
    FakeHost fake;
    FakeConfig given;
    fake.set_secret("password", "sesame");
    const Host host(fake.get());
    const Config config(fake.get(), given.get());
    std::string seen;
    CHECK(host.with_secret(config, "password", [&](std::string_view bytes) { seen = bytes; }));
    CHECK(seen == "sesame");
    CHECK_FALSE(host.with_secret(config, "other", [](std::string_view) {}));
    CHECK_THROWS_AS(host.with_secret(config, "password",
                                     [](std::string_view) { throw std::runtime_error("x"); }),
                    Error);
}

TEST_CASE("numbers count, also where nobody collects them", "[sdk]") {
    FakeHost fake;
    const Host host(fake.get());
    const Metric hits = host.counter("hits", "Hits.");
    hits.add();
    hits.add(2);
    CHECK(fake.metric("hits") == 3);
    const Metric level = host.gauge("level", "Level.");
    level.set(5);
    level.set(4);
    CHECK(fake.metric("level") == 4);
    fake.set_service(LARDER_SVC_METRICS, nullptr);
    host.counter("none", "").add();
    host.histogram("none", "").observe(1);
}

TEST_CASE("posted work runs once and is freed, also when it throws", "[sdk]") {
    FakeHost fake;
    const Host host(fake.get());
    auto alive = std::make_shared<int>(0);
    host.post(false, [alive] { ++*alive; });
    host.post(true, [alive] {
        ++*alive;
        throw std::runtime_error("planted");
    });
    CHECK(alive.use_count() == 3);
    CHECK(fake.run_due() == 2);
    CHECK(*alive == 2);
    CHECK(alive.use_count() == 1);
    CHECK(fake.logged("planted"));
}

TEST_CASE("a timer runs at its time, unless it is cancelled or dropped before", "[sdk]") {
    FakeHost fake;
    const Host host(fake.get());
    auto alive = std::make_shared<int>(0);
    {
        Timer runs = host.after(1'000'000, [alive] { *alive += 1; });
        Timer cancelled = host.after(1'000'000, [alive] { *alive += 10; });
        {
            const Timer dropped = host.after(1'000'000, [alive] { *alive += 100; });
        }
        CHECK(cancelled.cancel());
        CHECK_FALSE(cancelled.cancel());
        CHECK(fake.advance(std::chrono::milliseconds(2)) == 1);
        CHECK_FALSE(runs.cancel());
        Timer moved = host.after(1'000'000, [alive] { *alive += 1000; });
        const Timer kept = std::move(moved);
    }
    CHECK(fake.tasks_waiting() == 0);
    CHECK(*alive == 1);
    CHECK(alive.use_count() == 1);
}
