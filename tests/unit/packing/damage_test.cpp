// tests/unit/packing/damage_test.cpp -- poisoned bytes under a compressed entry's key: misses, counted, never served.
#include "kernel/core/figures.hpp"
#include "tests/support/corpora.hpp"
#include "tests/support/shared_nodes.hpp"
#include "tests/unit/packing/real_codecs.hpp"

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

std::string only_value(const VirtualRedis& redis, std::string_view key, std::string& name) {
    for (const auto& [k, v] : redis.server().data().values)
        if (k.find(key) != std::string::npos) {
            name = k;
            return v.bytes;
        }
    return {};
}

}  // namespace

TEST_CASE("an entry of every codec that was cut, flipped, inflated, or is another key's is a miss, counted, and never served") {
    for (const char* codec : {"brotli", "zstd", "gzip"}) {
        CAPTURE(codec);
        TestCacheOptions o;
        o.codecs = real_codecs();
        const std::string policy = std::string("larder 1\nnamespace menu { key \"{id}\"; ttl 10m; compress ") + codec + " above 100B; tiers l2 }\n";
        SharedNodes nodes(policy.c_str(), 2, true, o);
        const std::string value = json_objects(2'000, 1, 1).values[0], other = json_objects(2'000, 1, 2).values[0];
        REQUIRE(nodes[0].put("menu", "1", value) == LARDER_OK);
        REQUIRE(nodes[0].put("menu", "2", other) == LARDER_OK);
        std::string name, name_of_other;
        const std::string good = only_value(nodes.redis, "menu:1}", name), of_other = only_value(nodes.redis, "menu:2}", name_of_other);
        REQUIRE(good.size() > 100);
        std::vector<std::string> poisons{of_other, std::string(), good.substr(0, 1), good.substr(0, 51), good + "x", std::string(good.size(), '\xff')};
        for (std::size_t cut = 0; cut < good.size(); cut += 37) poisons.push_back(good.substr(0, cut));
        for (std::size_t at = 0; at < good.size(); at += 11) {
            poisons.push_back(good);
            poisons.back()[at] ^= static_cast<char>(1u << at % 8);
        }
        std::uint64_t misses = nodes[1].counts("menu").misses;
        for (const std::string& poison : poisons) {
            CAPTURE(poison.size());
            nodes.redis.foreign_write(name, poison);
            REQUIRE_FALSE(nodes[1].get("menu", "1").has_value());
            REQUIRE(nodes[1].counts("menu").misses == ++misses);
        }
        CHECK(nodes[1].counts("menu").damaged > 90);
        nodes.redis.foreign_write(name, good);
        CHECK(nodes[1].get("menu", "1") == value);
    }
}

TEST_CASE("an entry that declares more than a value may have is refused before anything is made of it") {
    TestCacheOptions o;
    o.codecs = real_codecs();
    SharedNodes nodes("larder 1\nnamespace menu { key \"{id}\"; ttl 10m; compress zstd above 100B; tiers l2 }\n", 1, true, o);
    // What a node with a larger bound wrote: an envelope as it should be, and a bomb of a value.
    const std::string bomb(std::size_t{65} << 20, 'z');
    std::string name;
    CHECK(nodes[0].put("menu", "1", bomb) == LARDER_E_TOO_LARGE);
    REQUIRE(nodes[0].put("menu", "1", std::string(std::size_t{60} << 20, 'z')) == LARDER_OK);
    CHECK(only_value(nodes.redis, "menu:1}", name).size() < 10'000);
    CHECK(nodes[0].get("menu", "1").has_value());
}
