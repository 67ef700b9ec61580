// tests/unit/core/snapshot_test.cpp -- what readers hold stays, and what nobody holds goes.
#include "kernel/core/snapshot.hpp"

#include "catch.hpp"

#include <array>
#include <atomic>
#include <future>
#include <latch>
#include <thread>
#include <vector>

namespace larder {
namespace {

// Knows whether it is alive: a reader that sees anything else reads freed memory.
struct Tracked {
    static constexpr std::uint64_t alive = 0x11FE'11FE'11FE'11FE;
    explicit Tracked(std::atomic<int>& living_now, int n) : living(living_now), number(n) {
        living.fetch_add(1);
    }
    ~Tracked() {
        mark = 0;
        living.fetch_sub(1);
    }
    Tracked(const Tracked&) = delete;
    Tracked& operator=(const Tracked&) = delete;
    std::atomic<int>& living;
    int number;
    std::uint64_t mark = alive;
};

}  // namespace

TEST_CASE("an empty snapshot gives nullptr, a filled one what was put last") {
    std::atomic<int> living{0};
    {
        Snapshot<Tracked> snapshot;
        const ReadGuard guard;
        REQUIRE(snapshot.get() == nullptr);
        snapshot.replace(std::make_unique<Tracked>(living, 1));
        REQUIRE(snapshot.get()->number == 1);
        snapshot.replace(std::make_unique<Tracked>(living, 2));
        REQUIRE(snapshot.get()->number == 2);
    }
    detail::reclaim();
    REQUIRE(living == 0);
}

TEST_CASE("a replaced object lives as long as a guard from before and goes soon after") {
    std::atomic<int> living{0};
    Snapshot<Tracked> snapshot;
    snapshot.replace(std::make_unique<Tracked>(living, 1));
    {
        const ReadGuard guard;
        const Tracked* const held = snapshot.get();
        snapshot.replace(std::make_unique<Tracked>(living, 2));
        detail::reclaim();
        REQUIRE(living == 2);
        REQUIRE(held->mark == Tracked::alive);
    }
    REQUIRE(living == 2);  // readers free nothing
    detail::reclaim();
    REQUIRE(living == 1);
}

TEST_CASE("a guard that began after a replacement does not delay freeing") {
    std::atomic<int> living{0};
    Snapshot<Tracked> snapshot;
    snapshot.replace(std::make_unique<Tracked>(living, 1));
    auto old_guard = std::make_unique<ReadGuard>();
    snapshot.replace(std::make_unique<Tracked>(living, 2));
    std::latch entered(1), leave(1);
    std::thread reader([&] {
        const ReadGuard later;
        entered.count_down();
        leave.wait();
    });
    entered.wait();
    detail::reclaim();
    REQUIRE(living == 2);
    old_guard.reset();
    detail::reclaim();
    REQUIRE(living == 1);
    leave.count_down();
    reader.join();
}

TEST_CASE("guards nest: the outer one keeps what the inner one saw") {
    std::atomic<int> living{0};
    Snapshot<Tracked> snapshot;
    snapshot.replace(std::make_unique<Tracked>(living, 1));
    {
        const ReadGuard outer;
        const Tracked* held = nullptr;
        {
            const ReadGuard inner;
            held = snapshot.get();
        }
        snapshot.replace(std::make_unique<Tracked>(living, 2));
        REQUIRE(living == 2);
        REQUIRE(held->mark == Tracked::alive);
    }
    detail::reclaim();
    REQUIRE(living == 1);
}

TEST_CASE("a snapshot may be replaced by the destructor of another's object") {
    struct Outer {
        Snapshot<int>& inner;
        ~Outer() { inner.replace(std::make_unique<int>(2)); }
    };
    Snapshot<int> inner;
    inner.replace(std::make_unique<int>(1));
    Snapshot<Outer> outer;
    outer.replace(std::unique_ptr<const Outer>(new Outer{inner}));
    outer.replace(nullptr);
    const ReadGuard guard;
    REQUIRE(*inner.get() == 2);
}

TEST_CASE("the slot of an ended thread serves the next, and its last guard may outlive the lease") {
    static Snapshot<int> snapshot;
    snapshot.replace(std::make_unique<int>(7));
    struct ReadsLast {
        int* seen;
        ~ReadsLast() {
            const ReadGuard guard;
            *seen = *snapshot.get();
        }
    };
    std::array<plugin::read_section_detail::Slot*, 2> slots{};
    for (auto& slot : slots) {
        int seen = 0;
        std::thread([&] {
            thread_local ReadsLast last{&seen};  // made first, destroyed after the lease
            static_cast<void>(last);
            const ReadGuard guard;
            slot = plugin::read_section_detail::this_slot;
        }).join();
        REQUIRE(seen == 7);
    }
    REQUIRE(slots[0] == slots[1]);
    REQUIRE_FALSE(slots[0]->taken.load());
}

TEST_CASE("100,000 replacements under readers: nobody sees a freed object, none is left over") {
    std::atomic<int> living{0};
    {
        Snapshot<Tracked> first, second;
        first.replace(std::make_unique<Tracked>(living, 0));
        second.replace(std::make_unique<Tracked>(living, 0));
        std::atomic<bool> done{false};
        std::vector<std::future<bool>> readers;
        for (int i = 0; i < 3; ++i)
            readers.push_back(std::async(std::launch::async, [&] {
                bool held = true;
                int last = 0;
                while (!done.load(std::memory_order_relaxed)) {
                    const ReadGuard guard;
                    const Tracked* const a = first.get();
                    const Tracked* const b = second.get();
                    held = held && a->mark == Tracked::alive && a->number >= last &&
                           b->mark == Tracked::alive && a->mark == Tracked::alive;
                    last = a->number;
                }
                return held;
            }));
        std::thread other([&] {
            for (int i = 1; i <= 50'000; ++i) second.replace(std::make_unique<Tracked>(living, i));
        });
        for (int i = 1; i <= 50'000; ++i) first.replace(std::make_unique<Tracked>(living, i));
        other.join();
        done = true;
        for (auto& reader : readers) REQUIRE(reader.get());
        detail::reclaim();
        REQUIRE(living == 2);
    }
    REQUIRE(living == 0);
}

}  // namespace larder
