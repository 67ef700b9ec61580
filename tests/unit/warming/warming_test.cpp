// tests/unit/warming/warming_test.cpp -- when warm items run, in what order, how fast, and what a bad origin does.
#include "tests/catch.hpp"
#include "tests/unit/warming/warm_rig.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t midnight = 1'700'006'400'000;  // 2023-11-15T00:00:00Z

std::size_t count_of(const WarmRig& rig, std::string_view beginning) {
    return static_cast<std::size_t>(std::count_if(rig.asked.begin(), rig.asked.end(), [&](const std::string& line) { return line.starts_with(beginning); }));
}

std::string numbers(int from, int to) {
    std::string out;
    for (int i = from; i <= to; ++i) out += (out.empty() ? "\"" : ", \"") + std::to_string(i) + "\"";
    return out;
}

}  // namespace

TEST_CASE("items that say at startup are made before anybody asks, by their source and with their names") {
    WarmRig rig(R"(larder 1
namespace stats { key "{scope}:{day}"; ttl 10m }
warm stats "{scope}:{day}" { at startup; from db "get {scope} of {day}"; for scope in "all", "active"; for day in "mon" })");
    rig.executor.run();
    CHECK(rig.asked == std::vector<std::string>{"stats all:mon by get {scope} of {day} scope=all day=mon scope=all day=mon",
                                                "stats active:mon by get {scope} of {day} scope=active day=mon scope=active day=mon"});
    CHECK(rig.has("stats", "all:mon"));
    CHECK(rig.get("stats", "active:mon") == "of active:mon");
    const WarmRun run = rig.last();
    CHECK(run.state == WarmRun::State::done);
    CHECK(run.total == 2);
    CHECK(run.loaded == 2);
    CHECK(warm_reason(run.reason) == "startup");
}

TEST_CASE("an item without a source of its own is made by its namespace's") {
    WarmRig rig(R"(larder 1
namespace menu { key "{id}"; ttl 10m; source db "select {id}" }
warm menu "{id}" { at startup; for id in "1" })");
    rig.executor.run();
    CHECK(rig.asked.at(0).starts_with("menu 1 by select {id}"));
    CHECK(rig.has("menu", "1"));
}

TEST_CASE("items whose source is not configured sleep, and say so") {
    WarmRig rig(R"(larder 1
namespace menu { key "{id}"; ttl 10m }
warm menu "{id}" { at startup; every 1m; from nobody "x"; for id in "1" })");
    rig.executor.advance(1h);
    CHECK(rig.asked.empty());
    CHECK(rig.warming->runs().empty());
    CHECK(rig.warming->plans().at(0).sleeps);
    CHECK(rig.warm("menu").empty());
}

TEST_CASE("an item that runs every period is never cold, whatever its jitter") {
    WarmRig rig(R"(larder 1
namespace stats { key "all"; ttl 10m }
warm stats "all" { at startup; every 10m jitter 10%; from db "x" })");
    rig.executor.run();
    int cold = 0;
    for (int i = 0; i < 10 * 60; ++i) {
        rig.executor.advance(10s);
        if (!rig.has("stats", "all")) ++cold;
    }
    CHECK(cold == 0);
    const std::size_t runs = count_of(rig, "stats all");
    CHECK(runs >= 10);
    CHECK(runs <= 13);  // 100 minutes, each between 9 and 10
}

TEST_CASE("what is fresh past the next time is left as it is, but for who insists") {
    WarmRig rig(R"(larder 1
namespace stats { key "{id}"; ttl 1h }
warm stats "{id}" { every 10m; from db "x"; for id in "1", "2" })");
    rig.executor.advance(10min);
    CHECK(rig.asked.size() == 2);
    rig.executor.advance(40min);
    CHECK(rig.asked.size() == 2);
    rig.executor.advance(10min);  // at an age of 50 minutes it would end with the next time
    CHECK(rig.asked.size() == 4);
    rig.warm("stats");
    rig.executor.run();
    CHECK(rig.asked.size() == 4);
    CHECK(rig.last().fresh == 2);
    rig.warm("stats", true);
    rig.executor.run();
    CHECK(rig.asked.size() == 6);
}

TEST_CASE("scheduled items run within their hours only, across midnight too, and once a day without a period") {
    WarmRig rig(R"(larder 1
namespace night { key "{id}"; ttl 5m }
namespace daily { key "{id}"; ttl 5m }
warm night "{id}" { every 1h; between 22:00 and 02:00; from db "x"; for id in "1" }
warm daily "{id}" { between 02:00 and 05:00; from db "x"; for id in "1" })");
    rig.clock.set_wall_ms(midnight + 12 * 3'600'000);
    rig.install(R"(larder 1
namespace night { key "{id}"; ttl 5m }
namespace daily { key "{id}"; ttl 5m }
warm night "{id}" { every 1h; between 22:00 and 02:00; from db "y"; for id in "1" }
warm daily "{id}" { between 02:00 and 05:00; from db "y"; for id in "1" })");
    rig.asked.clear();
    std::vector<int> hours;
    for (int hour = 12; hour < 12 + 48; ++hour) {
        const std::size_t before = count_of(rig, "night");
        rig.executor.advance(1h);
        if (count_of(rig, "night") != before) hours.push_back((hour + 1) % 24);
    }
    CHECK(count_of(rig, "daily") == 2);
    CHECK(!hours.empty());
    CHECK(std::all_of(hours.begin(), hours.end(), [](int hour) { return hour >= 22 || hour <= 2; }));
    CHECK(count_of(rig, "night") >= 6);
}

TEST_CASE("a run that does not end in its hours is closed, and tells what is left") {
    WarmRig rig("larder 1\nnamespace n { key \"{id}\"; ttl 1h }\n"
                "warm n \"{id}\" { every 30m; between 02:00 and 03:00; at most 1 per second; from db \"x\"; for id in " + numbers(1, 100) + " }\n");
    rig.clock.set_wall_ms(midnight + 149 * 60'000 + 30'000);  // 02:29:30, the first time is 30 minutes later
    rig.install("larder 1\nnamespace n { key \"{id}\"; ttl 1h }\n"
                "warm n \"{id}\" { every 30m; between 02:00 and 03:00; at most 1 per second; from db \"y\"; for id in " + numbers(1, 100) + " }\n");
    rig.executor.advance(32min);
    const WarmRun run = rig.last();
    CHECK(run.state == WarmRun::State::closed);
    CHECK(run.loaded >= 25);
    CHECK(run.loaded <= 35);
    CHECK(run.left == 100 - run.loaded);
}

TEST_CASE("what a budget allows is never exceeded, and is used") {
    WarmRig rig("larder 1\nnamespace n { key \"{id}\"; ttl 1h; source db }\nwarm n \"{id}\" { at most 10 per second; for id in " + numbers(1, 200) + " }\n");
    rig.warm("n");
    std::vector<std::size_t> of_second;
    for (int i = 0; i < 10; ++i) {
        const std::size_t before = rig.asked.size();
        rig.executor.advance(1s);
        of_second.push_back(rig.asked.size() - before);
    }
    for (const std::size_t n : of_second) {
        CHECK(n >= 9);
        CHECK(n <= 11);
    }
    const WarmRun run = rig.last();
    CHECK(run.state != WarmRun::State::done);
    CHECK(run.percent() > 45);
    CHECK(run.percent() < 55);
    CHECK(run.per_second() > 9);
    CHECK(run.remaining_ms() > 8'000);
    CHECK(run.remaining_ms() < 12'000);
    rig.executor.advance(11s);
    CHECK(rig.last().state == WarmRun::State::done);
}

TEST_CASE("the budget of a source holds for all items together") {
    Warming::Options options;
    options.per_second = 5;
    WarmRig rig("larder 1\nnamespace a { key \"{id}\"; ttl 1h }\nnamespace b { key \"{id}\"; ttl 1h }\n"
                "warm a \"{id}\" { from db \"x\"; for id in " + numbers(1, 50) + " }\nwarm b \"{id}\" { from db \"x\"; for id in " + numbers(1, 50) + " }\n", {}, options);
    rig.warm("");
    rig.executor.advance(10s);
    CHECK(rig.asked.size() >= 45);
    CHECK(rig.asked.size() <= 52);
}

TEST_CASE("of what waits for a place the higher priority comes first") {
    Warming::Options one;
    one.at_once = 1;
    WarmRig rig(R"(larder 1
namespace low { key "{id}"; ttl 1h }
namespace high { key "{id}"; ttl 1h }
warm low "{id}" { priority 2; from db "x"; for id in "1", "2" }
warm high "{id}" { priority 9; from db "x"; for id in "1", "2" })", {}, one);
    rig.warm("");
    rig.executor.run();
    CHECK(rig.asked.at(0).starts_with("high"));
    CHECK(rig.asked.at(1).starts_with("high"));
    CHECK(rig.asked.at(3).starts_with("low"));
}

TEST_CASE("at most so many loads run at once") {
    SystemClock clock;
    SystemRandom random;
    ManualClock manual;
    MapStore store(manual, MapStore::default_caps);
    const auto threads = make_thread_executor({1, 8, 1000});
    CacheOptions o;
    o.clock = &clock;
    o.random = &random;
    o.executor = threads.get();
    Cache cache(o);
    Warming warming({&cache, &clock, &random, threads.get(), threads.get(), {}, {}}, {});
    const dsl::Compiled made = dsl::compile_text(
        "test.larder", "larder 1\nnamespace n { key \"{id}\"; ttl 1h }\nwarm n \"{id}\" { at most 3 at once; from db \"x\"; for id in " + numbers(1, 60) + " }\n", {});
    std::atomic<int> now{0}, most{0};
    CacheParts parts;
    parts.policy = made.policy;
    parts.stores.push_back(store.handle("l1"));
    parts.sources.push_back({"db",
                             [&](const SourceAsk&) -> Loaded {
                                 const int mine = ++now;
                                 int seen = most.load();
                                 while (seen < mine && !most.compare_exchange_weak(seen, mine)) {}
                                 for (int i = 0; i < 50; ++i) std::this_thread::yield();
                                 --now;
                                 return {LARDER_OK, "v", 0, {}};
                             },
                             {}, Ms{5000}, &cache, {}});
    cache.install(std::move(parts));
    warming.install(made.policy);
    const auto ids = warming.queue_under(dsl::none, LARDER_WARM_STARTUP);
    REQUIRE(ids.size() == 1);
    CHECK(warming.wait_startup(30s));
    warming.stop();
    threads->stop();
    CHECK(warming.run(ids[0])->loaded == 60);
    CHECK(most.load() <= 3);
    CHECK(most.load() >= 1);
}

TEST_CASE("after a drop that refreshes, what was dropped is there again") {
    WarmRig rig(R"(larder 1
namespace stats { key "all"; ttl 1h }
namespace user { key "{id}"; ttl 1h; source db "u {id}" }
warm stats "all" { at startup; from db "x" }
on event "import" { refresh stats }
on event "user" (id) { refresh user "{id}" }
on event "only" { warm stats })");
    rig.executor.run();
    CHECK(rig.asked.size() == 1);
    rig.cache->event("import", nullptr, 0, nullptr, nullptr);
    CHECK(!rig.has("stats", "all"));
    rig.executor.run();
    CHECK(rig.has("stats", "all"));
    CHECK(rig.asked.size() == 2);
    CHECK(rig.last().reason == LARDER_WARM_AFTER_INVALIDATION);
    SECTION("a single key of a namespace with a source is loaded, and no other") {
        const larder_pair id{b("id"), b("7")};
        rig.cache->event("user", &id, 1, nullptr, nullptr);
        rig.executor.run();
        CHECK(rig.has("user", "7"));
        CHECK(rig.asked.back().starts_with("user 7"));
        CHECK(rig.asked.size() == 3);
    }
    SECTION("a rule that only warms drops nothing, and loads nothing that is fresh") {
        rig.cache->event("only", nullptr, 0, nullptr, nullptr);
        CHECK(rig.has("stats", "all"));
        rig.executor.run();
        CHECK(rig.asked.size() == 2);
    }
}

TEST_CASE("what is dropped while a run goes on is loaded once more") {
    WarmRig rig(R"(larder 1
namespace n { key "{id}"; ttl 1h }
warm n "{id}" { from db "x"; for id in "1", "2" }
on event "import" { refresh n })");
    rig.during = [&] { rig.cache->event("import", nullptr, 0, nullptr, nullptr); };
    rig.warm("n");
    rig.executor.run();
    CHECK(rig.has("n", "1"));
    CHECK(rig.has("n", "2"));
    CHECK(count_of(rig, "n 1") == 2);
}

TEST_CASE("an origin that fails is given time, its errors are stored nowhere, and then it is left alone") {
    WarmRig rig("larder 1\nnamespace n { key \"{id}\"; ttl 1h }\nwarm n \"{id}\" { at most 2 at once; from db \"x\"; for id in " + numbers(1, 50) + " }\n");
    rig.fail = LARDER_E_IO;
    rig.warm("n");
    rig.executor.advance(1s);
    CHECK(rig.asked.size() <= 4);
    rig.executor.advance(30min);
    const WarmRun run = rig.last();
    CHECK(run.state == WarmRun::State::gave_up);
    CHECK(rig.asked.size() <= 10);  // of 50 items
    CHECK(run.left + run.failed == 50);
    CHECK(!run.problem.empty());
    CHECK(!rig.has("n", "1"));
    CHECK(warm_text({run}).find("gave up") != std::string::npos);
}

TEST_CASE("an origin that comes back is warmed from, and what it refused before is there") {
    WarmRig rig("larder 1\nnamespace n { key \"{id}\"; ttl 1h }\nwarm n \"{id}\" { at startup; from db \"x\"; for id in " + numbers(1, 5) + " }\n");
    rig.fail = LARDER_E_TIMEOUT;
    rig.executor.advance(2s);
    rig.fail = LARDER_OK;
    rig.executor.advance(1min);
    CHECK(rig.last().state == WarmRun::State::done);
    CHECK(rig.last().loaded == 5);
    CHECK(rig.has("n", "5"));
}

TEST_CASE("what is warmed at the start is tried again when its origin was away for long") {
    WarmRig rig("larder 1\nnamespace n { key \"all\"; ttl 1h }\nwarm n \"all\" { at startup; from db \"x\" }\n");
    rig.fail = LARDER_E_IO;
    rig.executor.advance(1h);
    CHECK(!rig.has("n", "all"));
    rig.fail = LARDER_OK;
    rig.executor.advance(5min);
    CHECK((rig.has("n", "all") || rig.last().state == WarmRun::State::done));
}

TEST_CASE("a key that the origin refuses is one failure, and the others are made at once") {
    WarmRig rig("larder 1\nnamespace n { key \"{id}\"; ttl 1h }\nwarm n \"{id}\" { from db \"x\"; for id in \"1\", \"2\" }\n");
    rig.fail = LARDER_E_INVALID;
    rig.during = [] {};
    rig.warm("n");
    rig.executor.run();
    CHECK(rig.last().failed == 2);
    CHECK(rig.last().state == WarmRun::State::done);
}

TEST_CASE("seed A: CACHE_WARMING_ENABLED and CACHE_WARMING_INTERVAL_MINUTES switch and pace it") {
    const std::string policy = R"(larder 1
namespace dashboard { key "{start}:{end}"; ttl 1h }
warm dashboard "{start}:{end}" if env CACHE_WARMING_ENABLED or true {
    at startup
    every env CACHE_WARMING_INTERVAL_MINUTES minutes or 30m
    from db "/dashboard?start={start}&end={end}"
    for start in "@today", "@today-7d", "@today-30d"
    for end in "@today"
})";
    SECTION("common_date_ranges: today, last week, last month") {
        WarmRig rig(policy, {{"CACHE_WARMING_INTERVAL_MINUTES", "45"}});
        rig.clock.set_wall_ms(midnight);
        rig.executor.run();
        rig.asked.clear();
        rig.warm("", true);
        rig.executor.run();
        CHECK(rig.has("dashboard", "2023-11-15:2023-11-15"));
        CHECK(rig.has("dashboard", "2023-11-08:2023-11-15"));
        CHECK(rig.has("dashboard", "2023-10-16:2023-11-15"));
        CHECK(rig.asked.at(1).find("start=2023-11-08") != std::string::npos);
        CHECK(rig.warming->plans().at(0).next_ms == 45 * 60'000);
    }
    SECTION("off, nothing is warmed, by nobody") {
        WarmRig rig(policy, {{"CACHE_WARMING_ENABLED", "false"}});
        rig.executor.advance(24h);
        CHECK(rig.warm("dashboard").empty());
        CHECK(rig.asked.empty());
        CHECK_FALSE(rig.warming->plans().at(0).enabled);
    }
}

TEST_CASE("seed P: warm_specific_cache(\"active_products\"), warm_all_caches()") {
    WarmRig rig(R"(larder 1
namespace active_products { key "all"; ttl 30m }
namespace coverage { key "{firm}"; ttl 1h }
warm active_products "all" { from db "/products" }
warm coverage "{firm}" { from db "/coverage/{firm}"; for firm in "1", "2" })");
    CHECK(rig.warm("active_products").size() == 1);
    rig.executor.run();
    CHECK(rig.asked.size() == 1);
    CHECK(rig.warm("").size() == 2);
    rig.executor.run();
    CHECK(rig.has("coverage", "2"));
    CHECK(rig.asked.size() == 3);  // the products were fresh
}

TEST_CASE("a reload keeps the schedule of what stays, closes what goes and starts what is new") {
    const std::string stays = "larder 1\nnamespace n { key \"{id}\"; ttl 1h }\nwarm n \"{id}\" { every 10m; from db \"x\"; for id in \"1\" }\n";
    WarmRig rig(stays);
    rig.executor.advance(6min);
    rig.install(stays + "warm n \"2\" { at startup; from db \"x\" }\n");
    rig.executor.run();
    CHECK(rig.asked.size() == 1);
    CHECK(rig.warming->plans().at(0).next_ms == 4 * 60'000);
    rig.executor.advance(4min);
    CHECK(count_of(rig, "n 1") == 1);
    rig.install("larder 1\nnamespace n { key \"{id}\"; ttl 1h }\n");
    rig.executor.advance(1h);
    CHECK(count_of(rig, "n 1") == 1);
}

TEST_CASE("who asks twice while it waits is answered by one run") {
    WarmRig rig("larder 1\nnamespace n { key \"{id}\"; ttl 1h }\nwarm n \"{id}\" { from db \"x\"; for id in \"1\" }\n");
    const auto first = rig.warm("n"), second = rig.warm("n"), third = rig.warm("n");
    CHECK(second == third);
    rig.executor.run();
    CHECK(rig.asked.size() == 1);
    CHECK(rig.warming->run(first[0]).has_value());
}

TEST_CASE("a clock that is set back or forward neither stops a schedule nor runs it twice") {
    WarmRig rig("larder 1\nnamespace n { key \"all\"; ttl 10m }\nwarm n \"all\" { every 10m; from db \"x\" }\n");
    rig.executor.advance(10min);
    rig.clock.set_wall_ms(midnight - 400ull * 86'400'000);
    rig.executor.advance(10min);
    rig.clock.set_wall_ms(midnight + 400ull * 86'400'000);
    rig.executor.advance(10min);
    CHECK(rig.asked.size() == 3);
}
