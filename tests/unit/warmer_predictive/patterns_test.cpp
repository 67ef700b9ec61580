// tests/unit/warmer_predictive/patterns_test.cpp -- classes, bounds, what is planned, what survives.
#include "plugins/warmer_predictive/history_file.hpp"
#include "plugins/warmer_predictive/patterns.hpp"
#include "tests/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include <unistd.h>

using namespace larder::warmer_predictive;
using larder::test::TemporaryFolder;

namespace {

constexpr std::uint64_t minute = 60'000, hour = 60 * minute, day = 24 * hour;
constexpr std::uint64_t monday = 1'700'438'400'000;

Rules rules(std::uint32_t ttl_min = 10) {
    Rules out;
    out.ttl_min = ttl_min;
    return out;
}

void visit(Patterns& patterns, std::string_view key, std::uint64_t at, std::uint32_t weight = 1) { patterns.add({at, "n", key, weight, 20'000, 1}); }

const Pattern* find(const std::vector<Pattern>& all, std::string_view key) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const Pattern& one) { return one.key == key; });
    return at == all.end() ? nullptr : &*at;
}

std::size_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t whole = 0, resident = 0;
    statm >> whole >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("what is asked for at one time of day is daily, and its peak hours are told") {
    Patterns patterns(std::size_t{8} << 20);
    for (int d = 0; d < 7; ++d)
        for (std::uint64_t i = 0; i < 6; ++i) visit(patterns, "dashboard:main", monday + static_cast<std::uint64_t>(d) * day + 9 * hour + i * 10 * minute);
    const auto all = patterns.list("n", monday + 7 * day, rules(), 0);
    const Pattern* one = find(all, "dashboard:main");
    REQUIRE(one != nullptr);
    CHECK(one->verdict.type == AccessType::daily);
    CHECK(one->verdict.peak_hours == std::vector<std::uint8_t>{9});
    CHECK(one->verdict.predictability > 0.9);
    CHECK(one->priority >= 6);
    CHECK(one->priority <= 10);
    CHECK(one->next_ms > monday + 7 * day + 8 * hour + 50 * minute);
    CHECK(one->next_ms <= monday + 7 * day + 9 * hour);
}

TEST_CASE("fewer accesses than the policy wants are no pattern, nor is what happened once") {
    Patterns patterns(std::size_t{8} << 20);
    for (int d = 0; d < 9; ++d) visit(patterns, "rare", monday + static_cast<std::uint64_t>(d) * 3 * hour);
    visit(patterns, "once", monday);
    CHECK(patterns.list("n", monday + 2 * day, rules(), 0).empty());
    Rules fewer = rules();
    fewer.min_accesses = 5;
    CHECK(patterns.list("n", monday + 2 * day, fewer, 0).size() == 1);
    CHECK(patterns.plan("n", monday + 2 * day, rules(), 0).empty());
}

TEST_CASE("what is older than the window does not count") {
    Patterns patterns(std::size_t{8} << 20);
    for (int i = 0; i < 40; ++i) visit(patterns, "k", monday + static_cast<std::uint64_t>(i) * hour);
    CHECK(patterns.list("n", monday + 2 * day, rules(), 0).size() == 1);
    CHECK(patterns.list("n", monday + 12 * day, rules(), 0).empty());
}

TEST_CASE("what comes after every so many minutes is planned shortly before, and again") {
    Patterns patterns(std::size_t{8} << 20);
    for (int i = 0; i < 40; ++i) visit(patterns, "job", monday + static_cast<std::uint64_t>(i) * 45 * minute);
    const std::uint64_t last = monday + 39 * 45 * minute;
    const auto all = patterns.list("n", last + minute, rules(), 0);
    REQUIRE(find(all, "job") != nullptr);
    CHECK(find(all, "job")->verdict.type == AccessType::periodic);
    CHECK(find(all, "job")->verdict.period_min == 45);
    Rules far = rules();
    far.horizon_min = 100;
    const auto plan = patterns.plan("n", last + minute, far, 0);
    REQUIRE(plan.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        const std::uint64_t use = last + (i + 1) * 45 * minute;
        CHECK(plan[i].due_ms < use);
        CHECK(plan[i].due_ms + 5 * minute >= use);
    }
    CHECK(patterns.plan("n", last + minute, rules(), 0).empty());  // not in the next half hour
    far.min_priority = 10;
    CHECK(patterns.plan("n", last + minute, far, 0).empty());
}

TEST_CASE("what follows a key on most of its visits is planned along with it") {
    Patterns patterns(std::size_t{8} << 20);
    for (std::uint64_t i = 0; i < 40; ++i) {
        visit(patterns, "login", monday + i * 60 * minute);
        visit(patterns, "profile", monday + i * 60 * minute + 20'000);
        if (i % 2 == 0) visit(patterns, "news", monday + i * 60 * minute + 30'000);
    }
    const auto all = patterns.list("n", monday + 40 * hour, rules(), 0);
    const Pattern* login = find(all, "login");
    REQUIRE(login != nullptr);
    CHECK(login->follower == "profile");
    CHECK(login->follower_share > 0.9);
}

TEST_CASE("preloads that nobody uses cost a key its priority, and the proposal of a threshold follows success") {
    Patterns patterns(std::size_t{8} << 20);
    for (int i = 0; i < 40; ++i) visit(patterns, "job", monday + static_cast<std::uint64_t>(i) * 45 * minute);
    const std::uint64_t now = monday + 40 * 45 * minute;
    const std::uint32_t before = find(patterns.list("n", now, rules(), 0), "job")->priority;
    for (int i = 0; i < 20; ++i) patterns.made("n", "job");
    CHECK(find(patterns.list("n", now, rules(), 0), "job")->priority + 4 == before);
    for (int i = 0; i < 19; ++i) patterns.used("n", "job");
    CHECK(find(patterns.list("n", now, rules(), 0), "job")->priority == before);
    CHECK(patterns.score().made == 20);
    CHECK(patterns.score().used == 19);
    CHECK(patterns.score().saved_us == 19 * 20'000);
    CHECK(patterns.proposed_threshold("n", now, rules()) == before);
}

TEST_CASE("a clock that is set back neither loses what was learnt nor breaks it") {
    Patterns patterns(std::size_t{8} << 20);
    for (int i = 0; i < 40; ++i) visit(patterns, "k", monday + static_cast<std::uint64_t>(i) * hour);
    visit(patterns, "k", monday - 100 * day);
    visit(patterns, "k", 0);
    CHECK(patterns.list("n", monday + 40 * hour, rules(), 0).size() == 1);
}

TEST_CASE("what was learnt survives the process, and a damaged file is told and not read") {
    TemporaryFolder folder;
    const std::string path = folder.file("history");
    Patterns patterns(std::size_t{8} << 20);
    for (int i = 0; i < 40; ++i) visit(patterns, "job", monday + static_cast<std::uint64_t>(i) * 45 * minute);
    patterns.made("n", "job");
    std::string why, text;
    REQUIRE(write_history(path, patterns.save(), why));
    REQUIRE(read_history(path, text, why));
    Patterns again(std::size_t{8} << 20);
    REQUIRE(again.load(text));
    const std::uint64_t now = monday + 40 * 45 * minute;
    CHECK(find(again.list("n", now, rules(), 0), "job")->verdict.period_min == 45);
    CHECK(again.score().made == 1);
    for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, text.size() / 2, text.size() - 1}) CHECK_FALSE(Patterns(std::size_t{8} << 20).load(text.substr(0, cut)));
    {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(200);
        file.put('\x7f');
    }
    CHECK_FALSE(read_history(path, text, why));
    CHECK(why == "it is cut or damaged");
    CHECK(read_history(folder.file("none"), text, why));
    CHECK(text.empty());
    CHECK_FALSE(write_history(folder.file("no/such/folder"), "x", why));
}

TEST_CASE("ten million keys are remembered in 32 MiB, and those that are in use among them") {
    const std::size_t before = resident_bytes();
    Patterns patterns(std::size_t{32} << 20);
    std::uint64_t at = monday;
    char key[32];
    for (std::uint32_t i = 0; i < 10'000'000; ++i) {
        std::snprintf(key, sizeof key, "product:%08u", i);
        visit(patterns, key, at);
        if (i % 1'000 == 0) {
            at += 50'000;
            visit(patterns, "hot:1", at);
        }
    }
    const std::size_t took = resident_bytes() - before;
    std::printf("10,000,000 keys: %zu profiles, %.1f MiB counted, %.1f MiB more resident\n", patterns.keys(), static_cast<double>(patterns.bytes()) / 1048576.0,
                static_cast<double>(took) / 1048576.0);
    CHECK(patterns.bytes() <= std::size_t{32} << 20);
    CHECK(took <= (std::size_t{32} << 20) + (std::size_t{2} << 20));
    CHECK(patterns.list("n", at, rules(), 0).size() == 1);
}
