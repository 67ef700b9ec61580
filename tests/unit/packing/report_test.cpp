// tests/unit/packing/report_test.cpp -- what is said about compression: figures that add up, and advice that fits.
#include "kernel/core/compression_report.hpp"
#include "tests/support/corpora.hpp"
#include "tests/support/test_cache.hpp"
#include "tests/unit/packing/real_codecs.hpp"

#include <boost/json.hpp>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> advice(TestCache& cache) { return compression_advice(*cache.cache->figures().space("menu")); }
std::string policy(const std::string& compress) { return "larder 1\nnamespace menu { key \"{id}\"; ttl 10m; " + compress + " }\n"; }
void put_all(TestCache& cache, const Corpus& corpus) {
    for (std::size_t i = 0; i < corpus.values.size(); ++i) REQUIRE(cache.put("menu", std::to_string(i), corpus.values[i]) == LARDER_OK);
}

}  // namespace

TEST_CASE("the report says for each way what went in and out, what was tried, and which dictionary there is") {
    TestCacheOptions o;
    o.codecs = real_codecs();
    TestCache cache(policy("compress auto"), std::move(o));
    const Corpus values = json_objects(500, 600, 1);
    put_all(cache, values);
    cache.executor.run();
    put_all(cache, values);
    REQUIRE(cache.get("menu", "3") == values.values[3]);
    const auto root = boost::json::parse(cache.cache->stats_json("compression")).as_object();
    const auto& menu = root.at("by_namespace").at("menu").as_object();
    CHECK(menu.at("codec").as_string() == "auto");
    CHECK(menu.at("saved_bytes").to_number<std::uint64_t>() ==
          menu.at("original_bytes").to_number<std::uint64_t>() - menu.at("compressed_bytes").to_number<std::uint64_t>());
    CHECK(menu.at("compression_ratio").as_double() > 60);
    CHECK(menu.at("dictionary").at("bytes").to_number<std::uint64_t>() > 1000);
    CHECK(menu.at("dictionary").at("times_smaller").as_double() > 3);
    std::uint64_t saved = 0;
    bool writes = false;
    for (const auto& way : menu.at("ways").as_array()) {
        saved += way.at("saved_bytes").to_number<std::uint64_t>();
        writes |= way.at("writes").as_string() != "none";
    }
    CHECK(saved == menu.at("saved_bytes").to_number<std::uint64_t>());
    CHECK(writes);
    int taken = 0;
    for (const auto& one : menu.at("tried").as_array()) taken += one.at("taken").as_bool();
    CHECK(taken == 1);
    CHECK(root.at("totals").at("compressed_values").to_number<std::uint64_t>() > 500);
    CHECK(root.at("recommendations").as_array().empty());
}

TEST_CASE("advice: to compress, to learn a dictionary, to leave alone what gets no smaller") {
    TestCacheOptions o;
    o.codecs = real_codecs();
    TestCache cache(policy(""), std::move(o));
    put_all(cache, json_objects(2'000, 200, 1));
    REQUIRE(advice(cache).size() == 1);
    CHECK(advice(cache)[0].find("not compressed; try `compress auto`") != std::string::npos);

    TestCacheOptions b;
    b.codecs = real_codecs();
    TestCache small(policy("compress brotli above 1KiB"), std::move(b));
    put_all(small, json_objects(500, 200, 1));
    REQUIRE(advice(small).size() == 1);
    CHECK(advice(small)[0].find("learns a dictionary") != std::string::npos);

    TestCacheOptions n;
    n.codecs = real_codecs();
    TestCache useless(policy("compress zstd above 100B"), std::move(n));
    put_all(useless, noise(3'000, 200, 1));
    REQUIRE(advice(useless).size() == 1);
    CHECK(advice(useless)[0].find("most values do not get smaller") != std::string::npos);
}
