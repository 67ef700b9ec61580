// kernel/replay/trace_format.hpp -- how a trace stands in a file; docs/traces.md is its text.
//
//   file    magic, blocks
//   block   u32 size of the payload, u64 its checksum (SipHash-2-4, key zero), payload: whole records
//   record  kind in the low four bits of a byte, flags in the others, then numbers and texts
//
// Numbers of blocks are little endian, those of records LEB128, with a sign zigzag. A text is 0, a slot, its
// size and bytes, and then stands in that slot; or one more than the slot it was left in. Keys have slots of
// their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder::replay {

inline constexpr std::string_view trace_magic = "larder trace\n\x1a";
inline constexpr std::uint64_t trace_version = 1;
inline constexpr std::size_t block_head = 12, most_block = 1u << 20, most_text = 64u << 10, most_given = 96;
inline constexpr std::size_t trace_slots = 1u << 16;
inline constexpr std::uint32_t most_spaces = 4096;

enum class RecordKind : std::uint8_t {
    head = 1,  // version, began_ms, sample, fingerprint, stores: name, capacity
    space,     // number, name, ttl_ms of the policy
    get,       // flags: outcome 1 2, fence 4, takes stale 8. dt, space, key; of a hit whose key is new: ttl left, size
    put,       // flags: fill 1, negative 2, ttl 4, pairs 8. dt, space, key, size, cost_us, ttl, pairs
    remove,    // dt, space, key
    life,      // dt, space, key, ttl
    change,    // dt, action, target, space + 1, text
    request,   // flags: query 1, given 2. dt, method, path, status, query, given: origin, name, value
    ask,       // the same, flag served 4: then space, key
    event,     // dt, name, pairs
    lost,      // dt, count
    reloaded   // dt, fingerprint
};

}  // namespace larder::replay
