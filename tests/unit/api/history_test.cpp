// tests/unit/api/history_test.cpp -- seven days in a ring, and the line through the last of them.
#include "catch.hpp"
#include "kernel/api/history.hpp"

using larder::Figures;
using larder::api::History;

namespace {

struct Days {
    Figures figures;
    History history;
    Days() {
        figures.mono_ns = 1;
        figures.wall_ms = 1'700'000'000'000;
        figures.tiers.emplace_back();
        figures.tiers.back().name = "l1";
        figures.tiers.back().capacity_bytes = 1'000'000;
        figures.spaces.emplace_back();
        figures.spaces.back().counts.name = "menu";
    }
    void step(std::uint64_t bytes) {
        figures.mono_ns += 300'000'000'000;
        figures.wall_ms += 300'000;
        figures.tiers.back().bytes = bytes;
        figures.spaces.back().entries = bytes / 100;
        history.look(figures, {});
    }
};

}  // namespace

TEST_CASE("a point is taken every five minutes, however often it is asked for") {
    Days days;
    for (int i = 0; i < 10; ++i) {
        days.step(100);
        for (int again = 0; again < 5; ++again) days.history.look(days.figures, {});
    }
    CHECK(days.history.points_of("store:l1").size() == 10);
    CHECK(days.history.points_of("namespace:menu").back().entries == 1);
    CHECK(days.history.points_of("namespace:nothing").empty());
}

TEST_CASE("after seven days the oldest points go, in order") {
    Days days;
    for (std::uint64_t i = 0; i < History::points + 100; ++i) days.step(i);
    const auto points = days.history.points_of("store:l1");
    REQUIRE(points.size() == History::points);
    CHECK(points.front().bytes == 100);
    CHECK(points.back().bytes == History::points + 99);
    for (std::size_t i = 1; i < points.size(); ++i) REQUIRE(points[i].at_ms == points[i - 1].at_ms + 300'000);
}

TEST_CASE("a store that grows by the hour is full when the line meets its capacity") {
    Days days;
    for (std::uint64_t i = 0; i < 48; ++i) days.step(100'000 + i * 1000);  // 12,000 an hour
    const auto forecast = days.history.forecast("store:l1", 1'000'000);
    REQUIRE(forecast);
    CHECK(forecast->bytes_per_hour == larder::test::Approx(12'000).epsilon(0.001));
    REQUIRE(forecast->full_in_hours);
    CHECK(*forecast->full_in_hours == larder::test::Approx((1'000'000 - 147'000) / 12'000.0).epsilon(0.001));
}

TEST_CASE("there is no forecast from less than an hour, none without growth, none without a bound") {
    Days days;
    for (int i = 0; i < 12; ++i) days.step(1000);
    CHECK_FALSE(days.history.forecast("store:l1", 1'000'000));
    for (int i = 0; i < 12; ++i) days.step(1000);
    CHECK_FALSE(days.history.forecast("store:l1", 1'000'000)->full_in_hours);
    for (std::uint64_t i = 0; i < 12; ++i) days.step(1000 + i * 100);
    CHECK_FALSE(days.history.forecast("store:l1", 0)->full_in_hours);
    CHECK(days.history.forecast("store:l1", 1'000'000)->full_in_hours);
}

TEST_CASE("the forecast is of the last day: what grew before is forgotten") {
    Days days;
    for (std::uint64_t i = 0; i < 288; ++i) days.step(i * 1000);
    for (int i = 0; i < 288; ++i) days.step(288'000);
    CHECK_FALSE(days.history.forecast("store:l1", 1'000'000)->full_in_hours);
}
