// tests/unit/core/clock_test.cpp -- the clocks and the generators of random numbers.
#include "kernel/core/clock.hpp"

#include "catch.hpp"
#include "kernel/core/random.hpp"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <set>
#include <thread>
#include <vector>

namespace larder {
namespace {

std::uint64_t system_ns(clockid_t id) {
    timespec at{};
    clock_gettime(id, &at);
    return static_cast<std::uint64_t>(at.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(at.tv_nsec);
}

}  // namespace

TEST_CASE("the system clock never goes back, whoever measures suspend meanwhile") {
    SystemClock clock;
    std::thread measures([&] {
        for (int i = 0; i < 20'000; ++i) clock.resync();
    });
    std::uint64_t last = 0;
    bool went_back = false;
    for (int i = 0; i < 200'000; ++i) {
        const std::uint64_t now = clock.mono_ns();
        went_back = went_back || now < last;
        last = now;
    }
    measures.join();
    REQUIRE_FALSE(went_back);
}

// Against the kernel's own coarse clock: how late that is on a busy machine is not ours.
TEST_CASE(
    "the system clock is the coarse clock plus the time in suspend, and never leads boot time") {
    SystemClock clock;
    // A reader that is interrupted between two clocks sees too little suspend: the best of many
    // counts.
    std::uint64_t suspended = 0;
    for (int i = 0; i < 1'000; ++i) {
        clock.resync();
        const std::uint64_t boot = system_ns(CLOCK_BOOTTIME), mono = system_ns(CLOCK_MONOTONIC);
        suspended = std::max(suspended, boot > mono ? boot - mono : 0);
    }
    for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t coarse = system_ns(CLOCK_MONOTONIC_COARSE);
        const std::uint64_t now = clock.mono_ns();
        REQUIRE(now + 1'000'000 >= coarse + suspended);
        const std::uint64_t fine = clock.fine_ns();
        REQUIRE(fine >= now);
        REQUIRE(fine <= system_ns(CLOCK_BOOTTIME));
    }
}

TEST_CASE("the wall clock says milliseconds since 1970") {
    const std::uint64_t before = system_ns(CLOCK_REALTIME) / 1'000'000;
    const std::uint64_t now = SystemClock().wall_ms();
    REQUIRE(now >= before);
    REQUIRE(now <= system_ns(CLOCK_REALTIME) / 1'000'000);
}

TEST_CASE("the manual clock moves both clocks by what it is told and no more") {
    ManualClock clock;
    const std::uint64_t mono = clock.mono_ns(), wall = clock.wall_ms();
    REQUIRE(mono == 3'600'000'000'000);
    clock.advance(Ms{1'500});
    REQUIRE(clock.mono_ns() == mono + 1'500'000'000);
    REQUIRE(clock.wall_ms() == wall + 1'500);
    clock.set_wall_ms(5);
    REQUIRE(clock.wall_ms() == 5);
    REQUIRE(clock.mono_ns() == mono + 1'500'000'000);
}

TEST_CASE("the same seed gives the same numbers, another seed others") {
    SeededRandom a(42), b(42), c(43);
    bool differs = false;
    for (int i = 0; i < 1'000; ++i) {
        const std::uint64_t number = a.next();
        REQUIRE(number == b.next());
        differs = differs || number != c.next();
    }
    REQUIRE(differs);
}

TEST_CASE("random numbers are never 0 and none comes twice, also from many threads") {
    SystemRandom system;
    SeededRandom seeded(7);
    std::array<Random*, 2> generators{&system, &seeded};
    for (Random* random : generators) {
        std::array<std::vector<std::uint64_t>, 4> drawn;
        std::vector<std::thread> threads;
        for (auto& mine : drawn)
            threads.emplace_back([&mine, random] {
                for (int i = 0; i < 5'000; ++i) mine.push_back(random->next());
            });
        for (auto& thread : threads) thread.join();
        std::set<std::uint64_t> all;
        for (const auto& mine : drawn) all.insert(mine.begin(), mine.end());
        REQUIRE(all.size() == 20'000);
        REQUIRE(all.count(0) == 0);
    }
}

TEST_CASE("each bit of a random number is set in about half of them") {
    SystemRandom system;
    SeededRandom seeded(11);
    std::array<Random*, 2> generators{&system, &seeded};
    for (Random* random : generators) {
        std::array<int, 64> set{};
        for (int i = 0; i < 10'000; ++i) {
            const std::uint64_t number = random->next();
            for (std::size_t bit = 0; bit < 64; ++bit) set[bit] += (number >> bit) & 1 ? 1 : 0;
        }
        // Eight standard deviations (50 each) from the middle.
        for (int count : set) REQUIRE((count > 4'600 && count < 5'400));
    }
}

TEST_CASE("the child of a fork draws other numbers than its parent") {
    SystemRandom random;
    random.next();
    std::array<int, 2> pipe_ends{};
    REQUIRE(pipe(pipe_ends.data()) == 0);
    std::cout.flush();  // or the child might print it again
    const pid_t child = fork();
    if (child == 0) {
        const std::uint64_t number = random.next();
        const bool written = write(pipe_ends[1], &number, sizeof number) == sizeof number;
        _exit(written ? 0 : 1);
    }
    const std::uint64_t mine = random.next();
    std::uint64_t childs = 0;
    const bool got = read(pipe_ends[0], &childs, sizeof childs) == sizeof childs;
    waitpid(child, nullptr, 0);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    REQUIRE(got);
    REQUIRE(childs != mine);
}

}  // namespace larder
