// tests/unit/editor/position_test.cpp -- places in UTF-16 units, and what words and counters are said of them.
#include "catch.hpp"
#include "kernel/editor/live_figures.hpp"
#include "kernel/editor/manual.hpp"
#include "kernel/editor/position.hpp"

#include <string>

using namespace larder;
using namespace larder::editor;

TEST_CASE("an emoji is two units, a letter with an accent one") {
    const dsl::Source file("p", "é😀x\ny", 100);
    CHECK(position_of(file, 100) == Position{0, 0});
    CHECK(position_of(file, 102) == Position{0, 1});
    CHECK(position_of(file, 106) == Position{0, 3});
    CHECK(position_of(file, 107) == Position{0, 4});
    CHECK(position_of(file, 108) == Position{1, 0});
    for (const std::uint32_t offset : {100u, 102u, 106u, 107u, 108u, 109u})
        CHECK(offset_of(file, position_of(file, offset)) == offset);
}

TEST_CASE("a place inside of a character is taken as its beginning") {
    const dsl::Source file("p", "é😀x", 0);
    CHECK(position_of(file, 4) == Position{0, 1});
    CHECK(offset_of(file, {0, 2}) == 2);  // between the two units of the emoji
}

TEST_CASE("a place that does not exist is taken as the nearest that does") {
    const dsl::Source file("p", "ab\r\nc\n", 7);
    CHECK(offset_of(file, {0, 99}) == 9);
    CHECK(offset_of(file, {1, 99}) == 12);
    CHECK(offset_of(file, {99, 0}) == file.end());
    CHECK(position_of(file, 0) == Position{0, 0});
    CHECK(position_of(file, 1000) == Position{2, 0});
}

TEST_CASE("bytes that are no UTF-8 count as one and lose nothing") {
    const dsl::Source file("p", "\xff\xfe\x80z", 0);
    CHECK(offset_of(file, {0, 99}) == 4);
    CHECK(position_of(file, 4).line == 0);
}

TEST_CASE("paths and URIs are each other's") {
    CHECK(uri_of("/a b/ü.larder") == "file:///a%20b/%C3%BC.larder");
    CHECK(path_of("file:///a%20b/%C3%BC.larder") == "/a b/ü.larder");
    CHECK(path_of("file://host/x") == "/x");
    CHECK(path_of("untitled:1").empty());
    CHECK(path_of("file:///a%00b").empty());
    CHECK(path_of("file:///a%zz%4") == "/a%zz%4");
}

TEST_CASE("a word has its section of the manual") {
    CHECK(manual_of("ttl").find("```larder") != std::string_view::npos);
    CHECK(manual_of("encrypt") == manual_of("coalesce"));
    CHECK(!manual_of("on").empty());
    CHECK(manual_of("nonsense").empty());
    CHECK(manual_of("").empty());
    CHECK(summary_of("use").starts_with("Brings in another file"));
}

TEST_CASE("counters of a kernel become a line for each namespace, and nothing when they are nothing") {
    const auto lines = figures_by_namespace(
        R"({"namespaces": {"menu": {"hits": 900, "misses": 100, "entries": 48211, "dropped": 7}, "odd": 5}})");
    CHECK(lines.size() == 1);
    CHECK(lines.at("menu") == "48,211 entries, 90.0 % hits of 1,000 reads, 7 dropped");
    for (const char* bad : {"", "[]", "{\"namespaces\": 4}", "nonsense", "{}"})
        CHECK(figures_by_namespace(bad).empty());
}

TEST_CASE("who asks for counters is never kept waiting") {
    std::mutex answering;
    std::unique_lock held(answering);
    int asked = 0;
    LiveFigures live([&]() -> std::optional<std::string> {
        const std::lock_guard wait(answering);
        ++asked;
        return R"({"namespaces": {"a": {"entries": 3}}})";
    });
    const LiveFigures::Clock::time_point now{};
    CHECK(live.of("a", now).empty());  // returns although the kernel does not
    held.unlock();
    std::string line;
    for (int i = 0; i < 100'000 && line.empty(); ++i) {
        line = live.of("a", now);
        std::this_thread::yield();
    }
    CHECK(line == "3 entries, 0 dropped");
    CHECK(live.of("a", now + LiveFigures::stale + std::chrono::seconds{1}).empty());
}
