// tests/unit/core/records_test.cpp -- what a change makes stale, what eviction may forget, and that
// no interleaving lets an old stamp pass for a new one.
#include "kernel/core/records.hpp"

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <latch>
#include <thread>
#include <vector>

namespace larder {
namespace {

constexpr std::uint64_t seed = 20'240'601;

}  // namespace

TEST_CASE("a scope has no record until it is stamped, and then the same one for everybody") {
    SeededRandom random(seed);
    RecordTable table(100, random);
    Record found;
    REQUIRE_FALSE(table.find(7, found));
    const Record made = table.stamp(7);
    REQUIRE(made.drop != 0);
    REQUIRE(made.expire != 0);
    REQUIRE(made.drop != made.expire);
    REQUIRE(made.changed == 0);
    REQUIRE(made.expired_at_ns == 0);
    REQUIRE(table.find(7, found));
    REQUIRE(found.drop == made.drop);
    REQUIRE(table.stamp(7).drop == made.drop);
    REQUIRE(table.stamp(8).drop != made.drop);
    REQUIRE(table.size() == 2);
}

TEST_CASE("a drop changes both numbers of its scope and of no other") {
    SeededRandom random(seed);
    RecordTable table(100, random);
    const Record before = table.stamp(1), other = table.stamp(2);
    table.drop(1);
    const Record after = table.stamp(1);
    REQUIRE(after.drop != before.drop);
    REQUIRE(after.expire != before.expire);
    REQUIRE(after.expired_at_ns == 0);
    REQUIRE(table.stamp(2).drop == other.drop);
    REQUIRE(table.stamp(2).expire == other.expire);
    REQUIRE(table.stamp(2).changed == 0);
}

TEST_CASE("an expire changes only the expire number and says when") {
    SeededRandom random(seed);
    RecordTable table(100, random);
    const Record before = table.stamp(1);
    table.expire(1, 5'000);
    const Record after = table.stamp(1);
    REQUIRE(after.drop == before.drop);
    REQUIRE(after.expire != before.expire);
    REQUIRE(after.expired_at_ns == 5'000);
}

TEST_CASE("each change raises the epoch by one and leaves it in the record") {
    SeededRandom random(seed);
    RecordTable table(100, random);
    table.stamp(1);
    const std::uint64_t start = table.epoch();
    REQUIRE(start > 0);
    table.drop(1);
    REQUIRE(table.epoch() == start + 1);
    REQUIRE(table.stamp(1).changed == start + 1);
    table.expire(2, 1);
    REQUIRE(table.epoch() == start + 2);
    REQUIRE(table.stamp(2).changed == start + 2);
    REQUIRE(table.stamp(1).changed == start + 1);
    table.stamp(3);
    REQUIRE(table.epoch() == start + 2);
}

TEST_CASE("the epoch rises only when the record has changed") {
    // Between the two, whoever verifies by the old numbers must not be able to do so at the new
    // epoch. The numbers are drawn in the middle of a change, which lets the test look into it.
    struct Peeking final : Random {
        std::uint64_t next() noexcept override {
            if (look) look();
            return random.next();
        }
        SeededRandom random{seed};
        std::function<void()> look;
    } peeking;
    RecordTable table(100, peeking);
    table.stamp(1);
    const std::uint64_t before = table.epoch();
    bool looked = false, rose_early = false;
    peeking.look = [&] {
        looked = true;
        rose_early = rose_early || table.epoch() != before;
    };
    SECTION("by a drop") { table.drop(1); }
    SECTION("by a drop of a scope without a record") { table.drop(2); }
    SECTION("by an expire") { table.expire(1, 1); }
    REQUIRE(looked);
    REQUIRE_FALSE(rose_early);
    REQUIRE(table.epoch() == before + 1);
}

TEST_CASE("a change of a scope without a record is remembered for loads that are under way") {
    SeededRandom random(seed);
    RecordTable table(100, random);
    const std::uint64_t load_began = table.epoch();
    SECTION("dropped") { table.drop(9); }
    SECTION("expired") { table.expire(9, 1); }
    REQUIRE(table.stamp(9).changed > load_began);
}

TEST_CASE("a table holds what it was made for before anything is evicted") {
    SeededRandom random(seed);
    const std::size_t capacity = GENERATE(1U, 2U, 3U, 100U, 4'096U, 4'097U, 50'000U);
    RecordTable table(capacity, random);
    std::vector<std::uint64_t> numbers;
    for (ScopeId scope = 0; scope < capacity; ++scope) numbers.push_back(table.stamp(scope).drop);
    REQUIRE(table.size() == capacity);
    Record found;
    for (ScopeId scope = 0; scope < capacity; ++scope) {
        REQUIRE(table.find(scope, found));
        REQUIRE(found.drop == numbers[scope]);
    }
}

TEST_CASE("a table stays within its bound however many scopes come by") {
    SeededRandom random(seed);
    RecordTable table(1'000, random);
    for (ScopeId scope = 0; scope < 100'000; ++scope) table.stamp(scope * 977);
    REQUIRE(table.size() == 1'000);
}

TEST_CASE("records in use outlive a flood of scopes that are used once") {
    SeededRandom random(seed);
    RecordTable table(1'000, random);
    std::vector<std::uint64_t> numbers;
    constexpr ScopeId hot = 200;
    for (ScopeId scope = 0; scope < hot; ++scope) numbers.push_back(table.stamp(scope).drop);
    for (ScopeId cold = 0; cold < 50'000; ++cold) {
        // A drop of something nobody caches must not push out what is used, any more than a stamp.
        if (cold % 2 == 0)
            table.stamp(1'000'000 + cold);
        else
            table.drop(1'000'000 + cold);
        Record found;
        table.find(cold % hot, found);
    }
    std::size_t kept = 0;
    for (ScopeId scope = 0; scope < hot; ++scope) {
        Record found;
        kept += table.find(scope, found) && found.drop == numbers[scope] ? 1 : 0;
    }
    REQUIRE(kept == hot);
}

TEST_CASE("forgotten is the latest change of any evicted record, neither more nor less") {
    SeededRandom random(seed);
    RecordTable table(8, random);
    std::vector<std::uint64_t> changed(1'000, 0);
    std::uint64_t evicted = 0;
    Record found;
    for (ScopeId scope = 0; scope < changed.size(); ++scope) {
        if (random.next() % 3 == 0)
            table.drop(scope);
        else
            table.stamp(scope);
        REQUIRE(table.find(scope, found));
        changed[scope] = found.changed;
        for (ScopeId old = 0; old <= scope; ++old)
            if (!table.find(old, found)) evicted = std::max(evicted, changed[old]);
        REQUIRE(table.forgotten() == evicted);
    }
    REQUIRE(evicted > 0);
    REQUIRE(evicted < table.epoch());
}

TEST_CASE("an evicted record comes back with other numbers") {
    SeededRandom random(seed);
    RecordTable table(4, random);
    const Record before = table.stamp(1);
    for (ScopeId scope = 100; scope < 10'000; ++scope) table.stamp(scope);
    Record found;
    REQUIRE_FALSE(table.find(1, found));
    const Record after = table.stamp(1);
    REQUIRE(after.drop != before.drop);
    REQUIRE(after.expire != before.expire);
}

TEST_CASE("a reset forgets every record and counts as a change of every scope") {
    SeededRandom random(seed);
    RecordTable table(10'000, random);
    std::vector<std::uint64_t> numbers;
    for (ScopeId scope = 0; scope < 5'000; ++scope) numbers.push_back(table.stamp(scope).drop);
    const std::uint64_t load_began = table.epoch();
    table.reset();
    REQUIRE(table.size() == 0);
    REQUIRE(table.epoch() == load_began + 1);
    REQUIRE(table.forgotten() > load_began);
    Record found;
    for (ScopeId scope = 0; scope < 5'000; ++scope) {
        REQUIRE_FALSE(table.find(scope, found));
        REQUIRE(table.stamp(scope).drop != numbers[scope]);
    }
    REQUIRE(table.size() == 5'000);
}

namespace {

// Counts for one scope how many drops have begun and how many have returned.
struct Drops {
    std::atomic<std::uint64_t> begun{0}, returned{0};
};

// An entry as the kernel keeps it: the numbers of its scopes, the epoch it was verified at, and,
// for the judge, how many drops of each scope had begun when its stamp was taken.
struct Entry {
    std::array<ScopeId, 3> scopes{};
    std::array<std::uint64_t, 3> numbers{}, begun{};
    std::uint64_t mark = 0;
    bool made = false;
};

bool valid(const RecordTable& table, Entry& entry) {
    if (entry.mark == table.epoch()) return true;
    const std::uint64_t epoch = table.epoch();
    for (std::size_t i = 0; i < entry.scopes.size(); ++i) {
        Record record;
        if (!table.find(entry.scopes[i], record) || record.drop != entry.numbers[i]) return false;
    }
    entry.mark = epoch;
    return true;
}

}  // namespace

// With `begun` drops begun when the stamp was complete and more than that returned when the judging
// begins, at least one drop lies between the two.
TEST_CASE("no entry stamped before a completed drop is judged valid after it") {
    SeededRandom random(seed);
    const std::size_t capacity = GENERATE(4U, 16U, 1'000U);
    constexpr std::size_t scopes = 24;
    RecordTable table(capacity, random);
    std::array<Drops, scopes> drops;
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> violations{0}, judged_valid{0};
    std::latch all_there(5);

    auto stamps_and_judges = [&](std::uint64_t own_seed) {
        SeededRandom own(own_seed);
        std::array<Entry, 32> entries;
        all_there.arrive_and_wait();
        for (int after_the_end = 0; after_the_end < 100;) {
            if (done.load(std::memory_order_relaxed)) ++after_the_end;
            Entry& entry = entries[own.next() % entries.size()];
            if (!entry.made || own.next() % 4 == 0) {
                entry.made = true;
                entry.mark = 0;
                for (std::size_t i = 0; i < entry.scopes.size(); ++i) {
                    entry.scopes[i] = own.next() % scopes;
                    entry.numbers[i] = table.stamp(entry.scopes[i]).drop;
                    entry.begun[i] = drops[entry.scopes[i]].begun.load();
                }
            }
            std::array<std::uint64_t, 3> returned{};
            for (std::size_t i = 0; i < returned.size(); ++i)
                returned[i] = drops[entry.scopes[i]].returned.load(std::memory_order_acquire);
            if (!valid(table, entry)) {
                entry.made = false;
                continue;
            }
            judged_valid.fetch_add(1, std::memory_order_relaxed);
            for (std::size_t i = 0; i < returned.size(); ++i)
                if (returned[i] > entry.begun[i]) violations.fetch_add(1);
        }
    };
    auto drops_scopes = [&](std::uint64_t own_seed) {
        SeededRandom own(own_seed);
        all_there.arrive_and_wait();
        for (int i = 0; i < 6'000; ++i) {
            const ScopeId scope = own.next() % scopes;
            drops[scope].begun.fetch_add(1);
            table.drop(scope);
            drops[scope].returned.fetch_add(1);
            if (i % 64 == 0) std::this_thread::yield();
        }
    };
    std::vector<std::thread> readers, writers;
    for (std::uint64_t i = 0; i < 3; ++i) readers.emplace_back(stamps_and_judges, seed + i);
    for (std::uint64_t i = 0; i < 2; ++i) writers.emplace_back(drops_scopes, seed + 10 + i);
    for (auto& writer : writers) writer.join();
    done = true;
    for (auto& reader : readers) reader.join();
    INFO("seed " << seed << ", capacity " << capacity);
    REQUIRE(violations == 0);
    // With fewer records than scopes hardly an entry lives; with enough, many do.
    if (capacity == 1'000) REQUIRE(judged_valid > 0);
}

// The load fence with late tags: the scope is stamped only when the value is there.
TEST_CASE("a value loaded before a drop and stamped after it is never kept") {
    SeededRandom random(seed);
    const std::size_t capacity = GENERATE(2U, 1'000U);
    constexpr std::size_t scopes = 8;
    RecordTable table(capacity, random);
    std::array<std::atomic<std::uint64_t>, scopes> origin{}, dropped{};
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> violations{0}, kept{0};
    std::latch all_there(4);

    auto loads = [&](std::uint64_t own_seed) {
        SeededRandom own(own_seed);
        all_there.arrive_and_wait();
        for (int after_the_end = 0; after_the_end < 100;) {
            if (done.load(std::memory_order_relaxed)) ++after_the_end;
            const ScopeId scope = own.next() % scopes;
            const std::uint64_t load_began = table.epoch();
            const std::uint64_t value = origin[scope].load();
            if (own.next() % 64 == 0) std::this_thread::yield();
            const Record record = table.stamp(scope);
            if (record.changed > load_began || table.forgotten() > load_began) continue;
            kept.fetch_add(1, std::memory_order_relaxed);
            const std::uint64_t newest_dropped = dropped[scope].load();
            Record now;
            if (table.find(scope, now) && now.drop == record.drop && value < newest_dropped)
                violations.fetch_add(1);
        }
    };
    // One writer for each half of the scopes: it changes the origin, then drops.
    auto writes = [&](ScopeId first) {
        SeededRandom own(seed + 100 + first);
        all_there.arrive_and_wait();
        for (int i = 0; i < 6'000; ++i) {
            const ScopeId scope = first + own.next() % (scopes / 2);
            const std::uint64_t next = origin[scope].load() + 1;
            origin[scope].store(next);
            table.drop(scope);
            dropped[scope].store(next);
            if (i % 64 == 0) std::this_thread::yield();
        }
    };
    std::vector<std::thread> readers, writers;
    for (std::uint64_t i = 0; i < 2; ++i) readers.emplace_back(loads, seed + i);
    writers.emplace_back(writes, ScopeId{0});
    writers.emplace_back(writes, ScopeId{scopes / 2});
    for (auto& writer : writers) writer.join();
    done = true;
    for (auto& reader : readers) reader.join();
    INFO("seed " << seed << ", capacity " << capacity);
    REQUIRE(violations == 0);
    REQUIRE(kept > 0);
}

// Each record is written so that its parts can be told apart: expired_at is the epoch before the
// change, so a mix of two changes shows.
TEST_CASE("what a reader finds is one record as it was at one time, never a mix of two") {
    SeededRandom random(seed);
    const ScopeId scopes = GENERATE(2U, 128U);  // of which 64 have a record
    RecordTable table(64, random);
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> mixed{0}, found_any{0};
    std::latch all_there(3);
    std::vector<std::thread> readers;
    for (int i = 0; i < 2; ++i)
        readers.emplace_back([&] {
            all_there.arrive_and_wait();
            for (bool last = false; !last;) {
                last = done.load(std::memory_order_acquire);
                for (ScopeId scope = 0; scope < scopes; ++scope) {
                    Record record;
                    if (!table.find(scope, record)) continue;
                    found_any.fetch_add(1, std::memory_order_relaxed);
                    if (record.expired_at_ns + 1 != record.changed) mixed.fetch_add(1);
                }
            }
        });
    SeededRandom own(seed + 1);
    all_there.arrive_and_wait();
    for (int i = 0; i < 40'000; ++i) {
        table.expire(own.next() % scopes, table.epoch());
        if (i % 512 == 0) std::this_thread::yield();
    }
    done = true;
    for (auto& reader : readers) reader.join();
    REQUIRE(mixed == 0);
    REQUIRE(found_any > 0);
}

TEST_CASE("the last change of a scope is never reported too early, whatever falls on its cell") {
    SeededRandom random(seed);
    RecordTable table(1'000, random);
    std::vector<std::uint64_t> changed(5'000, 0);
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t scope = random.next() % changed.size();
        changed[scope] = i % 3 == 0 ? table.expire(scope + 1, 9) : table.drop(scope + 1);
        REQUIRE(changed[scope] == table.epoch());
    }
    for (std::size_t scope = 0; scope < changed.size(); ++scope) REQUIRE(table.last_change(scope + 1) >= changed[scope]);
    // And it is of use: 5,000 scopes leave most cells as they were.
    std::size_t untouched = 0;
    for (std::size_t i = 0; i < 1'000; ++i) untouched += table.last_change(random.next()) == 0;
    REQUIRE(untouched > 800);
}

TEST_CASE("a cell follows the scopes it watches and no others, and a reset too") {
    SeededRandom random(seed);
    RecordTable table(100, random);
    table.drop(5);
    RecordTable::Cell first{0}, second{0};
    table.watch({{1, &first}, {2, &first}, {2, &second}});
    REQUIRE(first == table.epoch());
    const std::uint64_t before = table.epoch();
    table.drop(5);
    REQUIRE(first == before);
    REQUIRE(table.expire(1, 3) == first);
    REQUIRE(second == before);
    REQUIRE(table.drop(2) == first);
    REQUIRE(second == first);
    table.reset();
    REQUIRE(first == table.epoch());
    REQUIRE(second == table.epoch());
    table.watch({});
    table.drop(2);
    REQUIRE(second < table.epoch());
}

TEST_CASE("a record tells the epoch of its last drop from that of its last change") {
    SeededRandom random(seed);
    RecordTable table(100, random);
    const std::uint64_t dropped = table.drop(1), expired = table.expire(1, 5);
    Record record;
    REQUIRE(table.find(1, record));
    REQUIRE(record.dropped == dropped);
    REQUIRE(record.changed == expired);
}

}  // namespace larder
