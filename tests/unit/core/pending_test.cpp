// tests/unit/core/pending_test.cpp -- each operation ends once, whoever answers, however often.
#include "kernel/core/pending.hpp"

#include "catch.hpp"
#include "kernel/core/random.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <deque>
#include <latch>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace larder {
namespace {

using namespace std::chrono_literals;

// A value that counts how often it is given back.
struct Counted {
    std::atomic<int> released{0};
    larder_value value() {
        larder_value made{};
        made.data = "v";
        made.size = 1;
        made.pin = this;
        made.release = [](larder_value* v) noexcept {
            static_cast<Counted*>(v->pin)->released.fetch_add(1);
        };
        return made;
    }
};

// How one operation ended.
struct Outcome {
    int times = 0;
    larder_status status = LARDER_E_INTERNAL;
    std::size_t size = 0;
    Completion note() {
        return [this](larder_status s, larder_value v) {
            ++times;
            status = s;
            size = v.size;
            if (v.release != nullptr) v.release(&v);
        };
    }
};

struct Bench {
    ManualClock clock;
    ManualExecutor executor{clock};
};

}  // namespace

TEST_CASE("done completes the operation with its status and hands the value on") {
    Bench bench;
    PendingPool pool(bench.executor);
    Outcome outcome;
    Counted counted;
    const auto ticket = pool.take(1s, outcome.note());
    REQUIRE(ticket.ctx != nullptr);
    REQUIRE(pool.waiting() == 1);
    larder_value value = counted.value();
    ticket.done(ticket.ctx, LARDER_OK, &value);
    REQUIRE(outcome.times == 1);
    REQUIRE(outcome.status == LARDER_OK);
    REQUIRE(outcome.size == 1);
    REQUIRE(counted.released == 1);
    REQUIRE(pool.waiting() == 0);
    bench.executor.advance(2s);
    REQUIRE(outcome.times == 1);
    REQUIRE(pool.unexpected() == 0);
}

TEST_CASE("an operation that is never answered ends at its deadline") {
    Bench bench;
    PendingPool pool(bench.executor);
    Outcome outcome;
    pool.take(200ms, outcome.note());
    bench.executor.advance(199ms);
    REQUIRE(outcome.times == 0);
    bench.executor.advance(1ms);
    REQUIRE(outcome.times == 1);
    REQUIRE(outcome.status == LARDER_E_TIMEOUT);
    REQUIRE(pool.waiting() == 0);
}

TEST_CASE("without a timeout an operation waits as long as it takes") {
    Bench bench;
    PendingPool pool(bench.executor);
    Outcome outcome;
    const auto ticket = pool.take(0ns, outcome.note());
    bench.executor.advance(24h);
    REQUIRE(outcome.times == 0);
    ticket.done(ticket.ctx, LARDER_MISS, nullptr);
    REQUIRE(outcome.status == LARDER_MISS);
    REQUIRE(outcome.size == 0);
}

TEST_CASE("a done that comes late, twice or for nothing is counted and its value released") {
    Bench bench;
    PendingPool pool(bench.executor);
    Outcome outcome, other;
    Counted counted;
    larder_value value = counted.value();
    const auto ticket = pool.take(10ms, outcome.note());
    SECTION("after the deadline") {
        bench.executor.advance(10ms);
        ticket.done(ticket.ctx, LARDER_OK, &value);
        REQUIRE(outcome.status == LARDER_E_TIMEOUT);
    }
    SECTION("a second time") {
        ticket.done(ticket.ctx, LARDER_MISS, nullptr);
        ticket.done(ticket.ctx, LARDER_OK, &value);
        REQUIRE(outcome.status == LARDER_MISS);
    }
    SECTION("after the function had answered") {
        pool.settle(ticket.ctx, LARDER_MISS, {});
        ticket.done(ticket.ctx, LARDER_OK, &value);
        REQUIRE(outcome.status == LARDER_MISS);
    }
    SECTION("when the slot is another operation's already") {
        ticket.done(ticket.ctx, LARDER_MISS, nullptr);
        const auto next = pool.take(0ns, other.note());
        REQUIRE(next.ctx != ticket.ctx);
        ticket.done(ticket.ctx, LARDER_OK, &value);
        REQUIRE(other.times == 0);
        REQUIRE(pool.waiting() == 1);
    }
    REQUIRE(outcome.times == 1);
    REQUIRE(counted.released == 1);
    REQUIRE(pool.unexpected() == 1);
}

TEST_CASE("a made-up number hits no operation") {
    Bench bench;
    PendingPool pool(bench.executor);
    Outcome outcome;
    const auto ticket = pool.take(0ns, outcome.note());
    SeededRandom random(99);
    for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t number = random.next();
        if (number == std::bit_cast<std::uint64_t>(ticket.ctx)) continue;
        ticket.done(std::bit_cast<void*>(number), LARDER_OK, nullptr);
    }
    ticket.done(nullptr, LARDER_OK, nullptr);
    REQUIRE(outcome.times == 0);
    pool.settle(ticket.ctx, LARDER_OK, {});
    REQUIRE(outcome.times == 1);
}

TEST_CASE(
    "a function that answers at once completes by settle, and a lost settle's value is released") {
    Bench bench;
    PendingPool pool(bench.executor);
    Outcome outcome;
    Counted counted;
    const auto ticket = pool.take(1s, outcome.note());
    SECTION("alone") {
        pool.settle(ticket.ctx, LARDER_OK, counted.value());
        REQUIRE(outcome.status == LARDER_OK);
        REQUIRE(outcome.size == 1);
    }
    SECTION("after done") {
        ticket.done(ticket.ctx, LARDER_MISS, nullptr);
        pool.settle(ticket.ctx, LARDER_OK, counted.value());
        REQUIRE(outcome.status == LARDER_MISS);
    }
    REQUIRE(outcome.times == 1);
    REQUIRE(counted.released == 1);
    bench.executor.advance(2s);
    REQUIRE(outcome.times == 1);
}

TEST_CASE("a done that says pending is an error of the plugin's") {
    Bench bench;
    PendingPool pool(bench.executor);
    Outcome outcome;
    const auto ticket = pool.take(0ns, outcome.note());
    ticket.done(ticket.ctx, LARDER_PENDING, nullptr);
    REQUIRE(outcome.status == LARDER_E_INTERNAL);
}

TEST_CASE("a full pool gives no ticket, and one again when an operation has ended") {
    Bench bench;
    PendingPool pool(bench.executor);
    std::vector<PendingPool::Ticket> tickets;
    std::set<void*> numbers;
    std::size_t ended = 0;
    auto count = [&](larder_status, larder_value) { ++ended; };
    for (std::size_t i = 0; i < PendingPool::capacity; ++i) {
        tickets.push_back(pool.take(0ns, count));
        numbers.insert(tickets.back().ctx);
    }
    REQUIRE(numbers.size() == PendingPool::capacity);
    REQUIRE(numbers.count(nullptr) == 0);
    REQUIRE(pool.take(0ns, count).ctx == nullptr);
    tickets[777].done(tickets[777].ctx, LARDER_OK, nullptr);
    REQUIRE(pool.take(0ns, count).ctx != nullptr);
    REQUIRE(pool.waiting() == PendingPool::capacity);
    REQUIRE(ended == 1);
}

TEST_CASE("what waits when the pool goes is cancelled, and a done after that touches nothing") {
    Bench bench;
    Outcome outcome;
    Counted counted;
    PendingPool::Ticket ticket;
    {
        PendingPool pool(bench.executor);
        ticket = pool.take(1s, outcome.note());
    }
    REQUIRE(outcome.times == 1);
    REQUIRE(outcome.status == LARDER_E_CANCELLED);
    larder_value value = counted.value();
    ticket.done(ticket.ctx, LARDER_OK, &value);
    REQUIRE(counted.released == 1);
    // The next pool has the same slots, but not the same numbers.
    PendingPool next(bench.executor);
    Outcome other;
    next.take(0ns, other.note());
    ticket.done(ticket.ctx, LARDER_OK, nullptr);
    REQUIRE(other.times == 0);
    bench.executor.advance(2s);
    REQUIRE(outcome.times == 1);
}

TEST_CASE("a completion may start the next operation and may wait for no lock") {
    Bench bench;
    PendingPool pool(bench.executor);
    int ended = 0;
    std::function<void(larder_status, larder_value)> chain = [&](larder_status, larder_value) {
        if (++ended == 1'000) return;
        const auto ticket = pool.take(1s, chain);
        ticket.done(ticket.ctx, LARDER_OK, nullptr);
    };
    const auto ticket = pool.take(1s, chain);
    ticket.done(ticket.ctx, LARDER_OK, nullptr);
    REQUIRE(ended == 1'000);
    REQUIRE(pool.waiting() == 0);
}

// Early: done before take()'s caller has gone on to settle. Late and double: other threads answer
// with numbers of long ago. Short timeouts fire in between, also before take() has returned.
TEST_CASE("under double, early and late answers and timers each operation ends exactly once") {
    constexpr int workers = 3, each = 3'000;
    const std::uint64_t seed = 31;
    const auto executor = make_thread_executor({2, 1, 65'536});
    std::vector<std::atomic<int>> ended(workers * each);
    std::atomic<int> given{0}, returned{0};
    auto value = [&] {
        larder_value made{};
        made.size = 1;
        made.pin = &returned;
        made.release = [](larder_value* v) noexcept {
            static_cast<std::atomic<int>*>(v->pin)->fetch_add(1);
        };
        given.fetch_add(1);
        return made;
    };
    {
        PendingPool pool(*executor);
        std::mutex mutex;
        std::deque<PendingPool::Ticket> old;  // guarded by mutex
        auto remember = [&](const PendingPool::Ticket& ticket) {
            const std::lock_guard lock(mutex);
            old.push_back(ticket);
            if (old.size() > 64) old.pop_front();
        };
        auto some_old = [&](std::uint64_t which) {
            const std::lock_guard lock(mutex);
            return old.empty() ? PendingPool::Ticket{} : old[which % old.size()];
        };
        std::vector<std::thread> threads;
        for (int w = 0; w < workers; ++w)
            threads.emplace_back([&, w] {
                SeededRandom random(seed + static_cast<std::uint64_t>(w));
                for (int i = 0; i < each; ++i) {
                    const auto which = static_cast<std::size_t>(w * each + i);
                    const std::chrono::nanoseconds timeout(1 + random.next() % 20'000);
                    const auto ticket =
                        pool.take(timeout, [&, which](larder_status, larder_value v) {
                            ended[which].fetch_add(1);
                            if (v.release != nullptr) v.release(&v);
                        });
                    remember(ticket);
                    larder_value mine = value();
                    switch (random.next() % 4) {
                        case 0:
                            pool.settle(ticket.ctx, LARDER_OK, mine);
                            break;
                        case 1:
                            ticket.done(ticket.ctx, LARDER_OK, &mine);
                            break;
                        case 2:
                            ticket.done(ticket.ctx, LARDER_OK, &mine);
                            pool.settle(ticket.ctx, LARDER_MISS, value());
                            break;
                        default:
                            mine.release(&mine);
                            break;  // the timer alone
                    }
                    if (const auto other = some_old(random.next()); other.ctx != nullptr) {
                        larder_value again = value();
                        other.done(other.ctx, LARDER_OK, &again);
                    }
                }
            });
        for (auto& thread : threads) thread.join();
    }
    executor->stop();
    INFO("seed " << seed);
    for (auto& count : ended) REQUIRE(count == 1);
    REQUIRE(given == returned);
}

}  // namespace larder
