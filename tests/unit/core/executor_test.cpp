// tests/unit/core/executor_test.cpp -- what is posted runs once, what is cancelled or stopped does
// not.
#include "kernel/core/executor.hpp"

#include "catch.hpp"

#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace larder {
namespace {

using namespace std::chrono_literals;

// An executor whose only worker (of each lane) is held until release().
struct Held {
    explicit Held(std::size_t queue = 4) : executor(make_thread_executor({1, 1, queue})) {
        std::latch both_held(2);
        for (const bool may_block : {false, true})
            executor->post(may_block, [&both_held, gate = released] {
                both_held.count_down();
                gate.wait();
            });
        both_held.wait();
    }
    ~Held() {
        release();
        executor->stop();
    }
    void release() {
        if (!open) gate.set_value();
        open = true;
    }
    std::promise<void> gate;
    std::shared_future<void> released = gate.get_future().share();
    bool open = false;
    std::unique_ptr<Executor> executor;
};

}  // namespace

TEST_CASE("everything posted from many threads runs exactly once, on other threads") {
    const auto executor = make_thread_executor({});
    constexpr int posters = 4, each = 2'000;
    std::vector<std::atomic<int>> ran(posters * each);
    std::latch all_ran(posters * each);
    std::vector<std::thread> threads;
    for (int p = 0; p < posters; ++p)
        threads.emplace_back([&, p] {
            for (int i = 0; i < each; ++i) {
                const auto self = std::this_thread::get_id();
                const auto which = static_cast<std::size_t>(p * each + i);
                while (!executor->post(i % 2 == 0, [&, self, which] {
                    if (std::this_thread::get_id() != self) ran[which].fetch_add(1);
                    all_ran.count_down();
                }))
                    std::this_thread::yield();
            }
        });
    for (auto& thread : threads) thread.join();
    all_ran.wait();
    for (auto& count : ran) REQUIRE(count == 1);
}

TEST_CASE("a full queue refuses, and the queue of blocking work is another one") {
    Held held(4);
    std::atomic<int> ran{0};
    auto count = [&] { ran.fetch_add(1); };
    for (int i = 0; i < 4; ++i) REQUIRE(held.executor->post(false, count));
    REQUIRE_FALSE(held.executor->post(false, count));
    for (int i = 0; i < 4; ++i) REQUIRE(held.executor->post(true, count));
    REQUIRE_FALSE(held.executor->post(true, count));
    held.release();
    std::promise<void> behind;
    while (!held.executor->post(false, [&] { behind.set_value(); })) std::this_thread::yield();
    behind.get_future().wait();
    REQUIRE(ran >= 4);
}

TEST_CASE("timers run in the order of their times, not of their making") {
    using Steady = std::chrono::steady_clock;
    // On a busy machine making them may take longer than they are apart, and then says nothing.
    bool made_at_once = false;
    for (int round = 0; round < 200 && !made_at_once; ++round) {
        const auto executor = make_thread_executor({1, 1, 100});
        std::latch made(1), all_ran(3);
        executor->post(false, [&] { made.wait(); });  // so that none runs before all are made
        std::string order;                            // of the only worker
        auto note = [&](char name) {
            return [&, name] {
                order += name;
                all_ran.count_down();
            };
        };
        const auto start = Steady::now();
        executor->after(30ms, note('c'));
        executor->after(10ms, note('a'));
        executor->after(20ms, note('b'));
        made_at_once = Steady::now() - start < 10ms;
        made.count_down();
        all_ran.wait();
        if (made_at_once) REQUIRE(order == "abc");
    }
    REQUIRE(made_at_once);
}

TEST_CASE("a timer does not run before its time") {
    const auto executor = make_thread_executor({});
    std::promise<std::chrono::steady_clock::time_point> ran;
    const auto start = std::chrono::steady_clock::now();
    executor->after(15ms, [&] { ran.set_value(std::chrono::steady_clock::now()); });
    REQUIRE(ran.get_future().get() - start >= 15ms);
}

TEST_CASE("a cancelled timer never runs, one that ran cannot be cancelled, and nor can it twice") {
    Held held;
    std::atomic<int> ran{0};
    // Its time is up, but no worker is free: it has not begun, so it can be cancelled.
    const std::uint64_t due = held.executor->after(0ns, [&] { ran.fetch_add(1); });
    const std::uint64_t far = held.executor->after(1h, [&] { ran.fetch_add(1); });
    REQUIRE(due != 0);
    REQUIRE(far != 0);
    REQUIRE(held.executor->cancel(due));
    REQUIRE_FALSE(held.executor->cancel(due));
    REQUIRE(held.executor->cancel(far));
    REQUIRE_FALSE(held.executor->cancel(987'654));
    held.release();
    std::promise<void> third;
    const std::uint64_t id = held.executor->after(1ms, [&] { third.set_value(); });
    third.get_future().wait();
    REQUIRE_FALSE(held.executor->cancel(id));
    REQUIRE(ran == 0);
}

TEST_CASE("a due timer runs although the queue is full") {
    Held held(1);
    REQUIRE(held.executor->post(false, [] {}));
    REQUIRE_FALSE(held.executor->post(false, [] {}));
    std::promise<void> ran;
    held.executor->after(0ns, [&] { ran.set_value(); });
    held.release();
    ran.get_future().wait();
    SUCCEED();
}

TEST_CASE("stop drops what is queued, refuses what comes, and may be called again") {
    const auto counted = std::make_shared<int>(0);
    std::atomic<int> ran{0};
    {
        Held held(1'000'000);
        held.executor->post(true, [&ran, counted] { ran.fetch_add(1); });
        held.executor->after(1h, [&ran, counted] { ran.fetch_add(1); });
        REQUIRE(counted.use_count() == 3);
        std::promise<void> stopping;
        std::thread stopper([&] {
            stopping.set_value();
            held.executor->stop();
        });
        stopping.get_future().wait();
        // The queue is refused from the moment stop() began; the held work ends only now.
        while (held.executor->post(false, [] {})) std::this_thread::yield();
        held.release();
        stopper.join();
        REQUIRE(counted.use_count() == 1);
        held.executor->stop();
        REQUIRE_FALSE(held.executor->post(true, [&] { ran.fetch_add(1); }));
        REQUIRE(held.executor->after(0ns, [&] { ran.fetch_add(1); }) != 0);
    }
    REQUIRE(ran == 0);
}

TEST_CASE("a timer that stop kept from running can be cancelled, and is told not to have run") {
    const auto told = [](Executor& executor) {
        const std::uint64_t before = executor.after(std::chrono::hours(1), [] {});
        executor.stop();
        const std::uint64_t late = executor.after(std::chrono::hours(1), [] {});
        CHECK(executor.cancel(before));
        CHECK(executor.cancel(late));
        CHECK_FALSE(executor.cancel(before));
    };
    told(*make_thread_executor({}));
    ManualClock clock;
    ManualExecutor manual(clock);
    told(manual);
}

TEST_CASE("an executor may be destroyed while others post and timers fire") {
    for (int round = 0; round < 20; ++round) {
        std::atomic<int> running{0};
        auto executor = make_thread_executor({2, 2, 1'000});
        for (int i = 0; i < 100; ++i) {
            executor->after(std::chrono::microseconds(i * 10), [&] { running.fetch_add(1); });
            executor->post(i % 2 == 0, [&, e = executor.get()] {
                e->post(true, [&] { running.fetch_add(1); });
                e->after(0ns, [&] { running.fetch_add(1); });
            });
        }
        executor.reset();
        const int at_end = running;
        std::this_thread::yield();
        REQUIRE(running == at_end);
    }
}

TEST_CASE("what a cancelled timer held is let go at once, however many there were") {
    const auto executor = make_thread_executor({});
    const auto token = std::make_shared<int>(0);
    executor->after(1h, [token] {});
    for (int i = 0; i < 100'000; ++i) REQUIRE(executor->cancel(executor->after(1h, [token] {})));
    REQUIRE(token.use_count() == 2);
}

TEST_CASE("the executor's threads leave the host's signals alone") {
    const auto executor = make_thread_executor({});
    for (const bool may_block : {false, true}) {
        std::promise<bool> blocked;
        executor->post(may_block, [&] {
            sigset_t mask;
            pthread_sigmask(SIG_SETMASK, nullptr, &mask);
            blocked.set_value(sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGHUP) == 1);
        });
        REQUIRE(blocked.get_future().get());
    }
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    REQUIRE(sigismember(&mask, SIGTERM) == 0);
}

TEST_CASE("the manual executor runs nothing until told, then first come first served") {
    ManualClock clock;
    ManualExecutor executor(clock);
    std::string order;
    executor.post(false, [&] {
        order += 'a';
        executor.post(true, [&] { order += 'c'; });
    });
    executor.post(true, [&] { order += 'b'; });
    REQUIRE(order.empty());
    REQUIRE(executor.run() == 3);
    REQUIRE(order == "abc");
    REQUIRE(executor.run() == 0);
}

TEST_CASE("the manual executor moves the clock from timer to timer") {
    ManualClock clock;
    ManualExecutor executor(clock);
    const std::uint64_t start = clock.mono_ns();
    std::vector<std::uint64_t> at_ms;
    auto note = [&] { at_ms.push_back((clock.mono_ns() - start) / 1'000'000); };
    executor.after(50ms, note);
    executor.after(20ms, [&] {
        note();
        executor.after(5ms, note);
    });
    executor.after(1500us, note);
    executor.after(70ms, note);
    executor.advance(60ms);
    REQUIRE(at_ms == std::vector<std::uint64_t>{2, 20, 25, 50});
    REQUIRE(clock.mono_ns() - start == 60'000'000);
    executor.advance(10ms);
    REQUIRE(at_ms.back() == 70);
}

TEST_CASE("the manual executor's timers of one time run in the order of their making") {
    ManualClock clock;
    ManualExecutor executor(clock);
    std::string order;
    for (const char name : {'a', 'b', 'c'}) executor.after(10ms, [&, name] { order += name; });
    const std::uint64_t d = executor.after(10ms, [&] { order += 'd'; });
    REQUIRE(executor.cancel(d));
    REQUIRE_FALSE(executor.cancel(d));
    executor.advance(10ms);
    REQUIRE(order == "abc");
}

TEST_CASE("the manual executor drops everything when stopped") {
    ManualClock clock;
    ManualExecutor executor(clock);
    bool ran = false;
    executor.post(false, [&] { ran = true; });
    executor.after(1ms, [&] { ran = true; });
    executor.stop();
    REQUIRE_FALSE(executor.post(false, [&] { ran = true; }));
    REQUIRE(executor.after(1ms, [&] { ran = true; }) != 0);
    executor.advance(10ms);
    REQUIRE_FALSE(ran);
}

}  // namespace larder
