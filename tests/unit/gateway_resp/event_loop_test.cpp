// tests/unit/gateway_resp/event_loop_test.cpp -- one thread's rounds: tasks, readiness, ticks.
#include "catch.hpp"
#include "plugins/net/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace larder::test {
namespace {

using net::EventLoop;

struct Told final : net::Watcher {
    std::function<void(std::uint32_t)> then;
    void on_ready(std::uint32_t events) override { then(events); }
};

struct Pair {
    Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0); }
    ~Pair() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    void say(const char* text) {
        REQUIRE(::send(ends[1], text, std::string(text).size(), MSG_NOSIGNAL) > 0);
    }
    int ends[2] = {-1, -1};
};

TEST_CASE("tasks of many threads run on the loop's thread, each thread's in order") {
    const unsigned looks = GENERATE(0u, 8u);
    EventLoop loop(looks);
    constexpr int threads = 4, each = 2000;
    std::vector<std::vector<int>> seen(threads);
    std::atomic<int> elsewhere{0};
    int left = threads * each;
    const auto home = std::this_thread::get_id();
    std::vector<std::thread> posting;
    for (int t = 0; t < threads; ++t) {
        posting.emplace_back([&, t] {
            for (int i = 0; i < each; ++i) {
                loop.post([&, t, i] {
                    elsewhere += std::this_thread::get_id() == home ? 0 : 1;
                    seen[static_cast<std::size_t>(t)].push_back(i);
                    if (--left == 0) {
                        loop.stop();
                    }
                });
            }
        });
    }
    loop.run();
    for (std::thread& thread : posting) {
        thread.join();
    }
    CHECK(elsewhere == 0);
    for (const std::vector<int>& one : seen) {
        REQUIRE(one.size() == each);
        CHECK(std::is_sorted(one.begin(), one.end()));
    }
}

TEST_CASE("a socket is told of once for what came, and again for what comes next") {
    EventLoop loop;
    Pair pair;
    Told watcher;
    int told = 0;
    watcher.then = [&](std::uint32_t events) {
        if ((events & EPOLLIN) == 0) {
            return;  // writable from the start
        }
        if (++told == 2) {
            return loop.stop();
        }
        // Left unread: no second event comes for it, so the task below is what goes on.
        loop.post([&] { pair.say("b"); });
    };
    REQUIRE(loop.watch(pair.ends[0], watcher));
    loop.post([&] { pair.say("a"); });
    loop.run();
    CHECK(told == 2);
}

TEST_CASE("who asks for another turn gets it behind those who are ready") {
    EventLoop loop;
    Pair pair;
    std::string order;
    const auto greedy = std::make_shared<Told>();
    Told other;
    int turns = 0;
    greedy->then = [&](std::uint32_t events) {
        CHECK(events == 0);
        order += 'g';
        if (++turns == 1) {
            pair.say("x");
        }
        if (turns < 3) {
            loop.again(greedy);
        } else {
            loop.stop();
        }
    };
    other.then = [&](std::uint32_t events) { order += (events & EPOLLIN) != 0 ? "o" : ""; };
    REQUIRE(loop.watch(pair.ends[0], other));
    loop.post([&] { loop.again(greedy); });
    loop.run();
    CHECK(order == "gogg");
}

TEST_CASE("what is buried lives until the round is over") {
    EventLoop loop;
    auto object = std::make_shared<int>(1);
    const std::weak_ptr<int> seen = object;
    loop.post([&] {
        loop.bury(std::move(object));
        CHECK_FALSE(seen.expired());
        loop.post([&] {
            CHECK(seen.expired());
            loop.stop();
        });
    });
    loop.run();
    CHECK(seen.expired());
}

TEST_CASE("the tick comes again and again until it is not wanted any more") {
    EventLoop loop;
    int ticks = 0;
    loop.on_tick([&] {
        if (++ticks == 3) {
            loop.tick_every(0);
            loop.stop();
        }
    });
    loop.tick_every(1'000'000);
    loop.run();
    CHECK(ticks == 3);
}

}  // namespace
}  // namespace larder::test
