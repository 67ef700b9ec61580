// tests/unit/core/event_log_test.cpp -- the last events, and the last cause of each scope's
// changes.
#include "kernel/core/event_log.hpp"

#include "catch.hpp"
#include "kernel/core/random.hpp"

#include <algorithm>
#include <map>
#include <thread>

namespace larder {
namespace {

std::vector<std::uint64_t> numbers(const EventLog& log, std::uint64_t after) {
    std::vector<std::uint64_t> seen;
    log.each(after, [&](const Event& event) { seen.push_back(event.number); });
    return seen;
}

Removal removal(ScopeId scope, std::uint64_t epoch) {
    Removal made;
    made.scope = scope;
    made.epoch = epoch;
    made.what = "tag " + std::to_string(scope);
    made.cause = "cause " + std::to_string(epoch);
    return made;
}

}  // namespace

TEST_CASE("events come back in order with numbers that rise by one") {
    EventLog log(10);
    REQUIRE(log.last() == 0);
    REQUIRE(log.each(0, [](const Event&) { FAIL("there is none"); }) == 0);
    log.add(1'000, 3, "put", "first");
    log.add(1'001, 2, "drop", "second");
    std::vector<Event> seen;
    REQUIRE(log.each(0, [&](const Event& event) { seen.push_back(event); }) == 2);
    REQUIRE(seen.size() == 2);
    REQUIRE(seen[0].number == 1);
    REQUIRE(seen[0].at_ms == 1'000);
    REQUIRE(seen[0].severity == 3);
    REQUIRE(seen[0].type == "put");
    REQUIRE(seen[0].text == "first");
    REQUIRE(numbers(log, 1) == std::vector<std::uint64_t>{2});
    REQUIRE(log.each(2, [](const Event&) { FAIL("nothing new"); }) == 2);
    REQUIRE(log.each(99, [](const Event&) { FAIL("nothing there yet"); }) == 99);
}

TEST_CASE("a full log forgets its oldest events, and a reader sees the gap") {
    EventLog log(100);
    for (int i = 0; i < 250; ++i) log.add(0, 2, "t", std::to_string(i + 1));
    const auto seen = numbers(log, 10);
    REQUIRE(seen.size() == 100);
    REQUIRE(seen.front() == 151);
    REQUIRE(seen.back() == 250);
    log.each(0, [](const Event& event) { REQUIRE(event.text == std::to_string(event.number)); });
}

TEST_CASE("a reader may add events while it reads, and sees those next time") {
    EventLog log(1'000);
    for (int i = 0; i < 200; ++i) log.add(0, 2, "t", "x");
    std::size_t seen = 0;
    const std::uint64_t upto = log.each(0, [&](const Event&) {
        log.add(0, 2, "echo", "y");
        ++seen;
    });
    REQUIRE(seen == 200);
    REQUIRE(upto == 200);
    REQUIRE(numbers(log, upto).size() == 200);
}

TEST_CASE("a long text is cut at a character, a short one is not touched") {
    EventLog log(10);
    std::string text = "a";
    while (text.size() < max_event_text * 2) text += "\xE2\x82\xAC";
    log.add(0, 2, "t", text);
    const std::string exact(max_event_text, 'e');
    log.add(0, 2, "t", exact);
    std::vector<std::string> seen;
    log.each(0, [&](const Event& event) { seen.push_back(event.text); });
    REQUIRE(seen[0].size() <= max_event_text);
    REQUIRE(seen[0].size() > max_event_text - 4);
    REQUIRE((seen[0].size() - 1) % 3 == 0);
    REQUIRE(seen[1] == exact);
}

TEST_CASE("events of many threads are all there, each once, while a reader follows") {
    constexpr std::uint64_t threads = 3, each = 1'000;
    EventLog log(threads * each);
    std::vector<std::thread> writers;
    for (std::uint64_t i = 0; i < threads; ++i)
        writers.emplace_back([&] {
            for (std::uint64_t n = 0; n < each; ++n) log.add(n, 2, "t", "text");
        });
    std::uint64_t upto = 0, seen = 0;
    bool in_order = true;
    while (upto < threads * each) {
        const std::uint64_t before = upto;
        upto = log.each(upto, [&](const Event& event) {
            ++seen;
            in_order = in_order && event.number == seen;
        });
        if (upto == before) std::this_thread::yield();
    }
    for (auto& writer : writers) writer.join();
    REQUIRE(in_order);
    REQUIRE(seen == threads * each);
}

TEST_CASE("the cause of a removal is the latest change of any of the entry's scopes") {
    DropLog log(100);
    log.add(removal(1, 10));
    log.add(removal(2, 11));
    log.add(removal(3, 12));
    log.add(removal(1, 13));
    const ScopeId both[] = {2, 1}, second[] = {2}, none[] = {4};
    REQUIRE(log.find(both, 2)->cause == "cause 13");
    REQUIRE(log.find(second, 1)->cause == "cause 11");
    REQUIRE_FALSE(log.find(none, 1));
    REQUIRE_FALSE(log.find(nullptr, 0));
}

TEST_CASE("the last removals come newest first, as many as there are") {
    DropLog log(3);
    REQUIRE(log.last(5).empty());
    for (std::uint64_t i = 1; i <= 5; ++i) log.add(removal(i, i));
    const auto two = log.last(2);
    REQUIRE(two.size() == 2);
    REQUIRE(two[0].epoch == 5);
    REQUIRE(two[1].epoch == 4);
    REQUIRE(log.last(100).size() == 3);
}

TEST_CASE("a drop log answers as a search through its last entries would") {
    constexpr std::uint64_t seed = 5;
    SeededRandom random(seed);
    DropLog log(16);
    std::vector<Removal> all;
    for (std::uint64_t i = 1; i <= 5'000; ++i) {
        all.push_back(removal(random.next() % 24, i));
        log.add(all.back());
        const ScopeId scopes[] = {random.next() % 24, random.next() % 24};
        std::uint64_t expected = 0;
        for (std::size_t n = all.size(); n-- > 0 && all.size() - n <= 16;)
            if (all[n].scope == scopes[0] || all[n].scope == scopes[1]) {
                expected = all[n].epoch;
                break;
            }
        const auto found = log.find(scopes, 2);
        INFO("seed " << seed << ", step " << i);
        REQUIRE((found ? found->epoch : 0) == expected);
    }
}

}  // namespace larder
