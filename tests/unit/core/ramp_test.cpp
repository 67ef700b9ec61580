// tests/unit/core/ramp_test.cpp -- how many loads may run at once when an outage is over.
#include "kernel/core/ramp.hpp"

#include "tests/catch.hpp"

#include <thread>

using namespace larder;
using namespace std::chrono_literals;

TEST_CASE("a ramp doubles what may run at once with each step, ten times, and then is over", "[ramp]") {
    ManualClock clock;
    Ramp ramp({3, 50ms}, clock);
    CHECK(ramp.limit(clock.mono_ns()) == 0);
    ramp.begin();
    for (std::uint64_t expected = 3; expected < 3u << 10; expected *= 2) {
        CHECK(ramp.limit(clock.mono_ns()) == expected);
        clock.advance(49ms);
        CHECK(ramp.limit(clock.mono_ns()) == expected);
        clock.advance(1ms);
    }
    CHECK(ramp.limit(clock.mono_ns()) == 0);
    ramp.begin();
    CHECK(ramp.limit(clock.mono_ns()) == 3);
    CHECK(ramp.counts().began == 2);
}

TEST_CASE("a ramp of no loads limits nothing", "[ramp]") {
    ManualClock clock;
    Ramp ramp({0, 50ms}, clock);
    ramp.begin();
    CHECK(ramp.limit(clock.mono_ns()) == 0);
    CHECK_FALSE(ramp.full(clock.mono_ns()));
}

TEST_CASE("who finds all places taken waits until one is left, or more are there, or its time is over", "[ramp]") {
    ManualClock clock;
    Ramp ramp({1, 100ms}, clock);
    ramp.begin();
    auto first = std::make_unique<Ramp::Place>(ramp, clock.mono_ns());
    CHECK(ramp.full(clock.mono_ns()));
    SECTION("left") {
        std::atomic<bool> in{false};
        std::thread second([&] {
            const Ramp::Place place(ramp, clock.mono_ns() + 10'000'000'000);
            in = true;
        });
        while (ramp.counts().waited == 0) std::this_thread::yield();
        CHECK_FALSE(in);
        first.reset();
        second.join();
        CHECK(ramp.counts().overran == 0);
    }
    SECTION("more") {
        clock.advance(100ms);
        const Ramp::Place second(ramp, clock.mono_ns());
        CHECK(ramp.counts().waited == 0);
        CHECK(ramp.counts().overran == 0);
    }
    SECTION("over") {
        const Ramp::Place second(ramp, clock.mono_ns());
        CHECK(ramp.counts().overran == 1);
    }
}
