// tests/unit/packing/change_test.cpp -- codec, level, threshold and whether at all, changed while entries are there.
#include "kernel/core/figures.hpp"
#include "tests/support/corpora.hpp"
#include "tests/support/test_cache.hpp"
#include "tests/unit/packing/real_codecs.hpp"

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

std::string policy(const std::string& compress) { return "larder 1\nnamespace menu { key \"{id}\"; ttl 10m; " + compress + " }\n"; }

TestCacheOptions all_codecs() {
    TestCacheOptions o;
    o.codecs = real_codecs();
    return o;
}

}  // namespace

TEST_CASE("codec, level and threshold change while it runs and compression goes and comes back: no entry is lost") {
    const std::vector<std::string> ways{"compress brotli above 1KiB", "compress gzip above 512B { level 9 }", "compress zstd above 100B",
                                        "compress none",              "",                                     "compress auto",
                                        "compress zstd { level 19 }", "compress brotli { quality 1 }"};
    TestCache cache(policy(ways.front()), all_codecs());
    std::vector<std::pair<std::string, std::string>> all;
    for (std::size_t w = 0; w < ways.size(); ++w) {
        CAPTURE(ways[w]);
        if (w > 0) cache.install(policy(ways[w]));
        const Corpus values = json_objects(w % 2 == 0 ? 500 : 2'000, 150, w + 1);
        for (std::size_t i = 0; i < values.values.size(); ++i) {
            all.emplace_back(std::to_string(w) + "." + std::to_string(i), values.values[i]);
            REQUIRE(cache.put("menu", all.back().first, all.back().second) == LARDER_OK);
        }
        cache.after(11s);  // what is learnt in between is learnt
        for (const auto& [key, value] : all) REQUIRE(cache.get("menu", key) == value);
    }
    CHECK(cache.counts("menu").damaged == 0);
    CHECK(cache.counts("menu").misses == 0);
}

TEST_CASE("a level in the policy's block holds for its namespace, and another one says nothing about it") {
    TestCache cache("larder 1\nnamespace a { key \"{id}\"; ttl 10m; compress gzip { level 1 } }\nnamespace b { key \"{id}\"; ttl 10m; compress gzip { level 9 } }\n",
                    all_codecs());
    for (const std::string& value : json_reports(20'000, 5, 1).values) {
        REQUIRE(cache.put("a", "k", value) == LARDER_OK);
        REQUIRE(cache.put("b", "k", value) == LARDER_OK);
    }
    const Figures figures = cache.cache->figures();
    CHECK(figures.space("a")->stored_bytes > figures.space("b")->stored_bytes);
    CHECK(figures.space("a")->packing.ways.at(0).name == "gzip-1");
    CHECK(figures.space("b")->packing.ways.at(0).name == "gzip-9");
}

TEST_CASE("a dictionary outlives the clause that made it: switched off and on, its entries are read and it is used again") {
    TestCache cache(policy("compress zstd above 100B"), all_codecs());
    const Corpus values = json_objects(500, 400, 1);
    for (std::size_t i = 0; i < values.values.size(); ++i) REQUIRE(cache.put("menu", std::to_string(i), values.values[i]) == LARDER_OK);
    cache.executor.run();
    const std::uint32_t id = cache.cache->figures().space("menu")->packing.dictionary.id;
    REQUIRE(id != 0);
    REQUIRE(cache.put("menu", "with", values.values[7]) == LARDER_OK);
    for (const char* now : {"compress none", "compress brotli", "compress zstd above 100B"}) {
        cache.install(policy(now));
        CHECK(cache.get("menu", "with") == values.values[7]);
    }
    CHECK(cache.cache->figures().space("menu")->packing.dictionary.id == id);
    const std::uint64_t before = cache.cache->figures().space("menu")->stored_bytes;
    REQUIRE(cache.put("menu", "again", values.values[8]) == LARDER_OK);
    CHECK(cache.cache->figures().space("menu")->stored_bytes - before < values.values[8].size() / 3);
}

TEST_CASE("a codec that is taken away makes its entries misses, counted, and the next write is as the policy says") {
    TestCacheOptions o = all_codecs();
    TestCache cache(policy("compress brotli"), std::move(o));
    const std::string value = json_objects(2'000, 1, 1).values[0];
    REQUIRE(cache.put("menu", "1", value) == LARDER_OK);
    TestCache other(policy("compress none"), [] {
        TestCacheOptions none;
        none.codecs = {zstd_codec()};
        return none;
    }());
    CHECK(cache.get("menu", "1") == value);
    REQUIRE(other.put("menu", "1", value) == LARDER_OK);
    CHECK(other.get("menu", "1") == value);
}

TEST_CASE("what was replaced, appended to or read back as it was before a write comes out of a compressed entry") {
    TestCache cache(policy("compress zstd above 100B"), all_codecs());
    const Corpus values = json_objects(500, 400, 1);
    for (std::size_t i = 0; i < values.values.size(); ++i) REQUIRE(cache.put("menu", std::to_string(i), values.values[i]) == LARDER_OK);
    cache.executor.run();
    REQUIRE(cache.put("menu", "k", values.values[3]) == LARDER_OK);
    TestCache::PutOptions old;
    old.flags = LARDER_SET_RETURN_OLD;
    larder_cache_set item = cache.set("menu", "k", values.values[4], old);
    CHECK(std::string_view(static_cast<const char*>(item.old.data), item.old.size) == values.values[3]);
    if (item.old.release != nullptr) item.old.release(&item.old);
    std::string seen;
    CHECK(cache.cache->visit(
              cache.ns("menu"), "k", nullptr,
              [](void* ctx, larder_bytes bytes) noexcept { static_cast<std::string*>(ctx)->assign(static_cast<const char*>(bytes.data), bytes.size); }, &seen) ==
          LARDER_OK);
    CHECK(seen == values.values[4]);
}
