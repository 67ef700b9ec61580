// tests/unit/loader/kind_test.cpp -- the words of kinds and capabilities.
#include "kernel/loader/kind.hpp"

#include "tests/catch.hpp"

#include <set>

using namespace larder::loader;

TEST_CASE("every kind has a name that leads back to it", "[loader]") {
    for (std::uint32_t number = LARDER_KIND_STORE; number <= LARDER_KIND_GATEWAY; ++number) {
        const auto kind = kind_of(number);
        REQUIRE(kind.has_value());
        CHECK(kind_of(name_of(*kind)) == kind);
    }
    CHECK_FALSE(kind_of(0u).has_value());
    CHECK_FALSE(kind_of(8u).has_value());
    CHECK_FALSE(kind_of("bus").has_value());
}

TEST_CASE("a capability has one word and one bit in its kind", "[loader]") {
    std::set<std::pair<Kind, std::string_view>> words;
    std::set<std::pair<Kind, std::uint64_t>> bits;
    for (const Capability& each : capabilities()) {
        CHECK(words.emplace(each.kind, each.word).second);
        CHECK(bits.emplace(each.kind, each.bit).second);
        CHECK(capability(each.kind, each.word) == each.bit);
        CHECK(capability_words(each.kind, each.bit) == std::vector{each.word});
    }
    CHECK_FALSE(capability(Kind::gateway, "sync").has_value());
}
