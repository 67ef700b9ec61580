// tests/unit/dsl/pattern_test.cpp -- a drop through a pattern reaches every entry it matches.
#include "dsl/pattern.hpp"

#include "catch.hpp"
#include "unit/dsl/texts.hpp"

#include <random>
#include <set>
#include <string>

using namespace larder::dsl;
using larder::dsl::test::text;

namespace {

std::set<std::string> ways(const Pattern& p, std::string_view key, bool& within) {
    std::set<std::string> out;
    within = p.bindings(
        key, [&out](std::string_view tuple) { REQUIRE(out.insert(std::string(tuple)).second); });
    return out;
}

std::set<std::string> ways(const char* pattern, std::string_view key) {
    bool within = false;
    auto out = ways(Pattern(text(pattern)), key, within);
    REQUIRE(within);
    return out;
}

using Set = std::set<std::string>;

}  // namespace

TEST_CASE("a pattern whose captures are whole fields matches a key in one way") {
    CHECK(ways("stock:{sku}:*", "stock:A1:berlin") == Set{"A1"});
    CHECK(ways("stock:{sku}:*", "stock:A1") == Set{});
    CHECK(ways("{day}:*", "2024-01-15:t1") == Set{"2024-01-15"});
    CHECK(ways("*:t{tenant}", "7:t1") == Set{"1"});
    CHECK(ways("{a}:x:{b}", "1:x:2") == Set{"1\x1f"
                                            "2"});
    CHECK(ways("*", "anything") == Set{""});
}

TEST_CASE("a pattern that cuts a field gives one way for each place of its literal") {
    CHECK(ways("{month}-*", "2024-01-15:t1") == Set{"2024", "2024-01"});
    CHECK(ways("{month}-*", "2024") == Set{});
}

TEST_CASE("more ways than the bound are reported as too many") {
    bool within = true;
    ways(Pattern(text("{x}-*")), "a-b-c-d-e-f-g-h-i-j-k", within);
    CHECK_FALSE(within);
    ways(Pattern(text("{x}-*")), "a-b-c-d-e-f-g-h-i", within);
    CHECK(within);
}

TEST_CASE("a capture beside a star or another capture has no bound") {
    CHECK_FALSE(Pattern(text("*{x}*")).bounded());
    CHECK_FALSE(Pattern(text("{x}*")).bounded());
    CHECK_FALSE(Pattern(text("{x}{y}:*")).bounded());
    CHECK(Pattern(text("stock:{sku}:*")).bounded());
    CHECK(Pattern(text("{month}-*")).bounded());
    CHECK(Pattern(text("*-x-*")).bounded());
}

TEST_CASE("patterns of one shape are one pattern, whatever their variables are called") {
    CHECK(Pattern(text("stock:{sku}:*")).shape() == Pattern(text("stock:{id}:*")).shape());
    CHECK(Pattern(text("stock:{sku}:*")).shape() != Pattern(text("stock:{sku...}")).shape());
}

TEST_CASE("the tuple a rule names is the tuple of the entries it means") {
    const Pattern p(text("stock:{sku}:*"));
    const std::vector<std::string_view> values{"A:1"};
    bool within = false;
    CHECK(ways(p, "stock:A%3A1:berlin", within) == Set{p.tuple(values)});
}

TEST_CASE("ways agree with trying every cut, for seeded random patterns and keys") {
    const unsigned seed = 77;
    CAPTURE(seed);
    std::mt19937 random(seed);
    const char* parts[] = {"a", "b", ":", "-", "{x}", "{y}", "*"};
    int compared = 0;
    for (int round = 0; round < 4000; ++round) {
        std::string pattern, key;
        bool wild = false;
        for (std::size_t k = 1 + random() % 6; k-- > 0;) {
            std::size_t pick = random() % 7;
            if (pick == 4 && pattern.find("{x}") != std::string::npos) pick = 0;
            if (pick == 5 && pattern.find("{y}") != std::string::npos) pick = 1;
            if (wild && pick >= 4) continue;
            wild = pick >= 4;
            pattern += parts[pick];
        }
        for (std::size_t k = random() % 10; k-- > 0;) key += "ab:-"[random() % 4];
        const Pattern p(text(pattern));
        REQUIRE(p.bounded());
        // The oracle: for each pair of texts the captures could be, does the filled glob match?
        Set expected;
        std::vector<std::string> pieces{""};
        for (std::size_t i = 0; i < key.size(); ++i) {
            for (std::size_t n = 1; i + n <= key.size(); ++n) {
                const std::string piece = key.substr(i, n);
                if (piece.find(':') == std::string::npos) pieces.push_back(piece);
            }
        }
        const bool x_first = pattern.find("{x}") < pattern.find("{y}");
        const bool has_x = pattern.find("{x}") != std::string::npos;
        const bool has_y = pattern.find("{y}") != std::string::npos;
        const std::set<std::string> unique(pieces.begin(), pieces.end());
        for (const std::string& x : unique) {
            if (has_x == x.empty()) continue;
            for (const std::string& y : unique) {
                if (has_y == y.empty()) continue;
                std::string glob = pattern;
                if (has_x) glob.replace(glob.find("{x}"), 3, x);
                if (has_y) glob.replace(glob.find("{y}"), 3, y);
                if (!glob_match(glob, key)) continue;
                expected.insert(has_x && has_y ? (x_first ? x + "\x1f" + y : y + "\x1f" + x)
                                : has_x        ? x
                                               : y);
            }
        }
        bool within = false;
        const Set found = ways(p, key, within);
        CAPTURE(pattern, key);
        REQUIRE(within == (expected.size() <= max_bindings));
        if (within) REQUIRE(found == expected);
        compared += within && !expected.empty();
    }
    CHECK(compared > 300);
}

TEST_CASE("a pattern and a key made to hurt are answered in bounded time") {
    std::string pattern, key(4000, 'a');
    for (int i = 0; i < 20; ++i) pattern += "*a";
    pattern += "*-{x}-*";
    key += "-b-c";
    bool within = false;
    CHECK(ways(Pattern(text(pattern)), key, within) == Set{"b"});
}

TEST_CASE("glob_match is linear in what it must look at") {
    CHECK(glob_match("stock:A1:*", "stock:A1:berlin"));
    CHECK(glob_match("*", ""));
    CHECK(glob_match("a*b*c", "aXbYc"));
    CHECK_FALSE(glob_match("a*b*c", "aXcYb"));
    CHECK_FALSE(glob_match("", "a"));
    std::string glob;
    for (int i = 0; i < 50; ++i) glob += "a*";
    CHECK_FALSE(glob_match(glob + "b", std::string(20000, 'a')));
}
