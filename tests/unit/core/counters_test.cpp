// tests/unit/core/counters_test.cpp -- counting from many threads.
#include "kernel/core/counters.hpp"

#include "catch.hpp"

#include <latch>
#include <thread>
#include <vector>

namespace larder {

TEST_CASE("each counter of a group counts for itself") {
    Counters counters;
    counters.add(0);
    counters.add(Counters::width - 1, 41);
    counters.add(Counters::width - 1);
    REQUIRE(counters.sum(0) == 1);
    REQUIRE(counters.sum(1) == 0);
    REQUIRE(counters.sum(Counters::width - 1) == 42);
}

TEST_CASE("no count is lost when there are more threads than stripes") {
    Counters counters;
    constexpr std::size_t threads = Counters::stripes * 2, each = 2'000;
    std::latch all_there(static_cast<std::ptrdiff_t>(threads));
    std::vector<std::thread> running;
    for (std::size_t i = 0; i < threads; ++i)
        running.emplace_back([&] {
            counters.add(5);
            all_there.arrive_and_wait();  // so that every stripe is taken before the counting
            for (std::size_t n = 1; n < each; ++n) counters.add(5);
        });
    for (auto& thread : running) thread.join();
    REQUIRE(counters.sum(5) == threads * each);
}

TEST_CASE("what ended threads counted is kept, and the next thread counts on in their cells") {
    Counters counters;
    for (int i = 0; i < 100; ++i) std::thread([&] { counters.add(3, 10); }).join();
    REQUIRE(counters.sum(3) == 1'000);
}

TEST_CASE("a thread that ends may still count") {
    static Counters counters;
    struct CountsLast {
        ~CountsLast() { counters.add(1); }
    };
    std::thread([] {
        thread_local CountsLast last;  // made first, so destroyed after the stripe is given back
        static_cast<void>(last);
        counters.add(1);
    }).join();
    REQUIRE(counters.sum(1) == 2);
}

TEST_CASE("a sum read while others count lies between its beginning and its end") {
    Counters counters;
    std::atomic<std::uint64_t> counted{0};
    constexpr std::uint64_t total = 100'000;
    std::thread counts([&] {
        for (std::uint64_t i = 1; i <= total; ++i) {
            counters.add(0);
            counted.store(i, std::memory_order_release);
        }
    });
    std::uint64_t last = 0;
    bool held = true;
    while (last < total) {
        const std::uint64_t before = counted.load(std::memory_order_acquire);
        const std::uint64_t sum = counters.sum(0);
        held = held && sum >= before && sum >= last;
        last = sum;
    }
    counts.join();
    REQUIRE(held);
    REQUIRE(counters.sum(0) == total);
}

}  // namespace larder
