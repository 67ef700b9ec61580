// plugins/store_redis/slot.cpp -- CRC16 by table, and the hash tag.
#include "slot.hpp"

#include <array>

namespace larder::store_redis {
namespace {

constexpr std::array<std::uint16_t, 256> make_table() {
    std::array<std::uint16_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte << 8;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 0x8000u) != 0 ? (crc << 1) ^ 0x1021u : crc << 1;
        }
        table[byte] = static_cast<std::uint16_t>(crc & 0xffffu);
    }
    return table;
}

constexpr std::array<std::uint16_t, 256> table = make_table();

}  // namespace

std::uint16_t crc16(std::string_view bytes) noexcept {
    std::uint32_t crc = 0;
    for (const char byte : bytes) {
        crc = ((crc << 8) ^ table[(crc >> 8) ^ static_cast<unsigned char>(byte)]) & 0xffffu;
    }
    return static_cast<std::uint16_t>(crc);
}

std::string_view tag_of(std::string_view key) noexcept {
    const std::size_t open = key.find('{');
    if (open == std::string_view::npos) {
        return key;
    }
    const std::size_t close = key.find('}', open + 1);
    if (close == std::string_view::npos || close == open + 1) {
        return key;
    }
    return key.substr(open + 1, close - open - 1);
}

std::uint32_t slot_of(std::string_view key) noexcept {
    return crc16(tag_of(key)) % cluster_slots;
}

}  // namespace larder::store_redis
