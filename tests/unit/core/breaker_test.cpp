// tests/unit/core/breaker_test.cpp -- when calls go through, and when they are left alone.
#include "kernel/core/breaker.hpp"

#include "catch.hpp"

#include <atomic>
#include <thread>
#include <vector>

namespace larder {
namespace {

using namespace std::chrono_literals;
using State = Breaker::State;

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t start = 3'600 * second;

void open(Breaker& breaker, std::uint64_t at_ns, int failures = 5) {
    for (int i = 0; i < failures; ++i) {
        REQUIRE(breaker.allow(at_ns));
        breaker.failure(at_ns);
    }
}

}  // namespace

TEST_CASE("five failures in a row open the breaker, and the fifth one says so") {
    Breaker breaker({});
    for (int i = 0; i < 4; ++i) {
        REQUIRE(breaker.allow(start));
        REQUIRE_FALSE(breaker.failure(start));
    }
    REQUIRE(breaker.state(start) == State::closed);
    REQUIRE(breaker.allow(start));
    REQUIRE(breaker.failure(start));
    REQUIRE(breaker.state(start) == State::open);
    REQUIRE(breaker.opened() == 1);
    REQUIRE_FALSE(breaker.allow(start));
}

TEST_CASE("a success between failures starts the count again") {
    Breaker breaker({});
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 4; ++i) REQUIRE_FALSE(breaker.failure(start));
        breaker.success();
    }
    REQUIRE(breaker.state(start) == State::closed);
}

TEST_CASE("an open breaker lets nothing through for sixty seconds, then one probe at a time") {
    Breaker breaker({});
    open(breaker, start);
    REQUIRE_FALSE(breaker.allow(start + 60 * second - 1));
    REQUIRE(breaker.state(start + 60 * second) == State::half_open);
    REQUIRE(breaker.allow(start + 60 * second));
    REQUIRE_FALSE(breaker.allow(start + 60 * second));
}

TEST_CASE("a probe that succeeds closes the breaker with a clean count") {
    Breaker breaker({});
    open(breaker, start);
    REQUIRE(breaker.allow(start + 60 * second));
    breaker.success();
    REQUIRE(breaker.state(start + 60 * second) == State::closed);
    for (int i = 0; i < 4; ++i) REQUIRE_FALSE(breaker.failure(start + 61 * second));
    REQUIRE(breaker.allow(start + 61 * second));
}

TEST_CASE("a probe that fails opens the breaker for the whole time again") {
    Breaker breaker({});
    open(breaker, start);
    REQUIRE(breaker.allow(start + 60 * second));
    REQUIRE(breaker.failure(start + 61 * second));
    REQUIRE(breaker.opened() == 2);
    REQUIRE_FALSE(breaker.allow(start + 120 * second));
    REQUIRE(breaker.allow(start + 121 * second));
}

TEST_CASE("answers of calls from before it opened neither close it nor keep it open longer") {
    Breaker breaker({});
    open(breaker, start);
    breaker.success();
    REQUIRE(breaker.state(start + 1) == State::open);
    REQUIRE_FALSE(breaker.failure(start + 59 * second));
    REQUIRE(breaker.allow(start + 60 * second));
}

TEST_CASE("a probe whose answer never comes does not keep the breaker half open for ever") {
    Breaker breaker({});
    open(breaker, start);
    REQUIRE(breaker.allow(start + 60 * second));
    REQUIRE_FALSE(breaker.allow(start + 119 * second));
    REQUIRE(breaker.allow(start + 120 * second));
    breaker.success();
    REQUIRE(breaker.state(start + 120 * second) == State::closed);
}

TEST_CASE("limits can be changed while it runs, and none of them can be nothing") {
    Breaker breaker({0, 0, 1s});
    REQUIRE(breaker.failure(start));
    REQUIRE(breaker.allow(start + second));
    REQUIRE_FALSE(breaker.allow(start + second));
    breaker.success();
    breaker.configure({2, 3, 10s});
    REQUIRE_FALSE(breaker.failure(start));
    REQUIRE(breaker.failure(start));
    for (int i = 0; i < 3; ++i) REQUIRE(breaker.allow(start + 10 * second));
    REQUIRE_FALSE(breaker.allow(start + 10 * second));
}

TEST_CASE("while half open no more than the probes go through at once, from however many threads") {
    constexpr std::uint32_t probes = 2;
    Breaker breaker({1, probes, 1s});
    std::atomic<int> inside{0}, most{0}, went{0};
    for (int round = 1; round <= 200; ++round) {
        const std::uint64_t at = start + static_cast<std::uint64_t>(round) * 10 * second;
        REQUIRE(breaker.allow(at));
        breaker.failure(at);
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                if (!breaker.allow(at + second)) return;
                went.fetch_add(1);
                const int now = inside.fetch_add(1) + 1;
                int seen = most.load();
                while (seen < now && !most.compare_exchange_weak(seen, now)) {
                }
            });
        for (auto& thread : threads) thread.join();
        inside = 0;
        breaker.success();
        REQUIRE(breaker.state(at + second) == State::closed);
    }
    REQUIRE(most == static_cast<int>(probes));
    REQUIRE(went == 200 * static_cast<int>(probes));
}

}  // namespace larder
