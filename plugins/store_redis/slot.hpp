// plugins/store_redis/slot.hpp -- which of the 16384 slots of a Redis Cluster a key is in.
//
// The slot is CRC16 (polynomial 0x1021, initial value 0: XMODEM) of the hash tag, modulo 16384. The hash
// tag is what stands between the first `{` and the first `}` behind it, or the whole key when there is
// none or nothing between them. Source: redis.io/docs/reference/cluster-spec, "Key distribution model".
#pragma once

#include <cstdint>
#include <string_view>

namespace larder::store_redis {

inline constexpr std::uint32_t cluster_slots = 16384;

std::uint16_t crc16(std::string_view bytes) noexcept;
// Keys with the same tag are on the same server, in a cluster and in a ring.
std::string_view tag_of(std::string_view key) noexcept;
std::uint32_t slot_of(std::string_view key) noexcept;  // below cluster_slots

}  // namespace larder::store_redis
