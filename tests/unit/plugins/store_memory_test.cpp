// tests/unit/plugins/store_memory_test.cpp -- what the memory table promises of single entries, one claim a case.
#include "tests/catch.hpp"
#include "tests/unit/plugins/memory_table.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <vector>

using namespace larder::test;
using namespace std::chrono_literals;

TEST_CASE("what is put is got back, whatever bytes the key and the value hold") {
    MemoryTable m;
    const std::string key("a\0b\r\n:*%", 8), value("\0\xff", 2);
    REQUIRE(m.put(key, value) == LARDER_OK);
    REQUIRE(m.get(key) == value);
    REQUIRE(m.put("", "") == LARDER_OK);
    REQUIRE(m.get("") == "");
    REQUIRE_FALSE(m.get("a"));
}

TEST_CASE("the same key in two namespaces is two entries") {
    MemoryTable m;
    m.put("k", "one", 0, 1);
    m.put("k", "two", 0, 2);
    REQUIRE(m.get("k", 1) == "one");
    REQUIRE(m.get("k", 2) == "two");
    m.table.clear(1);
    REQUIRE_FALSE(m.get("k", 1));
    REQUIRE(m.get("k", 2) == "two");
}

TEST_CASE("keys with one hash are told apart, also across namespaces") {
    MemoryTable m;
    for (int i = 0; i < 100; ++i) {
        larder_key key = key_of("x");
        const std::string text = numbered(i);
        key.data = text.data();
        key.size = static_cast<std::uint32_t>(text.size());
        key.ns = static_cast<std::uint32_t>(i % 3);
        REQUIRE(m.table.put(key, put_of(text)) == LARDER_OK);
    }
    for (int i = 0; i < 100; ++i) {
        larder_key key = key_of("x");
        const std::string text = numbered(i);
        key.data = text.data();
        key.size = static_cast<std::uint32_t>(text.size());
        key.ns = static_cast<std::uint32_t>(i % 3);
        Pin pin;
        REQUIRE(m.table.get(key, 0, pin.out()) == LARDER_OK);
        REQUIRE(pin.text() == text);
        key.ns = static_cast<std::uint32_t>((i + 1) % 3);
        REQUIRE(m.table.get(key, LARDER_CALL_NO_VALUE, nullptr) == LARDER_MISS);
    }
}

TEST_CASE("an entry is there until its ttl is over and not a millisecond longer") {
    MemoryTable m;
    m.put("k", "v", 1000);
    m.host.advance(999ms);
    REQUIRE(m.get("k") == "v");
    m.host.advance(1ms);
    REQUIRE_FALSE(m.get("k"));
    REQUIRE(m.stats().expirations == 1);
    REQUIRE(m.stats().bytes == 0);
}

TEST_CASE("entries that end are told apart by cause and by whether they were ever read") {
    MemoryTable m;
    for (const char* key : {"lapsed read", "lapsed unread"}) REQUIRE(m.put(key, "x", 1'000) == LARDER_OK);
    for (const char* key : {"removed read", "removed unread", "stays"}) REQUIRE(m.put(key, "x") == LARDER_OK);
    for (const char* key : {"lapsed read", "removed read", "stays"}) REQUIRE(m.get(key) == "x");
    for (const char* key : {"removed read", "removed unread"}) REQUIRE(m.table.remove(key_of(key), 0) == LARDER_OK);
    m.host.advance_clock_only(20s);
    m.tend();
    const larder_store_stats stats = m.stats();
    CHECK(stats.expired_used == 1);
    CHECK(stats.expired_unused == 1);
    CHECK(stats.removed_used == 1);
    CHECK(stats.removed_unused == 1);
    CHECK(stats.evicted_used + stats.evicted_unused == 0);
    CHECK(stats.entries == 1);
}

TEST_CASE("memory of lapsed entries comes back in the background, at most nine seconds late") {
    const std::uint64_t ttl_ms =
        GENERATE(std::uint64_t{1}, 50u, 1'000u, 61'000u, 3'600'000u, 86'400'000u, 31'536'000'000u);
    CAPTURE(ttl_ms);
    MemoryTable m;
    m.host.advance_clock_only(std::chrono::milliseconds(GENERATE(0, 123'456'789)));
    for (int i = 0; i < 1000; ++i) {
        m.put(numbered(i), "v", ttl_ms);
    }
    m.put("stays", "v");
    m.host.advance_clock_only(std::chrono::milliseconds(ttl_ms) - 1ms);
    m.tend();
    REQUIRE(m.stats().entries == 1001);
    m.host.advance_clock_only(9s);
    m.tend();
    REQUIRE(m.stats().entries == 1);
    REQUIRE(m.stats().expirations == 1000);
}

TEST_CASE("an entry put over another is reclaimed in the background at its own deadline") {
    MemoryTable m;
    for (int i = 0; i < 100; ++i) {
        m.put(numbered(i), "v", 60'000);
        m.put(numbered(i), "w", 1'000);
        m.put("later" + numbered(i), "v", 1'000);
        m.put("later" + numbered(i), "w", 60'000);
    }
    m.host.advance_clock_only(10s);
    m.tend();
    REQUIRE(m.stats().entries == 100);
    m.host.advance_clock_only(60s);
    m.tend();
    REQUIRE(m.stats().entries == 0);
}

TEST_CASE("a step of the background takes out a bounded number of entries") {
    MemoryTable m(std::uint64_t{64} << 20, 1);
    for (int i = 0; i < 20'000; ++i) {
        m.put(numbered(i), "v", 1000);
    }
    m.host.advance_clock_only(20s);
    std::uint64_t before = m.stats().entries;
    int steps = 0;
    for (bool more = true; more; ++steps) {
        more = m.table.tend();
        const std::uint64_t now = m.stats().entries;
        REQUIRE(before - now <= 640);
        before = now;
    }
    REQUIRE(before == 0);
    REQUIRE(steps >= 20'000 / 640);
}

TEST_CASE("conditional puts judge and write as one step") {
    MemoryTable m;
    const larder_key k = key_of("k");
    SECTION("if_absent") {
        REQUIRE(m.table.put(k, put_of("a", 0, 7, LARDER_PUT_IF_ABSENT)) == LARDER_OK);
        REQUIRE(m.table.put(k, put_of("b", 0, 8, LARDER_PUT_IF_ABSENT)) == LARDER_EXISTS);
        REQUIRE(m.get("k") == "a");
    }
    SECTION("if_absent finds a lapsed entry absent") {
        m.put("k", "a", 10);
        m.host.advance(10ms);
        REQUIRE(m.table.put(k, put_of("b", 0, 8, LARDER_PUT_IF_ABSENT)) == LARDER_OK);
        REQUIRE(m.get("k") == "b");
    }
    SECTION("if_version") {
        larder_put put = put_of("b", 0, 8, LARDER_PUT_IF_VERSION);
        put.if_version = 7;
        REQUIRE(m.table.put(k, put) == LARDER_E_CONFLICT);
        m.table.put(k, put_of("a", 0, 7));
        put.if_version = 6;
        REQUIRE(m.table.put(k, put) == LARDER_E_CONFLICT);
        put.if_version = 0;  // Absent is what was asked for, and it is not.
        REQUIRE(m.table.put(k, put) == LARDER_E_CONFLICT);
        REQUIRE(m.get("k") == "a");
        put.if_version = 7;
        REQUIRE(m.table.put(k, put) == LARDER_OK);
        REQUIRE(m.get("k") == "b");
        REQUIRE(m.table.remove(k, 7) == LARDER_E_CONFLICT);
        REQUIRE(m.table.remove(k, 8) == LARDER_OK);
        REQUIRE(m.table.remove(k, 0) == LARDER_MISS);
        put.if_version = 0;
        REQUIRE(m.table.put(k, put) == LARDER_OK);
    }
    SECTION("keep_ttl keeps the deadline of what is replaced, and of nothing else") {
        m.put("k", "a", 1000);
        m.host.advance(400ms);
        REQUIRE(m.table.put(k, put_of("b", 5000, 2, LARDER_PUT_KEEP_TTL)) == LARDER_OK);
        m.host.advance(599ms);
        REQUIRE(m.get("k") == "b");
        m.host.advance(1ms);
        REQUIRE_FALSE(m.get("k"));
        REQUIRE(m.table.put(k, put_of("c", 5000, 3, LARDER_PUT_KEEP_TTL)) == LARDER_OK);
        m.host.advance(4999ms);
        REQUIRE(m.get("k") == "c");
    }
}

TEST_CASE(
    "a pinned value survives overwriting, removal, eviction and clearing, and counts until given "
    "back") {
    MemoryTable m(1 << 20, 1);
    m.put("k", std::string(1000, 'a'));
    Pin pin = m.pin("k");
    SECTION("overwritten") {
        m.put("k", std::string(1000, 'b'));
        REQUIRE(m.get("k") == std::string(1000, 'b'));
    }
    SECTION("removed") { m.table.remove(key_of("k"), 0); }
    SECTION("cleared") { m.table.clear(UINT32_MAX); }
    SECTION("lapsed") {
        m.touch("k", 10);
        m.host.advance(10ms);
        REQUIRE_FALSE(m.get("k"));
    }
    SECTION("evicted") {
        std::mt19937 random(1);
        for (int i = 0; i < 200'000; ++i) {  // Others are used again and again, k is not.
            const int other = static_cast<int>(random() % 2500);
            if (!m.has(numbered(other))) {
                m.put(numbered(other), std::string(500, 'c'));
            }
        }
        REQUIRE_FALSE(m.has("k"));
    }
    REQUIRE(pin.text() == std::string(1000, 'a'));
    m.table.clear(UINT32_MAX);
    REQUIRE(m.stats().bytes == m.table.cost_of(1, 1000));
    REQUIRE(m.stats().entries == 0);
    pin.release();
    REQUIRE(m.stats().bytes == 0);
}

TEST_CASE(
    "values are 8-byte aligned, whatever the length of the key, and a mark stored into one stays") {
    MemoryTable m;
    for (std::size_t length = 0; length < 40; ++length) {
        const std::string key(length, 'k');
        m.put(key, std::string(64, '\0'));
        Pin pin = m.pin(key);
        auto address = reinterpret_cast<std::uintptr_t>(pin.out()->data);
        REQUIRE(address % 8 == 0);
        auto& word = *static_cast<std::uint64_t*>(const_cast<void*>(pin.out()->data));
        std::atomic_ref<std::uint64_t>(word).store(0x1122334455667788u);
        pin.release();
        REQUIRE(m.get(key)->substr(0, 8) == std::string("\x88\x77\x66\x55\x44\x33\x22\x11"));
    }
}

TEST_CASE("touch changes the deadline and the bytes in one step") {
    MemoryTable m;
    m.table.put(key_of("k"), put_of("0123456789", 1000, 5));
    SECTION("time only") {
        REQUIRE(m.touch("k", 5000) == LARDER_OK);
        m.host.advance(4999ms);
        REQUIRE(m.get("k") == "0123456789");
        m.host.advance(1ms);
        REQUIRE_FALSE(m.get("k"));
    }
    SECTION("sooner than before, reclaimed sooner") {
        m.put("k", "v", 3'600'000);
        REQUIRE(m.touch("k", 100) == LARDER_OK);
        m.host.advance(9100ms);
        m.tend();
        REQUIRE(m.stats().entries == 0);
    }
    SECTION("no time limit any more") {
        REQUIRE(m.touch("k", 0) == LARDER_OK);
        m.host.advance(24h);
        m.tend();
        REQUIRE(m.get("k") == "0123456789");
    }
    SECTION("a sliding deadline is not reclaimed at the first one") {
        for (int i = 0; i < 50; ++i) {
            m.host.advance(900ms);
            m.tend();
            REQUIRE(m.touch("k", 1000) == LARDER_OK);
        }
        m.host.advance(10s);
        m.tend();
        REQUIRE(m.stats().entries == 0);
    }
    SECTION("a patch, seen by later readers") {
        REQUIRE(m.touch("k", 1000, "ab", 3) == LARDER_OK);
        REQUIRE(m.get("k") == "012ab56789");
    }
    SECTION("a patch never changes what is pinned") {
        Pin pin = m.pin("k");
        REQUIRE(m.touch("k", 7000, "ab", 3, 5) == LARDER_OK);
        REQUIRE(pin.text() == "0123456789");
        REQUIRE(m.get("k") == "012ab56789");
        m.host.advance(6999ms);
        REQUIRE(m.get("k") == "012ab56789");
        REQUIRE(m.table.remove(key_of("k"), 5) == LARDER_OK);
    }
    SECTION("refusals leave everything as it was") {
        REQUIRE(m.touch("k", 9000, "ab", 9) == LARDER_E_INVALID);
        REQUIRE(m.touch("k", 9000, "ab", UINT32_MAX) == LARDER_E_INVALID);
        REQUIRE(m.touch("k", 9000, "ab", 0, 6) == LARDER_E_CONFLICT);
        REQUIRE(m.touch("other", 9000) == LARDER_MISS);
        m.host.advance(999ms);
        REQUIRE(m.get("k") == "0123456789");
        m.host.advance(1ms);
        REQUIRE(m.touch("k", 9000) == LARDER_MISS);
    }
}

TEST_CASE("visit shows the bytes when and only when it answers OK") {
    MemoryTable m;
    m.put("k", "value");
    std::string seen;
    const auto see = [](void* ctx, larder_bytes b) noexcept {
        static_cast<std::string*>(ctx)->append(static_cast<const char*>(b.data), b.size);
    };
    REQUIRE(m.table.visit(key_of("k"), 0, see, &seen) == LARDER_OK);
    REQUIRE(m.table.visit(key_of("other"), 0, see, &seen) == LARDER_MISS);
    REQUIRE(seen == "value");
}

TEST_CASE(
    "stats count each namespace's hits, misses, evictions and expirations; the table's outlive a "
    "clear") {
    MemoryTable m;
    m.table.limits(1, 2, 0);
    m.put("a", "v");
    m.put("b", "v");
    m.put("c", "v");
    m.put("d", "v", 10, 2);
    m.host.advance(10ms);
    m.get("c");
    m.get("nothing");
    m.get("d", 2);
    m.table.get(key_of("c"), LARDER_CALL_PEEK | LARDER_CALL_NO_VALUE, nullptr);
    const larder_store_stats one = m.stats(1), two = m.stats(2);
    m.table.clear(1);
    const larder_store_stats all = m.stats();
    REQUIRE(one.hits == 1);
    REQUIRE(one.misses == 1);
    REQUIRE(one.evictions == 1);
    REQUIRE(m.stats(1).entries == 0);
    REQUIRE(two.misses == 1);
    REQUIRE(two.expirations == 1);
    REQUIRE(all.hits == 1);
    REQUIRE(all.misses == 2);
    REQUIRE(all.capacity_bytes == m.table.capacity());
}

TEST_CASE("entries that are in use stay while a scan of ten times the capacity passes through") {
    constexpr std::uint64_t capacity = 2 << 20;
    MemoryTable m(capacity, 4);
    const std::string value(100, 'v');
    const int fits = static_cast<int>(capacity / m.table.cost_of(8, 100));
    const int hot = fits / 2;
    for (int round = 0; round < 4; ++round) {
        for (int i = 0; i < hot; ++i) {
            if (!m.get(numbered(i))) {
                m.put(numbered(i), value);
            }
        }
    }
    for (int i = 0; i < fits * 10; ++i) {
        m.put("scan" + std::to_string(i), value);
        if (!m.get(numbered(i % hot))) {
            m.put(numbered(i % hot), value);
        }
    }
    int kept = 0;
    for (int i = 0; i < hot; ++i) {
        kept += m.has(numbered(i));
    }
    REQUIRE(kept > hot * 9 / 10);
}

TEST_CASE("20,000 keys with one hash cost at most a few times what others cost") {
    constexpr int count = 20'000;
    const auto run = [](bool collide) {
        MemoryTable m(std::uint64_t{64} << 20, 4);
        std::vector<std::string> names;
        for (int i = 0; i < count; ++i) {
            names.push_back("a key of some length " + std::to_string(i));
        }
        const auto key = [&](int i) {
            larder_key k = key_of(names[static_cast<std::size_t>(i)]);
            k.hash = collide ? 42 : k.hash;
            return k;
        };
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < count; ++i) {
            m.table.put(key(i), put_of("v"));
        }
        int found = 0;
        for (int i = 0; i < count; ++i) {
            found += m.table.get(key(i), LARDER_CALL_NO_VALUE, nullptr) == LARDER_OK;
        }
        for (int i = 0; i < count; ++i) {
            found += m.table.remove(key(i), 0) == LARDER_OK;
        }
        REQUIRE(found == 2 * count);
        REQUIRE(m.stats().bytes == 0);
        return std::chrono::steady_clock::now() - begin;
    };
    // Quadratic work would be a thousandfold; the best of three evens out a busy machine.
    auto plain = run(false), crafted = run(true);
    for (int i = 0; i < 2; ++i) {
        plain = std::min(plain, run(false));
        crafted = std::min(crafted, run(true));
    }
    CAPTURE(plain.count(), crafted.count());
    REQUIRE(crafted < plain * 3);
}
