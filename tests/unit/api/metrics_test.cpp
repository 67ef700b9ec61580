// tests/unit/api/metrics_test.cpp -- the numbers plugins keep.
#include "catch.hpp"
#include "kernel/api/metrics.hpp"

#include <boost/json.hpp>

#include <string>
#include <thread>
#include <vector>

using namespace larder;
using api::Metrics;

namespace {

boost::json::value sample(const Metrics& metrics, const char* name, std::size_t index = 0) {
    return boost::json::parse(metrics.json()).at(name).at("samples").at(index);
}

}  // namespace

TEST_CASE("a counter counts what every thread adds") {
    Metrics metrics;
    const auto& functions = Metrics::functions();
    auto* metric = metrics.open("org.larder.resp", LARDER_METRIC_COUNTER, "requests_total", "", "");
    REQUIRE(metric != nullptr);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 10'000; ++i) functions.add(metric, 1);
        });
    for (auto& thread : threads) thread.join();
    CHECK(sample(metrics, "larder_plugin_org_larder_resp_requests_total").at("value").as_double() == 40'000);
}

TEST_CASE("opening a metric again gives the same one, with other labels another, as another kind none") {
    Metrics metrics;
    auto* one = metrics.open("a.b", LARDER_METRIC_GAUGE, "size", "", "k=1");
    CHECK(metrics.open("a.b", LARDER_METRIC_GAUGE, "size", "", "k=1") == one);
    CHECK(metrics.open("a.b", LARDER_METRIC_GAUGE, "size", "", "k=2") != one);
    CHECK(metrics.open("a.b", LARDER_METRIC_COUNTER, "size", "", "k=1") == nullptr);
    CHECK(metrics.open("a.c", LARDER_METRIC_COUNTER, "size", "", "k=1") != nullptr);
}

TEST_CASE("a name that is no metric name, and a metric too many, are null") {
    Metrics metrics;
    for (const char* name : {"", "9lives", "Upper", "with space", "a\"b"})
        CHECK(metrics.open("a", LARDER_METRIC_GAUGE, name, "", "") == nullptr);
    CHECK(metrics.open("a", 7, "name", "", "") == nullptr);
    for (std::size_t i = 0; i < Metrics::max_metrics; ++i)
        REQUIRE(metrics.open("a", LARDER_METRIC_GAUGE, "n", "", std::to_string(i).c_str()) != nullptr);
    CHECK(metrics.open("a", LARDER_METRIC_GAUGE, "n", "", "one more") == nullptr);
    Metrics::functions().add(nullptr, 1);
}

TEST_CASE("a histogram's buckets are cumulative and end with everything") {
    Metrics metrics;
    auto* metric = metrics.open("a", LARDER_METRIC_HISTOGRAM, "seconds", "", "");
    for (const double seconds : {0.000'01, 0.000'02, 0.3, 100.0}) Metrics::functions().observe(metric, seconds);
    const auto shown = sample(metrics, "larder_plugin_a_seconds");
    CHECK(shown.at("count").to_number<int>() == 4);
    CHECK(shown.at("sum").as_double() == test::Approx(100.300'03));
    const auto& buckets = shown.at("buckets").as_array();
    CHECK(buckets.front().at("count").to_number<int>() == 1);  // its bound is included
    CHECK(buckets.back().at("count").to_number<int>() == 3);
    for (std::size_t i = 1; i < buckets.size(); ++i)
        CHECK(buckets[i - 1].at("le").as_double() < buckets[i].at("le").as_double());
}
