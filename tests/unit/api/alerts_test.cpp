// tests/unit/api/alerts_test.cpp -- alerts fire once when their condition has held, and are resolved once.
#include "catch.hpp"
#include "dsl/compile.hpp"
#include "kernel/api/alerts.hpp"

#include <stdexcept>

using namespace larder;
using api::AlertBook;

namespace {

// Figures that a test sets by hand, and a clock in them.
struct World {
    Figures figures;
    StoreCapacities capacities;
    AlertBook book;

    explicit World(const std::string& alerts) {
        const auto made = dsl::compile_text(
            "test.larder", "namespace menu { key \"{id}\"; ttl 5m }\nnamespace user { key \"{id}\"; ttl 5m }\n" + alerts, {});
        if (!made.ok()) throw std::runtime_error(dsl::render_text(*made.sources, made.found, false));
        book.follow(made.policy->alerts);
        figures.mono_ns = 3'600'000'000'000;
        figures.wall_ms = 1'700'000'000'000;
        for (const char* name : {"menu", "user"}) {
            figures.spaces.emplace_back();
            figures.spaces.back().counts.name = name;
        }
        figures.tiers.emplace_back();
        figures.tiers.back().name = "l2";
    }
    SpaceFigures& menu() { return figures.spaces[0]; }
    TierFigures& l2() { return figures.tiers[0]; }
    // Seconds go by, one judgement each; what happened in each is `each`.
    template <class Each>
    std::vector<std::string> after(int seconds, Each&& each) {
        std::vector<std::string> told;
        for (int i = 0; i < seconds; ++i) {
            figures.mono_ns += 1'000'000'000;
            figures.wall_ms += 1000;
            each();
            for (const auto& notice : book.judge(figures, capacities)) told.push_back((notice.state.firing ? "fires " : "resolved ") + notice.state.name);
        }
        return told;
    }
    std::vector<std::string> after(int seconds) {
        return after(seconds, [] {});
    }
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("a hit rate below its threshold for the whole window fires once and is resolved once") {
    World world("alert low when hit_rate < 80% for 5m -> log");
    const auto bad = [&] {
        world.menu().counts.hits += 7;
        world.menu().counts.misses += 3;
    };
    const auto good = [&] { world.menu().counts.hits += 10; };
    CHECK(world.after(299, bad) == Told{});  // the window is not full yet
    CHECK(world.after(10, bad) == Told{"fires low"});
    CHECK(world.after(600, bad) == Told{});
    CHECK(world.after(400, good) == Told{"resolved low"});
    CHECK(world.after(600, good) == Told{});
}

TEST_CASE("without requests a hit rate is nothing, and no alert fires on it") {
    World world("alert low when hit_rate < 80% -> log");
    CHECK(world.after(600) == Told{});
    CHECK_FALSE(world.book.look(world.figures, {}).front().readings.front().value);
}

TEST_CASE("a window slides: what is older than `for` does not count any more") {
    World world("alert many when misses > 100 for 1m -> log");
    CHECK(world.after(1, [&] { world.menu().counts.misses += 101; }) == Told{});
    CHECK(world.after(59) == Told{});  // before the first sample nothing was seen
    CHECK(world.after(1, [&] { world.menu().counts.misses += 101; }) == Told{"fires many"});
    CHECK(world.after(59) == Told{});
    CHECK(world.after(3) == Told{"resolved many"});
}

TEST_CASE("a level has to hold all the time, and one moment without it begins anew") {
    World world("alert memory when memory_used(l2) > 80% for 1m -> log");
    world.l2().capacity_bytes = 1000;
    world.l2().bytes = 900;
    CHECK(world.after(50) == Told{});
    world.l2().bytes = 500;
    CHECK(world.after(1) == Told{});
    world.l2().bytes = 900;
    CHECK(world.after(60) == Told{});
    CHECK(world.after(2) == Told{"fires memory"});
    world.l2().bytes = 500;
    CHECK(world.after(1) == Told{"resolved memory"});
}

TEST_CASE("the memory of a server behind a store is what the server says") {
    World world("alert memory when memory_used(l2) > 80% -> log");
    CHECK(world.after(100) == Told{});  // nobody knows how much it may hold
    world.capacities = {{"l2", {90, 100}}};
    CHECK(world.after(1) == Told{"fires memory"});
}

TEST_CASE("every threshold of the five systems can be written, and fires when it is crossed") {
    struct Row {
        const char* alert;
        void (*cross)(World&);
    };
    static const auto slow = [](DurationFigures& durations) {  // 150 ms each
        durations.in_bucket[16] += 10;
        durations.count += 10;
        durations.sum_s += 1.5;
    };
    const auto row = GENERATE(
        Row{"alert a when hit_rate < 80% -> log", [](World& w) { w.menu().counts.hits += 79; w.menu().counts.misses += 21; }},
        Row{"alert a when hit_rate < 70% -> log", [](World& w) { w.menu().counts.hits += 69; w.menu().counts.misses += 31; }},
        Row{"alert a when latency_avg > 100ms -> log", [](World& w) { slow(w.menu().gets); }},
        Row{"alert a when latency_p95(l2) > 20ms -> log", [](World& w) { slow(w.l2().gets); }},
        Row{"alert a when error_rate(l2) > 5% -> log", [](World& w) { w.l2().hits += 94; w.l2().errors[0] += 6; }},
        Row{"alert a when memory_used(l2) > 80% -> log", [](World& w) { w.l2().capacity_bytes = 100; w.l2().bytes = 81; }},
        Row{"alert a when connection_failures(l2) > 0 -> log", [](World& w) { w.l2().errors[0] += 1; }},
        Row{"alert a when breaker(l2) is open -> log", [](World& w) { w.l2().breaker = 1; }},
        Row{"alert a when evictions(l2) > 1000 -> log", [](World& w) { w.l2().evictions += 1001; }},
        Row{"alert a when compression_ratio(menu) < 50% -> log", [](World& w) { w.menu().raw_bytes += 100; w.menu().stored_bytes += 60; }});
    INFO(row.alert);
    World world(row.alert);
    CHECK(world.after(61) == Told{});
    CHECK(world.after(1, [&] { row.cross(world); }) == Told{"fires a"});
}

TEST_CASE("conditions joined by `and` hold together, those by `or` alone") {
    World both("alert a when hit_rate(menu) < 80% and requests(menu) > 100 -> log");
    CHECK(both.after(61) == Told{});
    CHECK(both.after(1, [&] { both.menu().counts.misses += 50; }) == Told{});
    CHECK(both.after(1, [&] { both.menu().counts.misses += 60; }) == Told{"fires a"});
    World either("alert a when hit_rate(menu) < 80% or breaker(l2) is open -> log");
    CHECK(either.after(61) == Told{});
    CHECK(either.after(1, [&] { either.l2().breaker = 1; }) == Told{"fires a"});
}

TEST_CASE("judged at once an alert fires on what there is, without waiting for its window") {
    World world("alert low when hit_rate < 80% for 5m -> log");
    world.after(2);
    world.menu().counts.misses += 10;
    CHECK(world.book.look(world.figures, {}).front().holds_now);
    CHECK_FALSE(world.book.look(world.figures, {}).front().firing);
    const auto told = world.book.judge(world.figures, {}, true);
    REQUIRE(told.size() == 1);
    CHECK(told.front().state.firing);
    CHECK(told.front().state.readings.front().value == 0.0);
    CHECK(world.after(10) == Told{});  // the next judgement does not take it back
    CHECK(world.after(1, [&] { world.menu().counts.hits += 1000; }) == Told{"resolved low"});
}

TEST_CASE("a reload that keeps an alert keeps what it knows, and another one begins anew") {
    World world("alert open when breaker(l2) is open for 1m -> log");
    world.l2().breaker = 1;
    world.after(40);
    const auto policy = [](const std::string& alert) {
        return dsl::compile_text("test.larder", "namespace menu { key \"{id}\"; ttl 5m }\n" + alert, {}).policy;
    };
    world.book.follow(policy("alert open when breaker(l2) is open for 1m -> log")->alerts);
    CHECK(world.after(22) == Told{"fires open"});
    world.book.follow(policy("alert open when breaker(l2) is open for 2m -> log")->alerts);
    CHECK(world.after(110) == Told{});
}

TEST_CASE("an alert on a metric that nobody measures is an error of the policy") {
    const auto made = dsl::compile_text("test.larder", "namespace menu { key \"{id}\"; ttl 5m }\nalert a when hitrate < 80% -> log\n", {});
    CHECK_FALSE(made.ok());
    CHECK_THAT(dsl::render_text(*made.sources, made.found, false), test::contains("hit_rate"));
}
