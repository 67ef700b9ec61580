// tests/unit/core/fence_test.cpp -- what is remembered of misses, and what is forgotten when there are many.
#include "kernel/core/fence.hpp"
#include "tests/catch.hpp"

using namespace larder;

namespace {

constexpr std::uint64_t second = 1'000'000'000;
FencePoint at(std::uint64_t epoch) {
    FencePoint point;
    point.epoch = epoch;
    return point;
}

}  // namespace

TEST_CASE("misses of four keys that fall into one slot are all remembered, of five the oldest is not") {
    FenceBook book(64);
    for (std::uint64_t i = 0; i < 4; ++i) book.remember(7 + 64 * i, 1, at(i + 1), second + i);
    SECTION("four") {
        for (std::uint64_t i = 0; i < 4; ++i) {
            const auto point = book.take(7 + 64 * i, 1, 2 * second);
            REQUIRE(point);
            CHECK(point->epoch == i + 1);
            CHECK_FALSE(book.take(7 + 64 * i, 1, 2 * second));
        }
    }
    SECTION("five") {
        book.remember(7 + 64 * 4, 1, at(5), second + 4);
        CHECK_FALSE(book.take(7, 1, 2 * second));
        for (std::uint64_t i = 1; i < 5; ++i) CHECK(book.take(7 + 64 * i, 1, 2 * second)->epoch == i + 1);
    }
}

TEST_CASE("a client's own point is used, another's set uses the oldest, and what is forgotten is that client's alone") {
    FenceBook book(64);
    book.remember(7, 1, at(10), second);
    book.remember(7, 2, at(20), second);
    book.remember(71, 1, at(30), second);
    CHECK(book.take(7, 2, second)->epoch == 20);
    CHECK(book.take(7, 3, second)->epoch == 10);
    book.remember(7, 1, at(40), second);
    book.remember(7, 2, at(50), second);
    book.forget(7, 1);
    CHECK(book.take(7, 1, second)->epoch == 50);
    CHECK(book.take(71, 1, second)->epoch == 30);
}

TEST_CASE("a point lives for thirty seconds") {
    FenceBook book(64);
    book.remember(7, 1, at(1), second);
    CHECK_FALSE(book.take(7, 1, 31 * second));
}
