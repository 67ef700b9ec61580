// tests/unit/cache/threads_test.cpp -- readers, writers and droppers at once.
//
// Each key's values rise with a per-key counter (the origin). A writer raises the origin and then drops;
// a reader loads from the origin. After a drop has returned nobody may read a value from before it.
#include "tests/catch.hpp"
#include "tests/support/test_cache.hpp"

#include <array>
#include <atomic>
#include <thread>

using namespace larder;
using namespace larder::test;

namespace {

constexpr std::size_t keys = 8;

struct Origin {
    std::array<std::atomic<std::uint64_t>, keys> value{};    // what a load reads
    std::array<std::atomic<std::uint64_t>, keys> dropped{};  // the origin's value at the last drop that returned
};

}  // namespace

TEST_CASE("after a drop has returned nobody reads a value from before it", "[threads]") {
    TestCacheOptions two;
    two.stores = {"l1", "l2"};
    TestCache c("larder 1\nnamespace n { key \"{id}\"; ttl 1h; tag \"n:{id}\" }\n", two);
    Origin origin;
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> wrong{0}, reads{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 3; ++t)
        threads.emplace_back([&, t] {
            std::uint64_t i = t;
            while (!stop.load()) {
                const std::size_t k = (i++ * 7) % keys;
                const std::uint64_t least = origin.dropped[k].load();
                const auto got = c.load("n", std::to_string(k), [&] {
                    return Loaded{LARDER_OK, std::to_string(origin.value[k].load()), 0, {}};
                });
                if (!got || std::stoull(*got) < least) wrong.fetch_add(1);
                reads.fetch_add(1);
            }
        });
    for (std::uint64_t round = 1; round <= 3000 || reads.load() < 3000; ++round) {
        const std::size_t k = round % keys;
        origin.value[k].store(round);
        switch (round % 3) {
            case 0: c.drop_tag("n:" + std::to_string(k)); break;
            case 1: c.drop_key("n", std::to_string(k)); break;
            default: c.remove("n", std::to_string(k)); break;
        }
        origin.dropped[k].store(round);
        if (round % 500 == 0) c.drop_space("n");
        if (round % 16 == 0) std::this_thread::yield();
    }
    stop.store(true);
    for (auto& t : threads) t.join();
    CHECK(wrong.load() == 0);
    CHECK(reads.load() > 100);
}

TEST_CASE("a new policy under load changes no answer", "[threads][reload]") {
    const std::string text = "larder 1\nnamespace n { key \"{id}\"; ttl 1h }\n";
    TestCache c(text);
    for (std::size_t k = 0; k < keys; ++k) c.put("n", std::to_string(k), std::to_string(k));
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> wrong{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            while (!stop.load())
                for (std::size_t k = 0; k < keys; ++k)
                    if (c.get("n", std::to_string(k)) != std::to_string(k)) wrong.fetch_add(1);
        });
    for (int i = 0; i < 200; ++i) {
        c.install(text);
        std::this_thread::yield();
    }
    stop.store(true);
    for (auto& t : threads) t.join();
    CHECK(wrong.load() == 0);
}
