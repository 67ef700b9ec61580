// tests/unit/core/write_behind_test.cpp -- when writes are sent, in which order, and what happens when that fails.
#include "kernel/core/write_behind.hpp"
#include "tests/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <thread>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

// A source that keeps what it is sent; what `refuse` says of a write is its outcome.
struct World {
    TemporaryFolder folder;
    ManualClock clock;
    SeededRandom random{7};
    ManualExecutor executor{clock};
    WriteBehindOptions options;
    std::vector<std::string> log;          // "k=v", "k-", with "|" between batches
    std::map<std::string, std::string> has;
    std::function<larder_status(const SourceWrite&)> refuse;
    std::vector<std::string> said;
    std::shared_ptr<WriteBehind> behind;

    World() { options.file = folder.file("journal"); }
    ~World() {
        if (behind) behind->stop(0);
        executor.stop();
    }
    void open() {
        std::string problem;
        behind = WriteBehind::open(options, {&clock, &random, &executor, [this](std::string_view space, std::span<SourceWrite> writes) { send(space, writes); }},
                                   said, problem);
        INFO(problem);
        REQUIRE(behind != nullptr);
        behind->start();
    }
    // As a kill -9 leaves it: nothing more is sent, the file stands.
    void crash() {
        behind->stop(0);
        executor.run();
        behind.reset();
    }
    void send(std::string_view space, std::span<SourceWrite> writes) {
        if (!log.empty()) log.push_back("|");
        for (SourceWrite& write : writes) {
            write.status = refuse ? refuse(write) : LARDER_OK;
            if (write.status != LARDER_OK) continue;
            const std::string key = std::string(space) + ":" + std::string(write.key);
            log.push_back(write.remove ? key + "-" : key + "=" + std::string(write.value));
            if (write.remove) has.erase(key);
            else has[key] = write.value;
        }
    }
    bool put(std::string_view key, std::string_view value, Ms delay = 2s, std::string_view space = "s", Ms wait = 0ms) {
        const std::uint64_t number = behind->add(space, key, value, false, delay, clock.mono_ns() + static_cast<std::uint64_t>(wait.count()) * 1'000'000);
        return number != 0 && behind->sync(number);
    }
    bool remove(std::string_view key) {
        const std::uint64_t number = behind->add("s", key, {}, true, 2s, clock.mono_ns());
        return number != 0 && behind->sync(number);
    }
    std::string sent() const {
        std::string out;
        for (const std::string& one : log) out += (out.empty() ? "" : " ") + one;
        return out;
    }
};

}  // namespace

TEST_CASE("a write is sent after its delay and not before", "[behind]") {
    World w;
    w.open();
    CHECK(w.put("a", "1"));
    w.executor.advance(1999ms);
    CHECK(w.sent().empty());
    CHECK(w.behind->figures().waiting == 1);
    CHECK(w.behind->figures().oldest_ms == 1999);
    w.executor.advance(1ms);
    CHECK(w.sent() == "s:a=1");
    CHECK(w.behind->figures().waiting == 0);
    CHECK(w.behind->figures().oldest_ms == 0);
}

TEST_CASE("of many writes of a key the last is sent, at the time of the first, in a batch with others", "[behind]") {
    World w;
    w.open();
    CHECK(w.put("a", "1"));
    CHECK(w.put("b", "1"));
    w.executor.advance(1s);
    for (int i = 2; i <= 100; ++i) CHECK(w.put("a", std::to_string(i)));
    CHECK(w.behind->figures().waiting == 2);
    CHECK(w.behind->figures().covered == 99);
    w.executor.advance(1s);
    CHECK(w.sent().size() == std::string_view("s:a=100 s:b=1").size());
    CHECK(w.has == std::map<std::string, std::string>{{"s:a", "100"}, {"s:b", "1"}});
    w.executor.advance(1h);
    CHECK(w.behind->figures().sent == 2);
}

TEST_CASE("what its source may not have yet is read here, removal included", "[behind]") {
    World w;
    w.open();
    CHECK_FALSE(w.behind->newest("s", "a"));
    CHECK(w.put("a", "1"));
    CHECK(w.put("a", "2"));
    CHECK(w.behind->newest("s", "a")->value == "2");
    CHECK(w.remove("a"));
    CHECK(w.behind->newest("s", "a")->remove);
    CHECK_FALSE(w.behind->newest("t", "a"));
    w.executor.advance(2s);
    CHECK_FALSE(w.behind->newest("s", "a"));
    CHECK(w.sent() == "s:a-");
}

TEST_CASE("a write made while an earlier one of its key is being sent comes after it", "[behind]") {
    World w;
    w.open();
    bool once = true;
    w.refuse = [&](const SourceWrite&) -> larder_status {
        if (std::exchange(once, false)) CHECK(w.put("a", "2", 0ms));
        return LARDER_OK;
    };
    CHECK(w.put("a", "1", 0ms));
    w.executor.advance(0ms);
    w.executor.run();
    CHECK(w.sent() == "s:a=1 | s:a=2");
}

TEST_CASE("a source that is away is asked again after pauses that grow up to a bound, and gets everything", "[behind]") {
    World w;
    w.options.retry_least = 100ms;
    w.options.retry_most = 5s;
    w.open();
    std::vector<std::uint64_t> asked;
    bool away = true;
    w.refuse = [&](const SourceWrite&) -> larder_status {
        asked.push_back(w.clock.mono_ns() / 1'000'000);
        return away ? LARDER_E_IO : LARDER_OK;
    };
    CHECK(w.put("a", "1", 0ms));
    w.executor.advance(60s);
    REQUIRE(asked.size() > 8);
    CHECK(asked.size() < 60);
    for (std::size_t i = 1; i < asked.size(); ++i) CHECK(asked[i] - asked[i - 1] <= 5001);
    CHECK(asked.back() - asked[asked.size() - 2] >= 2500);
    CHECK(w.put("b", "2", 0ms));
    CHECK(w.behind->figures().oldest_ms >= 60'000);
    away = false;
    w.executor.advance(6s);
    CHECK(w.has == std::map<std::string, std::string>{{"s:a", "1"}, {"s:b", "2"}});
}

TEST_CASE("one write that its source refuses holds up no other one, and no other namespace", "[behind]") {
    World w;
    w.open();
    w.refuse = [&](const SourceWrite& write) -> larder_status { return write.key == "bad" || write.value == "away" ? LARDER_E_INVALID : LARDER_OK; };
    CHECK(w.put("bad", "1", 0ms));
    CHECK(w.put("a", "1", 0ms));
    CHECK(w.put("x", "away", 0ms, "t"));
    w.executor.advance(10ms);
    CHECK(w.put("b", "1", 0ms));
    w.executor.advance(10ms);
    CHECK(w.has == std::map<std::string, std::string>{{"s:a", "1"}, {"s:b", "1"}});
    CHECK(w.behind->figures().waiting == 2);
    // The newer value is taken; what it covers is never sent.
    w.refuse = nullptr;
    CHECK(w.put("bad", "2", 0ms));
    w.executor.advance(31s);
    CHECK(w.has.at("s:bad") == "2");
    CHECK(w.has.at("t:x") == "away");
    CHECK(w.behind->figures().waiting == 0);
}

TEST_CASE("who writes when as much waits as may waits too, and is turned away at the deadline", "[behind]") {
    World w;
    w.options.writes = 2;
    w.open();
    CHECK(w.put("a", "1"));
    CHECK(w.put("b", "1"));
    CHECK_FALSE(w.put("c", "1"));
    CHECK(w.behind->figures().turned_away == 1);
    CHECK(w.put("a", "2"));  // takes no more room
    std::thread waiter([&] { CHECK(w.put("c", "1", 2s, "s", 60s)); });
    w.executor.advance(2s);
    waiter.join();
    w.executor.advance(2s);
    CHECK(w.has == std::map<std::string, std::string>{{"s:a", "2"}, {"s:b", "1"}, {"s:c", "1"}});
}

TEST_CASE("only so many wait for room, and who comes then is turned away at once", "[behind]") {
    World w;
    w.options.writes = 1;
    w.options.waiters = 1;
    w.open();
    CHECK(w.put("a", "1"));
    std::atomic<int> taken{0};
    std::thread one([&] { taken += w.put("b", "1", 2s, "s", 1h) ? 1 : 0; }), other([&] { taken += w.put("c", "1", 2s, "s", 1h) ? 1 : 0; });
    while (w.behind->figures().turned_away == 0) std::this_thread::yield();
    CHECK(taken == 0);
    w.executor.advance(2s);
    one.join();
    other.join();
    CHECK(taken == 1);
    CHECK(w.behind->figures().turned_away == 1);
}

TEST_CASE("bytes that wait are bounded too", "[behind]") {
    World w;
    w.options.bytes = 100;
    w.open();
    CHECK(w.put("a", std::string(90, 'x')));
    CHECK_FALSE(w.put("b", std::string(90, 'x')));
    CHECK(w.put("a", std::string(99, 'y')));
    CHECK_FALSE(w.put("a", std::string(100, 'y')));
}

TEST_CASE("after a crash what was answered is sent, the newest of each key, and nothing that was done", "[behind]") {
    World w;
    w.open();
    CHECK(w.put("done", "1", 0ms));
    w.executor.advance(1ms);
    CHECK(w.put("a", "1"));
    CHECK(w.put("b", "1"));
    CHECK(w.put("a", "2"));
    CHECK(w.put("b", "x"));
    CHECK(w.remove("b"));
    w.crash();
    w.log.clear();
    w.clock.advance(10s);
    w.open();
    REQUIRE(w.said.size() == 1);
    CHECK(w.said[0].find("2 writes of before") != std::string::npos);
    CHECK(w.behind->newest("s", "a")->value == "2");
    CHECK(w.behind->figures().oldest_ms >= 10'000);
    w.executor.advance(1ms);
    CHECK((w.sent() == "s:a=2 s:b-" || w.sent() == "s:b- s:a=2"));
    w.crash();
    w.log.clear();
    w.open();
    w.executor.advance(1h);
    CHECK(w.sent().empty());
}

TEST_CASE("the end of a process sends what it can and leaves the rest for the next", "[behind]") {
    World w;
    w.open();
    w.refuse = [&](const SourceWrite& write) -> larder_status { return write.key == "b" ? LARDER_E_IO : LARDER_OK; };
    CHECK(w.put("a", "1", 1h));
    CHECK(w.put("b", "1", 1h));
    w.behind->stop(w.clock.mono_ns() + 1'000'000'000);
    CHECK(w.has == std::map<std::string, std::string>{{"s:a", "1"}});
    CHECK_FALSE(w.put("c", "1"));
    w.behind.reset();
    w.refuse = nullptr;
    w.open();
    w.executor.advance(1ms);
    CHECK(w.has == std::map<std::string, std::string>{{"s:a", "1"}, {"s:b", "1"}});
}

TEST_CASE("the journal does not grow with what was sent", "[behind]") {
    World w;
    w.open();
    const std::string value(10'000, 'v');
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 20; ++i) CHECK(w.put("k" + std::to_string(i), value, 0ms));
        w.executor.advance(1ms);
    }
    CHECK(w.behind->figures().sent == 1000);
    CHECK(w.behind->figures().journal_bytes < 2u << 20);
}
