// tests/unit/plugins/store_memory_limits_test.cpp -- what a table may take, of capacity, of a namespace's limit, of the machine.
#include "tests/catch.hpp"
#include "tests/unit/plugins/memory_table.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>

using namespace larder::test;
using namespace std::chrono_literals;
using larder::store_memory::Table;

TEST_CASE(
    "bytes never pass the capacity, and what is left over is less than the last few entries") {
    constexpr std::uint64_t capacity = 4 << 20;
    const std::uint32_t shards = GENERATE(1u, 4u, 64u);
    MemoryTable m(capacity, shards);
    for (int i = 0; i < 40'000; ++i) {
        REQUIRE(m.put(numbered(i), std::string(static_cast<std::size_t>(i * 37 % 1000), 'x')) ==
                LARDER_OK);
        REQUIRE(m.stats().bytes <= capacity);
    }
    REQUIRE(m.stats().bytes > capacity - 8 * 1200);
    REQUIRE(m.stats().evictions + m.stats().entries == 40'000);
}

TEST_CASE("a value fits as long as everything else can make room for it, and is refused beyond") {
    constexpr std::uint64_t capacity = 1 << 20;
    MemoryTable m(capacity, 16);
    for (int i = 0; i < 5000; ++i) {
        m.put(numbered(i), std::string(100, 'x'));
    }
    const std::string large(capacity - 8192, 'l');
    REQUIRE(m.put("large", large) == LARDER_OK);
    REQUIRE(m.stats().bytes <= capacity);
    REQUIRE(m.get("large") == large);
    REQUIRE(m.put("large", std::string(capacity, 'l')) == LARDER_E_TOO_LARGE);
    REQUIRE(m.get("large") == large);
    REQUIRE(m.put("large", std::string(capacity - 16'384, 'm')) == LARDER_OK);
    REQUIRE(m.get("large")->front() == 'm');
    REQUIRE(m.stats().bytes <= capacity);
}

TEST_CASE("without memory a put answers NOMEM and the entry is as before") {
    FakeHost host;
    Table::Options options = MemoryTable::options(64 << 20, 1);
    options.most_reserved = 1 << 20;
    Table table(host.get(), options);
    const std::string large(100'000, 'x');
    REQUIRE(table.put(key_of("k"), put_of("old", 1000)) == LARDER_OK);
    int fit = 0;
    for (; table.put(key_of(numbered(fit)), put_of(large)) == LARDER_OK; ++fit) {
    }
    REQUIRE(fit > 5);
    REQUIRE(fit < 11);
    REQUIRE(table.put(key_of("k"), put_of(large)) == LARDER_E_NOMEM);
    REQUIRE(table.put(key_of("other"), put_of(large)) == LARDER_E_NOMEM);
    {
        Pin pin;
        REQUIRE(table.get(key_of(numbered(0)), 0, pin.out()) == LARDER_OK);
        larder_touch touch{};
        touch.ttl_ms = 5000;
        touch.patch = {"x", 1};
        REQUIRE(table.touch(key_of(numbered(0)), touch) == LARDER_E_NOMEM);
        REQUIRE(pin.text() == large);
    }
    Pin pin;
    REQUIRE(table.get(key_of("k"), 0, pin.out()) == LARDER_OK);
    REQUIRE(pin.text() == "old");
    REQUIRE(table.remove(key_of(numbered(1)), 0) == LARDER_OK);
    REQUIRE(table.put(key_of("other"), put_of(large)) == LARDER_OK);
    larder_store_stats stats{};
    REQUIRE(table.stats(UINT32_MAX, stats) == LARDER_OK);
    REQUIRE(stats.errors == 4);
}

TEST_CASE("a table without any address space refuses every put") {
    FakeHost host;
    Table::Options options = MemoryTable::options(1 << 20, 1);
    options.map = [](std::size_t) -> void* { return nullptr; };
    Table table(host.get(), options);
    REQUIRE(table.put(key_of("k"), put_of("v")) == LARDER_E_NOMEM);
    REQUIRE(table.get(key_of("k"), LARDER_CALL_NO_VALUE, nullptr) == LARDER_MISS);
    REQUIRE(table.remove(key_of("k"), 0) == LARDER_MISS);
    while (table.tend()) {
    }
}

TEST_CASE("a namespace keeps to its own limits, to within a hundredth, and evicts only its own") {
    const std::uint32_t shards = GENERATE(1u, 16u);
    MemoryTable m(std::uint64_t{64} << 20, shards);
    for (int i = 0; i < 2000; ++i) {
        m.put(numbered(i), "other", 0, 2);
    }
    SECTION("entries") {
        const std::uint64_t most = GENERATE(1u, 7u, 1000u);
        m.table.limits(1, most, 0);
        for (int i = 0; i < 5000; ++i) {
            m.put(numbered(i), "v");
            REQUIRE(m.stats(1).entries <= most);
            REQUIRE(m.has(numbered(i)));
        }
        REQUIRE(m.stats(1).entries == most);
    }
    SECTION("bytes") {
        constexpr std::uint64_t most = 1 << 20;
        m.table.limits(1, 0, most);
        for (int i = 0; i < 20'000; ++i) {
            m.put(numbered(i), std::string(200, 'v'));
            REQUIRE(m.stats(1).bytes <= most);
        }
        REQUIRE(m.stats(1).bytes > most * 99 / 100);
        REQUIRE(m.table.put(key_of("large"), put_of(std::string(most, 'x'))) == LARDER_E_TOO_LARGE);
    }
    SECTION("a limit set later holds from the next put on") {
        for (int i = 0; i < 5000; ++i) {
            m.put(numbered(i), "v");
        }
        m.table.limits(1, 100, 0);
        m.put("one more", "v");
        REQUIRE(m.stats(1).entries == 100);
        m.table.limits(1, 0, 0);
        for (int i = 0; i < 500; ++i) {
            m.put(numbered(i), "v");
        }
        REQUIRE(m.stats(1).entries > 100);
    }
    REQUIRE(m.stats(2).entries == 2000);
}

TEST_CASE("a lowered capacity is reached in bounded steps") {
    MemoryTable m(8 << 20, 4);
    for (int i = 0; i < 30'000; ++i) {
        m.put(numbered(i), std::string(100, 'x'));
    }
    m.table.set_capacity(1 << 20);
    int steps = 0;
    for (; m.table.tend(); ++steps) {
    }
    REQUIRE(steps > 10);
    REQUIRE(m.stats().bytes <= 1 << 20);
}

TEST_CASE("after all is removed, cleared or lapsed, no byte is counted") {
    MemoryTable m;
    for (int i = 0; i < 3000; ++i) {
        m.put(numbered(i), std::string(static_cast<std::size_t>(i), 'x'), i % 3 == 0 ? 1000 : 0,
              static_cast<std::uint32_t>(i % 5));
    }
    for (int i = 0; i < 500; ++i) {
        m.table.remove(key_of(numbered(i), static_cast<std::uint32_t>(i % 5)), 0);
    }
    m.host.advance(12s);
    m.tend();
    for (std::uint32_t ns = 0; ns < 4; ++ns) {
        m.table.clear(ns);
        REQUIRE(m.stats(ns).entries == 0);
        REQUIRE(m.stats(ns).bytes == 0);
    }
    REQUIRE(m.stats().bytes == m.stats(4).bytes);
    m.table.clear(UINT32_MAX);
    REQUIRE(m.stats().bytes == 0);
    REQUIRE(m.stats().entries == 0);
}

TEST_CASE("a million entries that lapse in the same second are given back in steps of some hundred") {
    constexpr std::uint64_t count = 1'000'000, most_a_step = 600;
    MemoryTable m(std::uint64_t{512} << 20, 0);
    for (std::uint64_t i = 0; i < count; ++i) {
        REQUIRE(m.put(numbered("k", i), "value", 1000 + i % 1000) == LARDER_OK);
    }
    m.host.advance_clock_only(2s);
    REQUIRE_FALSE(m.has("k0"));
    REQUIRE_FALSE(m.has("k999999"));
    m.host.advance_clock_only(8s);
    REQUIRE(m.put("fresh", "value") == LARDER_OK);
    const auto entries = [&] {
        larder_store_stats stats{};
        stats.struct_size = sizeof stats;
        REQUIRE(m.table.stats(UINT32_MAX, stats) == LARDER_OK);
        return stats.entries;
    };
    std::uint64_t before = entries(), steps = 0, most_taken = 0;
    for (bool more = true; more; ++steps) {
        more = m.table.tend();
        const std::uint64_t now = entries();
        most_taken = std::max(most_taken, before - now);
        before = now;
    }
    REQUIRE(before == 1);
    REQUIRE(most_taken <= most_a_step);
    REQUIRE(m.get("fresh") == "value");
    REQUIRE(m.stats().expirations == count);
    REQUIRE(m.stats().errors == 0);
    REQUIRE(m.table.bytes() < 1000);
}

TEST_CASE("a million keys of one namespace are all found, and take what a million entries take") {
    constexpr std::uint64_t count = 1'000'000;
    MemoryTable m(std::uint64_t{512} << 20, 0);
    for (std::uint64_t i = 0; i < count; ++i) {
        REQUIRE(m.put(numbered("k", i), numbered("value ", i)) == LARDER_OK);
    }
    std::uint64_t found = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto value = m.get(numbered("k", i));
        found += value && *value == numbered("value ", i) ? 1 : 0;
    }
    REQUIRE(found == count);
    REQUIRE(m.stats(1).entries == count);
    REQUIRE(m.stats().errors == 0);
    REQUIRE(m.table.arena().pages().held_bytes() < m.table.bytes() * 11 / 10);
    m.table.limits(1, 1000, 0);
    REQUIRE(m.put("one more", "v") == LARDER_OK);
    REQUIRE(m.stats(1).entries <= 1000);
    REQUIRE(m.get("one more") == "v");
}

TEST_CASE("large namespaces that are dropped one after the other each give back all they had, once") {
    MemoryTable m(std::uint64_t{64} << 20, 4);
    for (std::uint32_t ns = 1; ns <= 3; ++ns) {
        for (std::uint64_t i = 0; i < 5000; ++i) {
            REQUIRE(m.put(numbered("k", i), numbered("value ", i), 0, ns) == LARDER_OK);
        }
    }
    REQUIRE(m.put("kept", "v", 0, 4) == LARDER_OK);
    for (std::uint32_t ns = 1; ns <= 3; ++ns) {
        m.table.clear(ns);
    }
    m.tend();
    REQUIRE(m.stats().entries == 1);
    REQUIRE(m.stats().bytes < 1000);
    REQUIRE(m.get("kept", 4) == "v");
    const auto& pages = m.table.arena().pages();
    REQUIRE(pages.held_bytes() - pages.free_bytes() < std::uint64_t{512} << 10);
    // A block that was given back twice would have two owners now.
    for (std::uint64_t i = 0; i < 15'000; ++i) {
        m.put(numbered("again", i), numbered("another ", i), 0, 5);
    }
    for (std::uint64_t i = 0; i < 15'000; ++i) {
        REQUIRE(m.get(numbered("again", i), 5) == numbered("another ", i));
    }
}

TEST_CASE("what a full store lets go is handed on once with its key and its value, and only of namespaces that want it") {
    struct Handed {
        std::map<std::string, int> times;
        std::size_t wrong = 0;
        static void LARDER_CALL on_evicted(void* ctx, const larder_key* key, larder_value* value) noexcept {
            auto& me = *static_cast<Handed*>(ctx);
            const std::string name(key->data, key->size);
            const std::string_view bytes(static_cast<const char*>(value->data), value->size);
            ++me.times[name];
            me.wrong += key->ns != 1 || bytes.substr(0, name.size()) != name || bytes.size() != name.size() + 200;
            value->release(value);
        }
    } handed;
    MemoryTable m(1 << 20, 4);
    const larder_demotion to{sizeof to, 0, &handed, &Handed::on_evicted};
    REQUIRE(m.table.demote(1, &to) == LARDER_OK);
    for (int i = 0; i < 10'000; ++i) {
        m.put(numbered(i), numbered(i) + std::string(200, 'x'));
        m.put(numbered(i), "other", 0, 2);
    }
    REQUIRE(m.stats(1).evictions > 1000);
    CHECK(handed.times.size() == m.stats(1).evictions);
    CHECK(handed.wrong == 0);
    CHECK(std::all_of(handed.times.begin(), handed.times.end(), [](const auto& one) { return one.second == 1; }));
    for (const auto& [key, times] : handed.times) REQUIRE_FALSE(m.has(key));

    SECTION("a namespace that is cleared goes on handing on") {
        m.table.clear(1);
        handed.times.clear();
        for (int i = 0; i < 10'000; ++i) m.put(numbered(i), numbered(i) + std::string(200, 'x'));
        CHECK_FALSE(handed.times.empty());
    }
    SECTION("and one that is told to stops") {
        REQUIRE(m.table.demote(1, nullptr) == LARDER_OK);
        handed.times.clear();
        for (int i = 0; i < 10'000; ++i) m.put(numbered(20'000 + i), "x");
        CHECK(handed.times.empty());
    }
}
