// tests/unit/plugins/store_memory_orders_test.cpp -- the orders that a namespace can name, and the one
// that finds out which is best.
#include "tests/catch.hpp"
#include "tests/unit/plugins/memory_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace larder::test;

namespace {

constexpr std::array<std::uint32_t, 6> orders{LARDER_EVICT_LRU,    LARDER_EVICT_LFU,      LARDER_EVICT_FIFO,
                                              LARDER_EVICT_S3FIFO, LARDER_EVICT_ADAPTIVE, LARDER_EVICT_AUTO};
constexpr std::size_t auto_at = 5;
constexpr std::uint64_t room = 1000;

MemoryTable& bounded(MemoryTable& m, std::uint32_t order) {
    REQUIRE(m.table.limits(1, room, 0) == LARDER_OK);
    REQUIRE(m.table.evict(1, order) == LARDER_OK);
    return m;
}

bool ask(MemoryTable& m, std::uint64_t key) {
    const std::string name = numbered("k", key);
    if (m.get(name)) {
        return true;
    }
    m.put(name, "v");
    return false;
}

// How many of the keys 0 .. n-1 are still there.
std::uint64_t there(MemoryTable& m, std::uint64_t n) {
    std::uint64_t count = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
        count += m.has(numbered("k", i)) ? 1 : 0;
    }
    return count;
}

using Keys = std::vector<std::uint64_t>;

// Per cent of requests that found their key, from an empty memory.
double hits(std::uint32_t order, const Keys& keys) {
    MemoryTable m(std::uint64_t{16} << 20, 1);
    bounded(m, order);
    std::uint64_t found = 0;
    for (const std::uint64_t key : keys) {
        found += ask(m, key) ? 1 : 0;
    }
    return 100.0 * static_cast<double>(found) / static_cast<double>(keys.size());
}

Keys make(std::size_t count, const std::function<std::uint64_t(std::size_t, std::mt19937_64&)>& next) {
    std::mt19937_64 random(20261121);
    Keys keys(count);
    for (std::size_t i = 0; i < count; ++i) {
        keys[i] = next(i, random);
    }
    return keys;
}

double share(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1.0p-53; }

// Popularity that falls with the rank, of so many keys.
std::uint64_t popular(double among, std::mt19937_64& random) {
    return static_cast<std::uint64_t>(std::pow(among, share(random)));
}

Keys popularity() {
    return make(150'000, [](std::size_t, std::mt19937_64& r) { return popular(50'000, r); });
}
Keys loop() {
    return make(100'000, [](std::size_t i, std::mt19937_64&) { return i % 1500; });
}
// What was new lately is asked for again, for a while.
Keys news() {
    return make(150'000, [](std::size_t i, std::mt19937_64& r) {
        return i / 3 + 10'000 - std::min<std::uint64_t>(popular(3'000, r), 9'999);
    });
}
// What is popular, and passers-by that come twice at once and never again.
Keys passers_by() {
    return make(150'000, [](std::size_t i, std::mt19937_64& r) {
        return i % 2 == 0 ? popular(4'000, r) : 1'000'000 + i / 4;
    });
}

}  // namespace

TEST_CASE("evict lru: what was used lately stays, however little it was used before") {
    MemoryTable m;
    bounded(m, LARDER_EVICT_LRU);
    for (std::uint64_t key = 0; key < 200; ++key) {
        for (int uses = 0; uses < 50; ++uses) {
            ask(m, key);
        }
    }
    for (std::uint64_t key = 1000; key < 4000; ++key) {
        ask(m, key);
    }
    REQUIRE(there(m, 200) == 0);
    REQUIRE(m.stats(1).entries == room);
}

TEST_CASE("evict lfu: what was used often outlives three memories of what was used once") {
    MemoryTable m;
    bounded(m, LARDER_EVICT_LFU);
    for (int round = 0; round < 8; ++round) {
        for (std::uint64_t key = 0; key < 200; ++key) {
            ask(m, key);
        }
        for (std::uint64_t key = 0; key < 500; ++key) {
            ask(m, 10'000 + static_cast<std::uint64_t>(round) * 500 + key);
        }
    }
    for (std::uint64_t key = 100'000; key < 103'000; ++key) {
        ask(m, key);
    }
    REQUIRE(there(m, 200) > 190);
}

TEST_CASE("evict fifo: a use keeps nothing, what came first goes first") {
    MemoryTable m;
    bounded(m, LARDER_EVICT_FIFO);
    for (std::uint64_t key = 0; key < 4000; ++key) {
        ask(m, key);
        for (std::uint64_t used = 0; used < 20 && m.has(numbered("k", used)); ++used) {
            m.get(numbered("k", used));
        }
    }
    REQUIRE(there(m, 3000 - room) == 0);
}

TEST_CASE("evict s3fifo: what is used again outlives a scan of ten times the memory") {
    MemoryTable m;
    bounded(m, LARDER_EVICT_S3FIFO);
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        ask(m, i % 2 == 0 ? i / 2 % 500 : 10'000 + i);
    }
    REQUIRE(there(m, 500) > 475);
}

TEST_CASE("an order that the store does not have changes nothing, and a cleared namespace keeps its own") {
    MemoryTable m;
    bounded(m, LARDER_EVICT_FIFO);
    REQUIRE(m.table.evict(1, LARDER_EVICT_AUTO + 1) == LARDER_E_UNSUPPORTED);
    REQUIRE(m.stats(1).evicts_by == LARDER_EVICT_FIFO);
    m.put("k", "v");
    m.table.clear(1);
    REQUIRE(m.stats(1).evicts_by == LARDER_EVICT_FIFO);
    REQUIRE(m.table.evict(1, LARDER_EVICT_ADAPTIVE) == LARDER_OK);
    REQUIRE(m.stats(1).evicts_by == LARDER_EVICT_ADAPTIVE);
}

TEST_CASE("evict auto is at most a point below the best order on every stream, and on the average a fifth below none") {
    const std::array<Keys, 4> streams{popularity(), loop(), news(), passers_by()};
    std::array<double, orders.size()> mean{};
    for (const Keys& keys : streams) {
        std::array<double, orders.size()> ratios{};
        for (std::size_t i = 0; i < orders.size(); ++i) {
            ratios[i] = hits(orders[i], keys);
            mean[i] += ratios[i] / static_cast<double>(streams.size());
        }
        INFO("lru " << ratios[0] << " lfu " << ratios[1] << " fifo " << ratios[2] << " s3fifo " << ratios[3]
                    << " adaptive " << ratios[4] << " auto " << ratios[auto_at]);
        CHECK(ratios[auto_at] >= *std::max_element(ratios.begin(), ratios.begin() + auto_at) - 1);
    }
    for (std::size_t i = 0; i < auto_at; ++i) {
        INFO("order " << orders[i] << " mean " << mean[i] << " auto " << mean[auto_at]);
        CHECK(mean[auto_at] > mean[i] - 0.2);
    }
}

TEST_CASE("the order may change while threads read and write, and auto is found out meanwhile") {
    MemoryTable m;
    bounded(m, LARDER_EVICT_AUTO);
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 3; ++t) {
        threads.emplace_back([&m, t] {
            std::mt19937_64 random(t);
            for (int i = 0; i < 30'000; ++i) {
                ask(m, popular(5'000, random));
            }
        });
    }
    for (int turn = 0; turn < 60; ++turn) {
        REQUIRE(m.table.evict(1, orders[static_cast<std::size_t>(turn) % orders.size()]) == LARDER_OK);
        if (turn % 20 == 19) {
            m.table.clear(1);
        }
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    REQUIRE(m.stats(1).entries <= room + room / 100);
}
