// tests/unit/plugins/memory_table.hpp -- a table under a fake clock, spoken to in short words.
#pragma once

#include "plugins/store_memory/table.hpp"
#include "tests/support/fake_host.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace larder::test {

// What the kernel's hash does for tables: spreads. (MurmurHash's finisher over FNV-1a.)
inline std::uint64_t spread(std::string_view text, std::uint32_t ns = 0) noexcept {
    std::uint64_t h = 0xcbf29ce484222325u ^ ns;
    for (const char c : text) {
        h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

// "key" and 7 make "key7". (Not "key" + std::to_string(7): g++ 12 warns of that, wrongly, PR
// 105329.)
inline std::string numbered(std::string_view prefix, std::uint64_t n) {
    std::string name(prefix);
    name += std::to_string(n);
    return name;
}

inline std::string numbered(int i) { return numbered("key:", static_cast<std::uint64_t>(i)); }

inline larder_key key_of(std::string_view text, std::uint32_t ns = 1) noexcept {
    return {text.data(), static_cast<std::uint32_t>(text.size()), ns, spread(text, ns)};
}

inline larder_put put_of(std::string_view value, std::uint64_t ttl_ms = 0,
                         std::uint64_t version = 1, std::uint32_t flags = 0) noexcept {
    larder_put put{};
    put.struct_size = sizeof put;
    put.flags = flags;
    put.value = {value.data(), value.size()};
    put.ttl_ms = ttl_ms;
    put.version = version;
    return put;
}

// A pinned value; given back when it goes.
class Pin {
  public:
    Pin() noexcept = default;
    Pin(Pin&& o) noexcept : value_(std::exchange(o.value_, larder_value{})) {}
    Pin& operator=(Pin&& o) noexcept {
        std::swap(value_, o.value_);
        return *this;
    }
    ~Pin() { release(); }
    void release() noexcept {
        if (value_.release != nullptr) {
            value_.release(&value_);
        }
        value_ = larder_value{};
    }
    larder_value* out() noexcept { return &value_; }
    std::string text() const { return {static_cast<const char*>(value_.data), value_.size}; }
    std::string_view view() const noexcept {
        return {static_cast<const char*>(value_.data), value_.size};
    }

  private:
    larder_value value_{};
};

struct MemoryTable {
    explicit MemoryTable(std::uint64_t capacity = std::uint64_t{64} << 20, std::uint32_t shards = 4)
        : table(host.get(), options(capacity, shards)) {}

    static store_memory::Table::Options options(std::uint64_t capacity, std::uint32_t shards) {
        store_memory::Table::Options o;
        o.capacity_bytes = capacity;
        o.shards = shards;
                return o;
    }

    larder_status put(std::string_view key, std::string_view value, std::uint64_t ttl_ms = 0,
                      std::uint32_t ns = 1) {
        return table.put(key_of(key, ns), put_of(value, ttl_ms));
    }
    std::optional<std::string> get(std::string_view key, std::uint32_t ns = 1) {
        Pin pin;
        return table.get(key_of(key, ns), 0, pin.out()) == LARDER_OK
                   ? std::optional<std::string>(pin.text())
                   : std::nullopt;
    }
    bool has(std::string_view key, std::uint32_t ns = 1) {
        return table.get(key_of(key, ns), LARDER_CALL_NO_VALUE | LARDER_CALL_PEEK, nullptr) ==
               LARDER_OK;
    }
    Pin pin(std::string_view key, std::uint32_t ns = 1) {
        Pin pin;
        static_cast<void>(table.get(key_of(key, ns), 0, pin.out()));
        return pin;
    }
    larder_status touch(std::string_view key, std::uint64_t ttl_ms, std::string_view patch = {},
                        std::uint32_t offset = 0, std::uint64_t if_version = 0) {
        larder_touch t{};
        t.struct_size = sizeof t;
        t.ttl_ms = ttl_ms;
        t.patch = {patch.data(), patch.size()};
        t.patch_offset = offset;
        t.if_version = if_version;
        return table.touch(key_of(key), t);
    }
    larder_store_stats stats(std::uint32_t ns = UINT32_MAX) {
        larder_store_stats s{};
        s.struct_size = sizeof s;
        static_cast<void>(table.stats(ns, s));
        return s;
    }
    // Lets everything happen that the background would do by now.
    void tend() {
        while (table.tend()) {
        }
    }

    FakeHost host;
    store_memory::Table table;
};

}  // namespace larder::test
