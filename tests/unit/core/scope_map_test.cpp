// tests/unit/core/scope_map_test.cpp -- the map of scopes against std::map.
#include "kernel/core/scope_map.hpp"
#include "tests/catch.hpp"

#include <map>
#include <random>
#include <set>

using namespace larder;

namespace {

// Random puts, removals and look-ups of `ids` scopes that `make` names.
void same_as_a_map(std::uint64_t salt, std::uint64_t ids, ScopeId (*make)(std::uint64_t)) {
    ScopeMap<std::uint64_t> map(salt);
    std::map<ScopeId, std::uint64_t> model;
    std::mt19937_64 random(salt);
    for (int step = 0; step < 100'000; ++step) {
        const ScopeId scope = make(random() % ids);
        // Fills up, and empties again.
        if (random() % 8 < (step / 10'000 % 2 == 0 ? 5u : 2u)) {
            const std::uint64_t value = random();
            map.emplace(scope, value);
            model.emplace(scope, value);
        } else {
            map.erase(scope);
            model.erase(scope);
        }
        const ScopeId other = make(random() % ids);
        const auto at = model.find(other);
        const std::uint64_t* const found = map.find(other);
        REQUIRE((found != nullptr) == (at != model.end()));
        REQUIRE(map.contains(other) == (found != nullptr));
        if (found != nullptr) REQUIRE(*found == at->second);
        REQUIRE(map.size() == model.size());
    }
}

}  // namespace

TEST_CASE("a map of scopes does what a map does, also where all want the same cells") {
    const auto spread = [](std::uint64_t n) -> ScopeId { return (n + 1) * 0x9E3779B97F4A7C15; };
    // With salt 1 the upper bits choose the cell: all of these want the first or the last one.
    const auto crowded = [](std::uint64_t n) -> ScopeId { return n % 2 == 0 ? n + 1 : ~n; };
    same_as_a_map(1, 300, spread);
    same_as_a_map(0x1234567890abcdef, 5000, spread);
    same_as_a_map(1, 60, crowded);
}

TEST_CASE("a map of scopes names each of its scopes in turn") {
    ScopeMap<int> map(7);
    for (ScopeId scope = 1; scope <= 100; ++scope) map.emplace(scope, 0);
    std::set<ScopeId> seen;
    for (int i = 0; i < 100; ++i) seen.insert(map.any());
    CHECK(seen.size() == 100);
}
