// tests/unit/store_redis_topology/ring_test.cpp -- keys are spread evenly, and few move.
#include "plugins/store_redis/ring.hpp"

#include "tests/catch.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace larder::store_redis;

namespace {

std::vector<std::string> names(int n) {
    std::vector<std::string> all;
    for (int i = 0; i < n; ++i) {
        all.push_back("10.0.0." + std::to_string(i + 1) + ":6379");
    }
    return all;
}
std::string key(int i) { return "larder:v:{menu.item:" + std::to_string(i) + "}"; }
constexpr int keys = 100'000;

}  // namespace

TEST_CASE("adding a fourth server to three moves at most 30 % of the keys, and all of them to it") {
    const Ring three(names(3)), four(names(4));
    int moved = 0;
    for (int i = 0; i < keys; ++i) {
        const std::size_t before = three.owner(key(i)), after = four.owner(key(i));
        if (before != after) {
            ++moved;
            REQUIRE(after == 3);
        }
    }
    CAPTURE(moved);
    CHECK(moved <= keys * 30 / 100);
    CHECK(moved >= keys * 20 / 100);
}

TEST_CASE("taking a server away moves its keys and no others") {
    auto left = names(4);
    const Ring four(left);
    left.erase(left.begin() + 1);
    const Ring three(left);
    for (int i = 0; i < keys; ++i) {
        const std::size_t before = four.owner(key(i));
        if (before != 1) {
            REQUIRE(three.owner(key(i)) == (before > 1 ? before - 1 : before));
        }
    }
}

TEST_CASE("each of n servers has its share within 3 %") {
    for (const int n : {1, 2, 3, 5, 16}) {
        const Ring ring(names(n));
        std::vector<int> share(static_cast<std::size_t>(n));
        for (int i = 0; i < keys; ++i) {
            ++share[ring.owner(key(i))];
        }
        for (const int mine : share) {
            CAPTURE(n, mine);
            CHECK(mine > keys / n * 97 / 100);
            CHECK(mine < keys / n * 103 / 100);
        }
    }
}

TEST_CASE("the order of the configuration does not matter") {
    auto shuffled = names(5);
    std::rotate(shuffled.begin(), shuffled.begin() + 2, shuffled.end());
    const Ring one(names(5)), two(shuffled);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(names(5)[one.owner(key(i))] == shuffled[two.owner(key(i))]);
    }
}

TEST_CASE("a value and its lease have one server") {
    const Ring ring(names(7));
    for (int i = 0; i < 1000; ++i) {
        const std::string tag = "{menu.item:" + std::to_string(i) + "}";
        REQUIRE(ring.owner("larder:v:" + tag) == ring.owner("larder:l:" + tag));
    }
}

TEST_CASE("the ring is the same for every build: a key has the server it always had") {
    const Ring ring(names(3));
    std::string owners;
    for (int i = 0; i < 24; ++i) {
        owners += static_cast<char>('0' + ring.owner(key(i)));
    }
    CHECK(owners == "211211111201120120201211");
}
