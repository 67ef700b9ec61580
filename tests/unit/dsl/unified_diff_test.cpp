// tests/unit/dsl/unified_diff_test.cpp -- what changes between two texts, as `patch` reads it.
#include "catch.hpp"
#include "dsl/unified_diff.hpp"

#include <random>
#include <sstream>
#include <string>
#include <vector>

using larder::dsl::unified_diff;

namespace {

// What `patch` makes of it; a plain reading of the format.
std::string patched(const std::string& before, const std::string& diff) {
    std::vector<std::string> old_lines;
    std::istringstream in(before);
    for (std::string line; std::getline(in, line);) old_lines.push_back(line);
    std::string out;
    std::size_t at = 0;
    std::istringstream lines(diff);
    std::string line;
    std::getline(lines, line);
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        if (line[0] == '@') {
            std::size_t begin = std::stoul(line.substr(4));
            if (line.find(",0 +") == std::string::npos) --begin;
            while (at < begin) out += old_lines.at(at++) + "\n";
        } else if (line[0] == '+') {
            out += line.substr(1) + "\n";
        } else {
            REQUIRE(old_lines.at(at) == line.substr(1));
            ++at;
            if (line[0] == ' ') out += line.substr(1) + "\n";
        }
    }
    while (at < old_lines.size()) out += old_lines[at++] + "\n";
    return out;
}

}  // namespace

TEST_CASE("equal texts have no diff") { CHECK(unified_diff("x", "a\nb\n", "a\nb\n").empty()); }

TEST_CASE("a changed line is shown with three lines around it") {
    CHECK(unified_diff("f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n") ==
          "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST_CASE("a file without an end of line is told from one with it") {
    CHECK(unified_diff("f", "a", "a\n") ==
          "--- f\n+++ f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n");
}

TEST_CASE("what a diff says makes one text out of the other, for any two texts") {
    std::mt19937 random(7);
    for (int round = 0; round < 400; ++round) {
        std::string a, b;
        const auto words = 2 + random() % 6;
        for (auto n = random() % 40; n > 0; --n) a += std::to_string(random() % words) + "\n";
        if (random() % 3 == 0)
            for (auto n = random() % 40; n > 0; --n) b += std::to_string(random() % words) + "\n";
        else
            for (const char c : a) {
                if (random() % 30 == 0) b += "new\n";
                b += c;
            }
        if (!b.empty() && b.back() != '\n') b += '\n';
        CAPTURE(a, b);
        const std::string diff = unified_diff("f", a, b);
        CHECK((diff.empty() ? a : patched(a, diff)) == b);
    }
}

TEST_CASE("texts with nothing in common end in one hunk") {
    std::string a, b;
    for (int i = 0; i < 20'000; ++i) {
        a += "a" + std::to_string(i) + "\n";
        b += "b" + std::to_string(i) + "\n";
    }
    const std::string diff = unified_diff("f", a, b);
    CHECK(diff.starts_with("--- f\n+++ f\n@@ -1,20000 +1,20000 @@\n-a0\n"));
    CHECK(patched(a, diff) == b);
}
