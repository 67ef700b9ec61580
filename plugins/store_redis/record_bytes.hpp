// plugins/store_redis/record_bytes.hpp -- a record as it stands in the store: drop, expire and expired_at_ms,
// 24 bytes, little endian.
#pragma once

#include <larder/plugin/shared.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace larder::store_redis {

inline constexpr std::size_t record_size = 24;

inline void append_number(std::string& to, std::uint64_t n) {
    for (unsigned i = 0; i < 64; i += 8) {
        to += static_cast<char>(n >> i & 0xff);
    }
}

inline std::uint64_t number_at(std::string_view bytes, std::size_t at) {
    std::uint64_t n = 0;
    for (unsigned i = 0; i < 8; ++i) {
        n |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    }
    return n;
}

// What an expire changes: everything but drop.
inline std::string expire_bytes(const larder_record& record) {
    std::string bytes;
    append_number(bytes, record.expire);
    append_number(bytes, record.expired_at_ms);
    return bytes;
}

inline std::string record_bytes(const larder_record& record) {
    std::string bytes;
    append_number(bytes, record.drop);
    return bytes + expire_bytes(record);
}

// False: these are no record. One whose numbers are 0 is none either: nothing may match it.
inline bool read_record(std::string_view bytes, larder_record& out) {
    if (bytes.size() != record_size || number_at(bytes, 0) == 0 || number_at(bytes, 8) == 0) {
        return false;
    }
    out.drop = number_at(bytes, 0);
    out.expire = number_at(bytes, 8);
    out.expired_at_ms = number_at(bytes, 16);
    return true;
}

}  // namespace larder::store_redis
