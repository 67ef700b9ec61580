// tests/unit/plugins/store_memory_history_test.cpp -- what eight threads saw could have happened
// one after another.
//
// Threads put, remove and get a few keys while others make the same index grow, shrink and move,
// and write down what they did, when it began and when it ended. Every put has a stamp of its own.
// The rule is CacheLib's for its consistency check: a get may show a value only if no other write
// began after that value's write had ended and ended before the get began; and nothing, only if a
// remove stands in the value's place. Written for one key at a time, so a history of millions is
// judged in n log n.
//
// LARDER_OPERATIONS sets how many; 30,000,000 is a full run.
#include "tests/catch.hpp"
#include "tests/unit/plugins/memory_table.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace larder::test;

namespace {

constexpr int threads = 8;
constexpr std::uint32_t key_count = 48;
constexpr std::uint64_t absent = 0;

#if defined(LARDER_SANITIZED)
constexpr std::uint64_t usual_operations = 160'000;
#else
constexpr std::uint64_t usual_operations = 1'600'000;
#endif

std::uint64_t now() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

struct Operation {
    std::uint64_t begin, end;
    std::uint64_t stamp;  // Of what was put or seen; absent: removed, or seen nothing.
    std::uint32_t key;
    bool write;
};

// A value tells whether it is whole: its stamp, over and over.
std::string value_of(std::uint64_t stamp) {
    std::string value((1 + stamp % 40) * 8, '\0');
    for (std::size_t i = 0; i < value.size(); i += 8) {
        std::memcpy(&value[i], &stamp, 8);
    }
    return value;
}
std::uint64_t stamp_of(larder_bytes value) {
    const auto* bytes = static_cast<const char*>(value.data);
    std::uint64_t stamp = 0;
    std::memcpy(&stamp, bytes, 8);
    for (std::size_t i = 8; i < value.size; i += 8) {
        if (std::memcmp(bytes + i, bytes, 8) != 0) {
            return UINT64_MAX;
        }
    }
    return value.size == (1 + stamp % 40) * 8 ? stamp : UINT64_MAX;
}

class History {
  public:
    explicit History(std::vector<Operation> all) : all_(std::move(all)) {
        std::sort(all_.begin(), all_.end(), [](const Operation& a, const Operation& b) {
            return a.key != b.key ? a.key < b.key : a.begin < b.begin;
        });
    }
    // How many gets showed what they may not.
    std::size_t judge() {
        std::size_t wrong = 0;
        for (std::size_t from = 0; from < all_.size();) {
            std::size_t to = from;
            while (to < all_.size() && all_[to].key == all_[from].key) {
                ++to;
            }
            wrong += judge_key(from, to);
            from = to;
        }
        return wrong;
    }

  private:
    std::size_t judge_key(std::size_t from, std::size_t to) {
        std::vector<const Operation*> by_end, removes, puts;
        for (std::size_t i = from; i < to; ++i) {
            if (all_[i].write) {
                by_end.push_back(&all_[i]);
                (all_[i].stamp == absent ? removes : puts).push_back(&all_[i]);
            }
        }
        std::sort(by_end.begin(), by_end.end(),
                  [](const Operation* a, const Operation* b) { return a->end < b->end; });
        std::sort(puts.begin(), puts.end(),
                  [](const Operation* a, const Operation* b) { return a->stamp < b->stamp; });
        // The latest begin of a write among those that ended by a time.
        std::vector<std::uint64_t> begun(by_end.size());
        for (std::size_t i = 0; i < by_end.size(); ++i) {
            begun[i] = std::max(i == 0 ? 0 : begun[i - 1], by_end[i]->begin);
        }
        // The latest end of a remove among those that began by a time.
        std::vector<std::uint64_t> ended(removes.size());
        for (std::size_t i = 0; i < removes.size(); ++i) {
            ended[i] = std::max(i == 0 ? 0 : ended[i - 1], removes[i]->end);
        }
        std::size_t wrong = 0;
        for (std::size_t i = from; i < to; ++i) {
            const Operation& get = all_[i];
            if (get.write) {
                continue;
            }
            const auto over =
                std::lower_bound(by_end.begin(), by_end.end(), get.begin,
                                 [](const Operation* w, std::uint64_t t) { return w->end < t; });
            const std::uint64_t since =
                over == by_end.begin() ? 0
                                       : begun[static_cast<std::size_t>(over - by_end.begin()) - 1];
            if (get.stamp == absent) {
                const auto later = std::upper_bound(
                    removes.begin(), removes.end(), get.end,
                    [](std::uint64_t t, const Operation* r) { return t < r->begin; });
                wrong += later == removes.begin() ||
                         ended[static_cast<std::size_t>(later - removes.begin()) - 1] < since;
                continue;
            }
            const auto put = std::lower_bound(
                puts.begin(), puts.end(), get.stamp,
                [](const Operation* p, std::uint64_t stamp) { return p->stamp < stamp; });
            wrong += put == puts.end() || (*put)->stamp != get.stamp || (*put)->begin > get.end ||
                     (*put)->end < since;
        }
        return wrong;
    }

    std::vector<Operation> all_;
};

void one_round(MemoryTable& m, std::uint64_t round, std::uint64_t count, std::uint64_t seed,
               std::vector<Operation>& all) {
    std::vector<std::vector<Operation>> logs(threads);
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
            std::mt19937_64 random(seed + round * threads + static_cast<std::uint64_t>(t));
            std::uint64_t stamp = (round * threads + static_cast<std::uint64_t>(t)) << 32;
            std::vector<Operation>& log = logs[static_cast<std::size_t>(t)];
            log.reserve(count / threads);
            for (std::uint64_t i = 0; i < count / threads; ++i) {
                const std::uint64_t dice = random();
                if (dice % 4 == 0) {
                    // The index grows and shrinks under the keys that are watched.
                    const std::string other = numbered("other", random() % 20'000);
                    if (dice / 4 % 3 != 0) {
                        m.put(other, value_of(dice / 16));
                    } else {
                        m.table.remove(key_of(other), 0);
                    }
                    continue;
                }
                if (dice / 4 % 1000 == 0) {
                    if (t == 0) {
                        m.host.advance_clock_only(std::chrono::milliseconds(1100));
                        m.table.tend();
                    }
                    continue;
                }
                Operation op{};
                op.key = static_cast<std::uint32_t>(random() % key_count);
                const std::string name = numbered("key", op.key);
                const larder_key key = key_of(name);
                const unsigned what = static_cast<unsigned>(dice >> 32) % 8;
                op.write = what < 2;
                if (what == 0) {
                    op.stamp = ++stamp;
                    const std::string value = value_of(op.stamp);
                    op.begin = now();
                    m.table.put(key, put_of(value, 0, op.stamp));
                } else if (what == 1) {
                    op.begin = now();
                    m.table.remove(key, 0);
                } else if (what < 5) {
                    op.begin = now();
                    m.table.visit(
                        key, 0,
                        [](void* ctx, larder_bytes value) noexcept {
                            *static_cast<std::uint64_t*>(ctx) = stamp_of(value);
                        },
                        &op.stamp);
                } else {
                    Pin pin;
                    op.begin = now();
                    if (m.table.get(key, 0, pin.out()) == LARDER_OK) {
                        op.stamp = stamp_of({pin.view().data(), pin.view().size()});
                    }
                }
                op.end = now();
                log.push_back(op);
            }
        });
    }
    for (std::thread& worker : workers) {
        worker.join();
    }
    for (const auto& log : logs) {
        all.insert(all.end(), log.begin(), log.end());
    }
}

}  // namespace

TEST_CASE("what eight threads got is what somebody could have put last") {
    const char* given = std::getenv("LARDER_OPERATIONS");
    const std::uint64_t operations =
        given != nullptr ? std::strtoull(given, nullptr, 10) : usual_operations;
    const std::uint64_t seed = 4711, in_round = std::min<std::uint64_t>(operations, 1'000'000);
    CAPTURE(seed, operations);
    MemoryTable m(std::uint64_t{64} << 20, 16);
    for (std::uint64_t round = 1; round <= std::max<std::uint64_t>(operations / in_round, 1);
         ++round) {
        std::vector<Operation> all;
        // What is there before the round, as writes that ended before it.
        for (std::uint32_t k = 0; k < key_count; ++k) {
            const std::string name = numbered("key", k);
            Pin pin;
            std::uint64_t stamp = absent;
            if (m.table.get(key_of(name), 0, pin.out()) == LARDER_OK) {
                stamp = stamp_of({pin.view().data(), pin.view().size()});
            }
            all.push_back({0, 1, stamp, k, true});
        }
        one_round(m, round, in_round, seed, all);
        const std::size_t gets = static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [](const Operation& op) { return !op.write; }));
        CAPTURE(round, gets);
        REQUIRE(gets > in_round / 4);
        REQUIRE(History(std::move(all)).judge() == 0);
    }
    REQUIRE(m.stats().evictions == 0);
}

TEST_CASE("the judge of histories finds a value that was overwritten, and one that was removed") {
    const auto wrong = [](std::vector<Operation> all) { return History(std::move(all)).judge(); };
    const Operation first{0, 1, absent, 0, true}, one{10, 20, 1, 0, true}, two{30, 40, 2, 0, true},
        gone{50, 60, absent, 0, true};
    REQUIRE(wrong({first, one, two, {35, 36, 1, 0, false}}) == 0);
    REQUIRE(wrong({first, one, two, {41, 45, 1, 0, false}}) == 1);
    REQUIRE(wrong({first, one, two, {5, 9, 1, 0, false}}) == 1);
    REQUIRE(wrong({first, one, {15, 16, absent, 0, false}}) == 0);
    REQUIRE(wrong({first, one, {25, 26, absent, 0, false}}) == 1);
    REQUIRE(wrong({first, one, gone, {55, 56, 1, 0, false}}) == 0);
    REQUIRE(wrong({first, one, gone, {61, 66, 1, 0, false}}) == 1);
    REQUIRE(wrong({first, one, gone, {61, 66, absent, 0, false}}) == 0);
    REQUIRE(wrong({first, one, {12, 13, UINT64_MAX, 0, false}}) == 1);
}
