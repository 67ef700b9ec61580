// tests/unit/plugins/store_memory_scan_test.cpp -- walks over a table that stands still or does not.
#include "tests/catch.hpp"
#include "tests/unit/plugins/memory_table.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <vector>

using namespace larder::test;
using namespace std::chrono_literals;
using larder::store_memory::Table;

namespace {

std::vector<std::string> scan_all(Table& table, std::uint32_t ns, std::uint32_t count,
                                  auto&& between_calls) {
    std::vector<std::string> seen;
    larder_scan scan{};
    scan.struct_size = sizeof scan;
    scan.ns = ns;
    scan.count = count;
    scan.ctx = &seen;
    scan.on_key = [](void* ctx, const larder_key* key, std::uint64_t, std::int64_t) noexcept {
        static_cast<std::vector<std::string>*>(ctx)->emplace_back(key->data, key->size);
        return 0;
    };
    do {
        table.scan(scan);
        between_calls();
    } while (scan.cursor != 0);
    return seen;
}

}  // namespace

TEST_CASE("a scan finds every entry that stays, while the table grows and shrinks under it") {
    MemoryTable m(std::uint64_t{256} << 20, GENERATE(1u, 8u));
    constexpr int stay = 3000;
    for (int i = 0; i < stay; ++i) {
        m.put("stay" + std::to_string(i), "v");
    }
    const bool growing = GENERATE(true, false);
    if (!growing) {
        for (int i = 0; i < 40'000; ++i) {
            m.put(numbered(i), "v");
        }
    }
    int next = 0;
    const auto seen = scan_all(m.table, 1, 10, [&] {
        for (int i = 0; i < 100 && next < 40'000; ++i, ++next) {
            if (growing) {
                m.put(numbered(next), "v");
            } else {
                m.table.remove(key_of(numbered(next)), 0);
            }
        }
    });
    const std::set<std::string> unique(seen.begin(), seen.end());
    for (int i = 0; i < stay; ++i) {
        REQUIRE(unique.count("stay" + std::to_string(i)) == 1);
    }
    REQUIRE(next > 5000);
}

TEST_CASE(
    "a scan of a resting table sees each entry once, of its namespace, not lapsed, in calls of "
    "about count") {
    MemoryTable m;
    for (int i = 0; i < 1000; ++i) {
        m.put(numbered(i), "v", 0, static_cast<std::uint32_t>(i % 2));
        m.put("lapsed" + std::to_string(i), "v", 5, 1);
    }
    m.host.advance(5ms);
    int calls = 0;
    auto seen = scan_all(m.table, 1, 20, [&] { ++calls; });
    std::sort(seen.begin(), seen.end());
    REQUIRE(seen.size() == 500);
    REQUIRE(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
    REQUIRE(calls > 10);
    REQUIRE(scan_all(m.table, UINT32_MAX, 0, [] {}).size() == 1000);
}

TEST_CASE("a scan sees entries that share a hash, and ends early when told to") {
    MemoryTable m;
    for (int i = 0; i < 500; ++i) {
        larder_key key = key_of("x");
        const std::string text = numbered(i);
        key.data = text.data();
        key.size = static_cast<std::uint32_t>(text.size());
        m.table.put(key, put_of("v"));
    }
    const auto seen = scan_all(m.table, 1, 10, [] {});
    REQUIRE(std::set<std::string>(seen.begin(), seen.end()).size() == 500);

    larder_scan scan{};
    int times = 0;
    scan.ns = UINT32_MAX;
    scan.count = 1000;
    scan.ctx = &times;
    scan.on_key = [](void* ctx, const larder_key*, std::uint64_t, std::int64_t) noexcept {
        return ++*static_cast<int*>(ctx) == 3 ? 1 : 0;
    };
    m.table.scan(scan);
    REQUIRE(times == 3);
    REQUIRE(scan.cursor != 0);
}

TEST_CASE("a cursor that nobody gave out ends, and does no harm") {
    MemoryTable m;
    for (int i = 0; i < 1000; ++i) {
        m.put(numbered(i), "v");
    }
    for (const std::uint64_t cursor :
         {std::uint64_t{1}, UINT64_MAX, UINT64_MAX / 3, std::uint64_t{1} << 63}) {
        larder_scan scan{};
        scan.ns = UINT32_MAX;
        scan.cursor = cursor;
        scan.on_key = [](void*, const larder_key*, std::uint64_t, std::int64_t) noexcept {
            return 0;
        };
        int calls = 0;
        do {
            m.table.scan(scan);
        } while (scan.cursor != 0 && ++calls < 1000);
        REQUIRE(calls < 1000);
    }
}
