// tests/unit/api/guard_watch_test.cpp -- a watch judges from the switch on, says by how much, and ends in time.
#include "catch.hpp"
#include "dsl/compile.hpp"
#include "kernel/api/guard_watch.hpp"

#include <stdexcept>

using namespace larder;
using api::GuardWatch;
using test::contains;

namespace {

std::shared_ptr<const dsl::Policy> policy(const std::string& guards) {
    const auto made = dsl::compile_text("test.larder", "namespace menu { key \"{id}\"; ttl 5m; static }\n" + guards, {});
    if (!made.ok()) throw std::runtime_error(dsl::render_text(*made.sources, made.found, false));
    return made.policy;
}

struct World {
    Figures figures;
    std::unique_ptr<GuardWatch> watch;

    World() {
        figures.mono_ns = 3'600'000'000'000;
        figures.spaces.emplace_back();
        figures.spaces.back().counts.name = "menu";
        figures.tiers.emplace_back();
        figures.tiers.back().name = "l2";
    }
    void begin(const std::string& guards, dsl::Ms length) { watch = std::make_unique<GuardWatch>(policy(guards)->guards.watches, length, figures, StoreCapacities{}); }
    // Seconds with so many hits and misses each; the first breach that is told, and after how many.
    std::pair<int, std::string> after(int seconds, std::uint64_t hits, std::uint64_t misses) {
        for (int i = 1; i <= seconds; ++i) {
            figures.mono_ns += 1'000'000'000;
            figures.spaces[0].counts.hits += hits;
            figures.spaces[0].counts.misses += misses;
            if (std::string breach = watch->judge(figures, {}); !breach.empty()) return {i, breach};
            if (watch->is_over(figures.mono_ns)) return {i, "over"};
        }
        return {seconds, ""};
    }
};

}  // namespace

TEST_CASE("a breach is told when it has held for its time, with what was measured and by how much") {
    World world;
    world.figures.spaces[0].counts.hits = 900;
    world.figures.spaces[0].counts.misses = 100;
    world.begin("guard { watch hit_rate < 60% for 10s }", dsl::Ms(60'000));
    const auto [second, breach] = world.after(60, 4, 6);
    CHECK(second == 10);
    CHECK_THAT(breach, contains("hit_rate 40.0%, 20.0% below 60.0%") && contains("90.0% until the switch") && contains("watch hit_rate < 60%") && contains("test.larder:2"));
}

TEST_CASE("what was before the switch counts for nothing") {
    World world;
    world.figures.spaces[0].counts.misses = 1'000'000;
    world.begin("guard { watch hit_rate < 60% for 10s }", dsl::Ms(30'000));
    const auto [second, said] = world.after(60, 9, 1);
    CHECK(said == "over");
    CHECK(second == 30);
    CHECK_THAT(world.watch->progress(), contains("hit_rate 90.0% (breach: hit_rate < 60%)"));
}

TEST_CASE("a window longer than the watch is judged over the watch, at its end") {
    World world;
    world.begin("guard { watch hit_rate < 60% for 10m }", dsl::Ms(5'000));
    const auto [second, breach] = world.after(60, 1, 9);
    CHECK(second == 5);
    CHECK_THAT(breach, contains("hit_rate 10.0%"));
}

TEST_CASE("a rate of nothing is no breach") {
    World world;
    world.begin("guard { watch hit_rate < 60% for 2s }", dsl::Ms(5'000));
    CHECK(world.after(60, 0, 0).second == "over");
    CHECK_THAT(world.watch->progress(), contains("nothing to measure"));
}

TEST_CASE("a condition with `and` is breached when all of it is, one of several guards is enough") {
    World world;
    world.begin("guard { watch hit_rate < 60% and requests > 1000 for 3s, misses > 20 for 4s }", dsl::Ms(60'000));
    const auto [second, breach] = world.after(60, 1, 9);
    CHECK(second == 4);
    CHECK_THAT(breach, contains("misses 36, 16 above 20"));
}

TEST_CASE("a state has to have held for its time") {
    World world;
    world.begin("guard { watch breaker(l2) is open for 5s }", dsl::Ms(60'000));
    CHECK(world.after(3, 1, 0).second.empty());
    world.figures.tiers[0].breaker = 1;
    CHECK(world.after(3, 1, 0).second.empty());
    world.figures.tiers[0].breaker = 0;
    CHECK(world.after(3, 1, 0).second.empty());
    world.figures.tiers[0].breaker = 1;
    const auto [second, breach] = world.after(20, 1, 0);
    CHECK(second == 6);
    CHECK_THAT(breach, contains("breaker(l2) is open"));
}

TEST_CASE("the guards of both policies watch, each once") {
    const auto before = policy("guard { watch hit_rate < 60% for 1m, errors > 5 }"), after = policy("guard { watch hit_rate < 60% for 1m, misses > 9 }");
    std::vector<std::string> texts;
    for (const dsl::Alert& one : api::watches_of(*before, *after)) texts.push_back(one.text);
    CHECK(texts == std::vector<std::string>{"hit_rate < 60%", "misses > 9", "errors > 5"});
}
