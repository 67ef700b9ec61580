// plugins/store_lmdb/rows.hpp -- how an entry, its place in line and a record lie in the file.
//
//   values    key as the kernel made it        ValueRow, then the value
//   places    number of the entry, as u64      PlaceRow, then the key
//   records   key of the record                RecordRow
//   (main)    "format"                         format_text
//
// An entry has one number from the first put to its removal; what is put over it keeps it. `places` in order of
// numbers is the order of arrival: eviction walks along it, the sweep does, and a number is a cursor of scan. All
// integers are as this machine writes them: the file does not leave it. LMDB aligns to two bytes, so rows are
// copied out and never looked at in place.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace larder::store_lmdb {

inline constexpr std::string_view format_text = "larder lmdb 1";

struct ValueRow {
    std::uint64_t number = 0;
    std::uint64_t deadline_ms = 0;  // wall clock; 0: never
    std::uint64_t version = 0;      // larder_put.version
};

struct PlaceRow {
    std::uint64_t deadline_ms = 0;
    std::uint64_t size = 0;  // of the value
};

struct RecordRow {
    std::uint64_t drop = 0, expire = 0, expired_at_ms = 0;
    std::uint64_t deadline_ms = 0, life_ms = 0;
};

template <class Row>
Row row_at(const void* bytes) noexcept {
    static_assert(std::is_trivially_copyable_v<Row>);
    Row row;
    std::memcpy(&row, bytes, sizeof row);
    return row;
}

inline bool lapsed(std::uint64_t deadline_ms, std::uint64_t now_ms) noexcept {
    return deadline_ms != 0 && deadline_ms <= now_ms;
}

inline std::uint64_t deadline_in(std::uint64_t ttl_ms, std::uint64_t now_ms) noexcept {
    if (ttl_ms == 0) {
        return 0;
    }
    return ttl_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + ttl_ms;
}

// About what an entry takes of the file: both rows, their nodes, and whole pages for what is long.
inline std::uint64_t weight_of(std::size_t key, std::uint64_t value) noexcept {
    constexpr std::uint64_t in_page = 2000, page = 4096, nodes = 72;
    const std::uint64_t rows = 2 * key + nodes;
    return value <= in_page ? rows + value : rows + (value + nodes + page - 1) / page * page;
}

}  // namespace larder::store_lmdb
