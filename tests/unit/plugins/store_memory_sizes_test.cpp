// tests/unit/plugins/store_memory_sizes_test.cpp -- keys and values of every size, and the memory
// they stand in.
#include "plugins/store_memory/arena.hpp"
#include "tests/catch.hpp"
#include "tests/unit/plugins/memory_table.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace larder::test;
using namespace std::chrono_literals;
using larder::store_memory::Arena;
using larder::store_memory::Table;

namespace {

std::string filled(std::size_t size, std::uint64_t seed) {
    std::string bytes(size, '\0');
    std::uint64_t state = seed * 2 + 1;
    for (std::size_t i = 0; i < size; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = static_cast<char>(state >> 56);
    }
    return bytes;
}

}  // namespace

TEST_CASE("a value of any size comes back, at every boundary of the classes and of the long form") {
    MemoryTable m(std::uint64_t{256} << 20, 4);
    std::vector<std::size_t> sizes;
    for (std::size_t size = 0; size <= 700; ++size) {
        sizes.push_back(size);
    }
    for (std::size_t near = 1024; near <= (std::size_t{8} << 20); near *= 2) {
        for (const std::size_t around :
             {near - 41, near - 8, near - 1, near, near + 1, near + near / 16}) {
            sizes.push_back(around);
        }
    }
    sizes.push_back((8 << 20) + 12'345);
    for (const std::size_t size : sizes) {
        const std::string key = numbered("size", size), value = filled(size, size);
        REQUIRE(m.put(key, value) == LARDER_OK);
        REQUIRE(m.get(key) == value);
        if (size > 4096) {
            REQUIRE(m.table.remove(key_of(key), 0) == LARDER_OK);
        }
    }
    for (const std::size_t size : sizes) {
        if (size <= 4096) {
            REQUIRE(m.get(numbered("size", size)) == filled(size, size));
        }
    }
}

TEST_CASE("a key of any length up to 65,535 bytes is told from its neighbours") {
    MemoryTable m(std::uint64_t{256} << 20, 4);
    for (const std::size_t length : {0u,  1u,  2u,  3u,  4u,  7u,   8u,    9u,    15u,   16u,
                                     17u, 24u, 31u, 32u, 33u, 255u, 2046u, 2047u, 2048u, 65'535u}) {
        CAPTURE(length);
        const std::string key = filled(length, 7);
        REQUIRE(m.put(key, "value of it") == LARDER_OK);
        for (const std::size_t at : {std::size_t{0}, length / 2, length - 1}) {
            if (at < length) {
                std::string other = key;
                other[at] = static_cast<char>(other[at] ^ 1);
                REQUIRE_FALSE(m.has(other));
            }
        }
        REQUIRE(m.get(key) == "value of it");
        REQUIRE(m.table.touch(key_of(key), [] {
            larder_touch touch{};
            touch.patch = {"V", 1};
            return touch;
        }()) == LARDER_OK);
        REQUIRE(m.get(key) == "Value of it");
    }
}

TEST_CASE(
    "a headed value is shown with its head: version, deadline and the kernel's bits in place") {
    MemoryTable m;
    m.host.advance_clock_only(5s);
    larder_head head{42, 0, std::uint64_t{0xabcdef} << LARDER_HEAD_DEADLINE_BITS};
    std::string value(sizeof head, '\0');
    std::memcpy(value.data(), &head, sizeof head);
    value += "payload";
    REQUIRE(m.table.put(key_of("k"), put_of(value, 1000, 77, LARDER_PUT_HEADED)) == LARDER_OK);
    const auto shown = [&] {
        const Pin pin = m.pin("k");
        larder_head seen{};
        REQUIRE(pin.view().size() == value.size());
        std::memcpy(&seen, pin.view().data(), sizeof seen);
        REQUIRE(pin.view().substr(sizeof seen) == "payload");
        return seen;
    };
    const std::uint64_t now = m.host.now_ns() / 1'000'000;
    REQUIRE(shown().mark == 42);
    REQUIRE(shown().version == 77);
    REQUIRE(shown().deadline == (head.deadline | (now + 1000)));
    REQUIRE(m.touch("k", 0) == LARDER_OK);
    REQUIRE(shown().deadline == head.deadline);
    REQUIRE(m.touch("k", 3000) == LARDER_OK);
    REQUIRE(shown().deadline == (head.deadline | (now + 3000)));
    REQUIRE(m.table.put(key_of("k"), put_of(value, 9, 78,
                                            LARDER_PUT_HEADED | LARDER_PUT_KEEP_TTL)) == LARDER_OK);
    REQUIRE(shown().deadline == (head.deadline | (now + 3000)));
    REQUIRE(m.table.put(key_of("k"), put_of("short", 0, 79, LARDER_PUT_HEADED)) ==
            LARDER_E_INVALID);
    REQUIRE(shown().version == 78);
}

TEST_CASE("a 16-byte key with a 100-byte value takes 144 bytes and its part of the index") {
    MemoryTable m(std::uint64_t{256} << 20, 4);
    REQUIRE(m.table.cost_of(16, 100) == 144 + 12);
    REQUIRE(m.table.cost_of(16, 124, true) == 144 + 12);
}

TEST_CASE("blocks waste at most a sixteenth, large ones at most a page") {
    const std::uint64_t capacity = std::uint64_t{1} << 30;
    const Arena arena({capacity, 1, std::uint64_t{1} << 30, nullptr});
    for (std::size_t value = 0; value <= (std::size_t{8} << 20); value += 1 + value / 61) {
        CAPTURE(value);
        const std::uint64_t needed = 4 + 16 + 24 + value, taken = arena.entry_bytes(20, 24 + value);
        REQUIRE(taken >= needed);
        REQUIRE(taken - needed <=
                std::max<std::uint64_t>(needed > 32'000 ? 4096 + 8 : needed / 15, 15));
    }
}

TEST_CASE(
    "blocks of all sizes, taken and given back in any order, never overlap, and leave nothing") {
    Arena arena({std::uint64_t{64} << 20, 2, std::uint64_t{1} << 30, nullptr});
    std::mt19937_64 random(5);
    struct Block {
        std::uint32_t ref;
        std::size_t size;
        char fill;
    };
    std::vector<Block> blocks;
    const auto intact = [&](const Block& b) {
        const auto* bytes = reinterpret_cast<const char*>(arena.at(b.ref));
        return std::all_of(bytes, bytes + b.size, [&](char c) { return c == b.fill; });
    };
    for (int i = 0; i < 20'000; ++i) {
        if (blocks.size() < 400 && random() % 2 == 0) {
            const std::size_t size =
                24 + (random() % 16 == 0 ? random() % 300'000 : random() % 2'000);
            const std::uint32_t ref = arena.take_entry(static_cast<std::uint32_t>(i), 20, size);
            REQUIRE(ref != 0);
            REQUIRE(reinterpret_cast<std::uintptr_t>(arena.at(ref)) % 8 == 0);
            const char fill = static_cast<char>(random());
            std::memset(arena.at(ref), fill, size);
            blocks.push_back({ref, size, fill});
        } else if (!blocks.empty()) {
            std::swap(blocks[random() % blocks.size()], blocks.back());
            REQUIRE(intact(blocks.back()));
            arena.give(blocks.back().ref);
            blocks.pop_back();
        }
    }
    for (const Block& b : blocks) {
        REQUIRE(intact(b));
        arena.give(b.ref);
    }
    REQUIRE(arena.idle_bytes() == 0);
    REQUIRE(arena.pages().free_bytes() + 4096 == arena.pages().held_bytes());
}

TEST_CASE("when values change their size, memory goes from the old class to the new one") {
    constexpr std::uint64_t capacity = std::uint64_t{64} << 20;
    MemoryTable m(capacity, 4);
    std::uint64_t n = 0;
    for (const std::size_t size : {100u, 900u, 60u, 3000u, 300u}) {
        const std::uint64_t count = 2 * capacity / (size + 64);
        for (std::uint64_t i = 0; i < count; ++i) {
            m.put(numbered("key", n++), std::string(size, 'v'));
            if (i % 4000 == 0) {
                m.host.advance_clock_only(100ms);
                for (int steps = 0; steps < 4 && m.table.tend(); ++steps) {
                }
            }
        }
        const std::uint64_t held = m.table.arena().pages().held_bytes();
        for (int i = 0; i < 10; ++i) {
            m.host.advance_clock_only(200ms);
            m.tend();
        }
        INFO("held " << held << ", idle "
                     << m.table.arena().idle_bytes());
        CAPTURE(size);
        REQUIRE(m.stats().bytes <= capacity);
        REQUIRE(m.stats().bytes > capacity * 98 / 100);
        // What is left is in spans that are more than half full.
        REQUIRE(m.table.arena().idle_bytes() < held / 4);
        REQUIRE(m.table.arena().pages().held_bytes() - m.table.arena().pages().free_bytes() <
                capacity * 4 / 3);
    }
    // What was ever handed out, though 100-byte values became 900 within a few ten milliseconds.
    REQUIRE(m.table.arena().pages().held_bytes() < capacity * 7 / 4);
}

TEST_CASE("spans that are left sparse are emptied, and no entry is lost") {
    MemoryTable m(std::uint64_t{64} << 20, 4);
    constexpr std::uint64_t count = 100'000;
    for (std::uint64_t i = 0; i < count; ++i) {
        m.put(numbered("key", i), filled(200, i));
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        if (i % 10 != 0) {
            m.table.remove(key_of(numbered("key", i)), 0);
        }
    }
    Pin pin = m.pin("key0");
    const std::uint64_t before = m.table.arena().idle_bytes();
    for (int i = 0; i < 100; ++i) {
        m.host.advance_clock_only(1100ms);
        m.tend();
    }
    REQUIRE(m.table.arena().idle_bytes() < before / 4);
    REQUIRE(m.stats().entries == count / 10);
    REQUIRE(pin.text() == filled(200, 0));
    for (std::uint64_t i = 0; i < count; i += 10) {
        REQUIRE(m.get(numbered("key", i)) == filled(200, i));
    }
}

TEST_CASE("memory that is not used any more goes back to the system") {
    MemoryTable m(std::uint64_t{256} << 20, 4);
    for (std::uint64_t i = 0; i < 100; ++i) {
        m.put(numbered("key", i), std::string(1 << 20, 'x'));
    }
    m.table.clear(1);
    m.tend();
    REQUIRE(m.stats().bytes == 0);
    REQUIRE(m.table.arena().pages().trimmed_bytes() > (std::uint64_t{80} << 20));
    for (std::uint64_t i = 0; i < 100; ++i) {
        m.put(numbered("key", i), filled(1 << 20, i));
    }
    REQUIRE(m.get("key77") == filled(1 << 20, 77));
}

TEST_CASE("capacity smaller than one value refuses it and keeps the rest") {
    MemoryTable m(64 << 10, 1);
    REQUIRE(m.put("small", "v") == LARDER_OK);
    REQUIRE(m.put("large", std::string(70'000, 'x')) == LARDER_E_TOO_LARGE);
    REQUIRE(m.get("small") == "v");
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(m.put(numbered("k", static_cast<std::uint64_t>(i)), std::string(1000, 'y')) ==
                LARDER_OK);
        REQUIRE(m.stats().bytes <= 64 << 10);
    }
}

TEST_CASE("eviction under pinned values goes on, and what is pinned counts") {
    constexpr std::uint64_t capacity = 4 << 20;
    MemoryTable m(capacity, 4);
    std::vector<Pin> pins;
    for (std::uint64_t i = 0; i < 2000; ++i) {
        m.put(numbered("key", i), filled(1000, i));
        pins.push_back(m.pin(numbered("key", i)));
    }
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        REQUIRE(m.put(numbered("flow", i), std::string(1000, 'f')) == LARDER_OK);
    }
    REQUIRE(m.stats().bytes <= capacity + 8192);
    for (std::uint64_t i = 0; i < pins.size(); ++i) {
        REQUIRE(pins[i].view() == filled(1000, i));
    }
    pins.clear();
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        m.put(numbered("flow", i), std::string(1000, 'f'));
    }
    REQUIRE(m.stats().bytes <= capacity);
    REQUIRE(m.stats().bytes > capacity - 16'384);
}
