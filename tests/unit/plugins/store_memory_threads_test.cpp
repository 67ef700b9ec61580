// tests/unit/plugins/store_memory_threads_test.cpp -- many threads on one table; worth most under
// the thread sanitizer.
#include "plugins/store_memory/memory_store.hpp"
#include "tests/catch.hpp"
#include "tests/unit/plugins/memory_table.hpp"

#include <atomic>
#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace larder::test;

namespace {

#if defined(LARDER_SANITIZED)
constexpr int rounds = 4'000;
#else
constexpr int rounds = 40'000;
#endif

// A value that shows whether it is whole: its key, then one letter over and over.
std::string value_for(const std::string& key, std::uint64_t n) {
    return key + ":" + std::string(16 + n % 200, static_cast<char>('a' + n % 26));
}
bool is_whole(std::string_view value, const std::string& key) {
    if (!value.starts_with(key + ":")) {
        return false;
    }
    value.remove_prefix(key.size() + 1);
    return value.size() >= 16 && value.find_first_not_of(value[0]) == std::string_view::npos;
}

template <class F>
void on_threads(int count, F&& work) {
    std::vector<std::thread> threads;
    for (int t = 0; t < count; ++t) {
        threads.emplace_back([&work, t] { work(t); });
    }
    for (std::thread& t : threads) {
        t.join();
    }
}

}  // namespace

TEST_CASE(
    "pinned values stay whole while four threads put, evict, remove, touch, expire and clear") {
    const std::uint64_t seed = 99;
    CAPTURE(seed);
    MemoryTable m(128 << 10, 4);
    m.table.limits(3, 50, 0);
    std::atomic<int> torn{0}, hits{0};
    on_threads(4, [&](int t) {
        std::mt19937_64 random(seed + static_cast<std::uint64_t>(t));
        std::vector<std::pair<Pin, std::string>> pins;
        const auto judge = [&] {
            for (const auto& [pin, key] : pins) {
                torn += !is_whole(pin.view(), key);
            }
            pins.clear();
        };
        for (int i = 0; i < rounds; ++i) {
            const std::string key = numbered("key", random() % 800);
            const auto ns = static_cast<std::uint32_t>(random() % 4);
            switch (random() % 10) {
                case 0:
                case 1:
                case 2:
                    m.put(key, value_for(key, random()), random() % 3 == 0 ? 5 : 0, ns);
                    break;
                case 3:
                    m.table.remove(key_of(key, ns), 0);
                    break;
                case 4: {
                    larder_touch touch{};
                    touch.ttl_ms = random() % 2 * 50;
                    // The key's own first bytes again: whole before and after.
                    touch.patch = {key.data(), 4};
                    m.table.touch(key_of(key, ns), touch);
                    break;
                }
                case 5:
                    m.host.advance_clock_only(std::chrono::microseconds(100));
                    m.table.tend();
                    break;
                case 6:
                    if (random() % 200 == 0) {
                        m.table.clear(ns);
                    }
                    static_cast<void>(m.stats(ns));
                    break;
                default: {
                    Pin pin;
                    if (m.table.get(key_of(key, ns), 0, pin.out()) == LARDER_OK) {
                        ++hits;
                        pins.emplace_back(std::move(pin), key);
                    }
                    if (pins.size() == 16) {
                        judge();
                    }
                }
            }
        }
        judge();
    });
    REQUIRE(torn == 0);
    REQUIRE(hits > 0);
    REQUIRE(m.stats(3).entries <= 50);
    m.table.clear(UINT32_MAX);
    REQUIRE(m.stats().bytes == 0);
}

TEST_CASE("marks are stored into shown bytes while others read and patch them") {
    MemoryTable m;
    const std::string head(64, '\0');
    m.put("k", head);
    std::atomic<bool> wrong{false};
    on_threads(3, [&](int t) {
        for (int i = 0; i < rounds / 4; ++i) {
            if (t == 0) {
                // As the kernel: the word at 8 is the mark.
                m.table.visit(
                    key_of("k"), 0,
                    [](void*, larder_bytes b) noexcept {
                        auto* words = static_cast<std::uint64_t*>(const_cast<void*>(b.data));
                        std::atomic_ref<std::uint64_t>(words[1]).store(7,
                                                                       std::memory_order_relaxed);
                    },
                    nullptr);
            } else if (t == 1) {
                const Pin pin = m.pin("k");
                Pin again = m.pin("k");
                auto* words = static_cast<std::uint64_t*>(const_cast<void*>(again.out()->data));
                const std::uint64_t mark =
                    std::atomic_ref<std::uint64_t>(words[1]).load(std::memory_order_relaxed);
                wrong = wrong || (mark != 0 && mark != 7);
                std::atomic_ref<std::uint64_t>(words[1]).store(7, std::memory_order_relaxed);
                // Both words of a patch are one step.
                wrong = wrong || words[2] != words[3];
            } else {
                const std::uint64_t both[2] = {static_cast<std::uint64_t>(i),
                                               static_cast<std::uint64_t>(i)};
                larder_touch touch{};
                touch.patch = {both, sizeof both};
                touch.patch_offset = 16;
                m.table.touch(key_of("k"), touch);
            }
        }
    });
    REQUIRE_FALSE(wrong);
}

TEST_CASE("of many who put if absent one wins, and a version is replaced once") {
    MemoryTable m;
    for (int round = 0; round < 200; ++round) {
        const std::string key = numbered("k", static_cast<std::uint64_t>(round));
        std::atomic<int> first{0}, second{0};
        on_threads(4, [&](int t) {
            const auto version = static_cast<std::uint64_t>(t + 1);
            first += m.table.put(key_of(key), put_of("v", 0, version, LARDER_PUT_IF_ABSENT)) ==
                     LARDER_OK;
            for (std::uint64_t seen = 1; seen <= 4; ++seen) {
                larder_put put = put_of("w", 0, 100 + version, LARDER_PUT_IF_VERSION);
                put.if_version = seen;
                second += m.table.put(key_of(key), put) == LARDER_OK;
            }
        });
        REQUIRE(first == 1);
        REQUIRE(second <= 1);
    }
}

TEST_CASE("scans, growth and eviction at once") {
    MemoryTable m(1 << 20, 2);
    for (int i = 0; i < 200; ++i) {
        m.put(numbered("stay", static_cast<std::uint64_t>(i)), "v", 0, 7);
    }
    std::atomic<bool> done{false};
    std::atomic<int> bad{0};
    on_threads(3, [&](int t) {
        if (t != 0) {
            for (int i = 0; i < rounds / 2; ++i) {
                m.put(numbered(t == 1 ? "one" : "two", static_cast<std::uint64_t>(i)),
                      std::string(50, 'x'), 0, 8);
            }
            done = true;
            return;
        }
        while (!done) {
            larder_scan scan{};
            scan.ns = 7;
            scan.ctx = &bad;
            scan.on_key = [](void* ctx, const larder_key* k, std::uint64_t, std::int64_t) noexcept {
                *static_cast<std::atomic<int>*>(ctx) += std::string_view(k->data, 4) != "stay";
                return 0;
            };
            do {
                m.table.scan(scan);
            } while (scan.cursor != 0);
        }
    });
    REQUIRE(bad == 0);
    REQUIRE(m.stats().bytes <= m.table.capacity());
}

TEST_CASE("the component tends itself by the executor, and stops for good") {
    using Component = larder::plugin::Store<larder::store_memory::MemoryStore>;
    FakeHost host;
    FakeInstance instance(host, Component::value,
                          FakeConfig().set("capacity", std::uint64_t{1} << 20));
    REQUIRE(instance.created() == LARDER_OK);
    const auto& table = instance.table<larder_store_v1>();
    const larder_call call{};
    REQUIRE(instance.start() == LARDER_OK);
    for (int i = 0; i < 1000; ++i) {
        const std::string key = numbered("k", static_cast<std::uint64_t>(i));
        const larder_key k = key_of(key);
        const larder_put put = put_of("v", 1000);
        REQUIRE(table.put(instance.self(), &k, &put, &call) == LARDER_OK);
    }
    const auto entries = [&] {
        larder_store_stats stats{};
        stats.struct_size = sizeof stats;
        REQUIRE(table.stats(instance.self(), UINT32_MAX, &stats) == LARDER_OK);
        return stats.entries;
    };
    host.advance(std::chrono::milliseconds(999));
    REQUIRE(entries() == 1000);
    host.advance(std::chrono::seconds(9));
    REQUIRE(entries() == 0);
    REQUIRE(instance.reconfigure(FakeConfig().set("capacity", std::uint64_t{2} << 20)) ==
            LARDER_OK);
    larder_store_stats stats{};
    stats.struct_size = sizeof stats;
    REQUIRE(table.stats(instance.self(), UINT32_MAX, &stats) == LARDER_OK);
    REQUIRE(stats.capacity_bytes == 2 << 20);

    const larder_key k = key_of("pinned");
    const larder_put put = put_of("value");
    REQUIRE(table.put(instance.self(), &k, &put, &call) == LARDER_OK);
    Pin pin;
    REQUIRE(table.get(instance.self(), &k, &call, pin.out()) == LARDER_OK);
    REQUIRE(instance.stop() == LARDER_OK);
    REQUIRE(instance.stop() == LARDER_OK);
    REQUIRE(host.tasks_waiting() == 0);
    REQUIRE(pin.text() == "value");
}

TEST_CASE("a kernel without an executor has a store all the same") {
    using Component = larder::plugin::Store<larder::store_memory::MemoryStore>;
    FakeHost host;
    host.set_service(LARDER_SVC_EXECUTOR, nullptr);
    FakeInstance instance(host, Component::value, FakeConfig());
    REQUIRE(instance.created() == LARDER_OK);
    REQUIRE(instance.start() == LARDER_OK);
    REQUIRE(instance.stop() == LARDER_OK);
}
