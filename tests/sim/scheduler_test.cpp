// tests/sim/scheduler_test.cpp -- that simulated threads run one at a time, on virtual time, as the seed says.
#include "tests/sim/scheduler.hpp"

#include "tests/catch.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

using namespace larder::sim;
using namespace std::chrono_literals;

namespace {

// Four tasks that write what they do, with a lock and with pauses.
std::string story(std::uint64_t seed) {
    Scheduler scheduler(seed, {3, 1'000'000});
    std::mutex mutex;
    std::string text;
    for (char name = 'a'; name < 'e'; ++name)
        scheduler.spawn(std::string(1, name), 0, [&, name] {
            for (int i = 0; i < 5; ++i) {
                scheduler.pause();
                const std::lock_guard lock(mutex);
                text += name;
                scheduler.sleep(1000);
                text += name;
            }
        });
    REQUIRE(scheduler.run());
    return text + std::to_string(scheduler.trace());
}

}  // namespace

TEST_CASE("a seed tells the same story twice and another seed another", "[sim]") {
    CHECK(story(1) == story(1));
    CHECK(story(1) != story(2));
}

TEST_CASE("a lock is held by one task while others wait for it", "[sim]") {
    for (std::uint64_t seed = 1; seed < 50; ++seed) {
        const std::string text = story(seed);
        for (std::size_t i = 0; i < 40; i += 2) REQUIRE(text[i] == text[i + 1]);
    }
}

TEST_CASE("waiting for a condition ends when it is told or when the time is over, and takes no real time", "[sim]") {
    Scheduler scheduler(7, {0, 0});
    std::mutex mutex;
    std::condition_variable ready;
    bool done = false, in_time = false, late = true;
    std::uint64_t waited_ns = 0;
    scheduler.spawn("waits", 0, [&] {
        std::unique_lock lock(mutex);
        in_time = ready.wait_for(lock, 1h, [&] { return done; });
        const std::uint64_t began = scheduler.now_ns();
        late = ready.wait_for(lock, 2h, [] { return false; });
        waited_ns = scheduler.now_ns() - began;
    });
    scheduler.spawn("tells", 60'000'000'000, [&] {
        const std::lock_guard lock(mutex);
        done = true;
        ready.notify_all();
    });
    REQUIRE(scheduler.run());
    CHECK(in_time);
    CHECK_FALSE(late);
    CHECK(waited_ns == 7'200'000'000'000);
}

TEST_CASE("events run in the order of their time and not when they are cancelled", "[sim]") {
    Scheduler scheduler(7, {0, 0});
    std::string text;
    scheduler.after(300, [&] { text += "c"; });
    scheduler.after(100, [&] { text += "a"; });
    const std::uint64_t gone = scheduler.after(200, [&] { text += "b"; });
    CHECK(scheduler.cancel(gone));
    CHECK_FALSE(scheduler.cancel(gone));
    scheduler.spawn("waits", 0, [&] { scheduler.sleep(1000); });
    CHECK(scheduler.run());
    CHECK(text == "ac");
}

TEST_CASE("tasks that nothing will ever wake are found", "[sim]") {
    Scheduler scheduler(7, {0, 0});
    // Their thread never ends, and they use these for as long.
    auto& mutex = *new std::mutex;
    auto& never = *new std::condition_variable;
    scheduler.spawn("the sleeper", 0, [&] {
        std::unique_lock lock(mutex);
        never.wait(lock);
    });
    CHECK_FALSE(scheduler.run());
    CHECK_THAT(scheduler.failure(), larder::test::contains("the sleeper"));
}
