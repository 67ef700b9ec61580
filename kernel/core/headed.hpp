// kernel/core/headed.hpp -- the short form of an envelope: entries in this process's memory.
//
// What the long form says about itself is known here: the store compared the key, its bytes are as the
// kernel wrote them, and validity is a matter of epochs (records.hpp). An entry is valid as long as no
// scope of it changed after its mark. So a plain entry costs the 24 bytes of larder_head and nothing
// else:
//
//      0  u64 mark       bits 20..63  epoch the entry was last verified at; readers raise it in place
//                        bits 13..19  generation of the namespace's schema
//                        bits  7..12  how many scopes of its own it has
//                        bits  0..6   HeadedFlag
//      8  u64 version    the entry's id. Unless headed_aged: bits 24..63 created, in ms, bits 0..23 a
//                        count, so that no two entries of a key have the same
//     16  u64 deadline   bits 0..39 hard end in ms (the store's), bits 40..63 upper bits of the key's hash
//     -- then, where a flag says so --
//      headed_lives      u64 soft end in ms, u64 hard end in ms; 0: none. Without it both are `deadline`
//      headed_aged       u64 created, in ms
//      headed_coded      u32 raw size, u16 codec, u16 0
//      headed_detailed   u32 dictionary, u32 load cost in us, u16 value version, u16 with pairs, u32 0
//      u64 scope id * scopes; with pairs as in the long form; payload
//
// Times are those of the kernel's monotonic clock, in whole ms. The scopes of the namespace's chain are
// not written down: everybody knows them.
#pragma once

#include "kernel/core/envelope.hpp"

#include <larder/plugin/store.h>

#include <atomic>
#include <cstring>

namespace larder {

enum HeadedFlag : std::uint64_t {
    headed_absent = 1,
    headed_sliding = 2,
    headed_dated = 4,
    headed_lives = 8,
    headed_aged = 16,
    headed_coded = 32,
    headed_detailed = 64
};

// The mark word.
struct HeadedMark {
    static constexpr unsigned epoch_at = 20, generation_at = 13, scopes_at = 7;
    static constexpr std::uint64_t flag_mask = 0x7f, scopes_mask = 0x3f, generation_mask = 0x7f;
    static constexpr std::uint64_t constant_mask = (std::uint64_t{1} << epoch_at) - 1;
    std::uint64_t word = 0;
    std::uint64_t epoch() const noexcept { return word >> epoch_at; }
    std::uint64_t generation() const noexcept { return word >> generation_at & generation_mask; }
    std::size_t scopes() const noexcept { return word >> scopes_at & scopes_mask; }
    std::uint64_t flags() const noexcept { return word & flag_mask; }
};
static_assert(max_scopes <= HeadedMark::scopes_mask);

inline constexpr std::uint64_t headed_deadline_mask = (std::uint64_t{1} << LARDER_HEAD_DEADLINE_BITS) - 1;
// What stands above the deadline: a store that answers with another key's bytes is found out.
constexpr std::uint64_t headed_binding(std::uint64_t key_hash) noexcept { return key_hash & ~headed_deadline_mask; }
constexpr std::uint64_t headed_id(std::uint64_t now_ns, std::uint64_t count) noexcept {
    return (now_ns / 1'000'000) << 24 | (count & 0xffffff);
}

// The three words every headed entry has, read as they are in the store's memory. [hot]
class HeadedWords {
  public:
    // REQUIRES: at least sizeof(larder_head) bytes, 8-aligned.
    explicit HeadedWords(const void* bytes) noexcept : at_(static_cast<const std::uint64_t*>(bytes)) {}
    HeadedMark mark() const noexcept { return {word(0)}; }
    std::uint64_t id() const noexcept { return at_[1]; }
    std::uint64_t deadline_ms() const noexcept { return word(2) & headed_deadline_mask; }
    bool bound_to(std::uint64_t key_hash) const noexcept { return ((word(2) ^ key_hash) & ~headed_deadline_mask) == 0; }
    // The payload of an entry with these marks, when nothing but scopes stands before it.
    static constexpr std::uint64_t beyond_scopes = headed_lives | headed_aged | headed_coded | headed_detailed;

  private:
    std::uint64_t word(int i) const noexcept {
        return std::atomic_ref<std::uint64_t>(const_cast<std::uint64_t&>(at_[i])).load(std::memory_order_relaxed);
    }
    const std::uint64_t* at_;
};

// Writes the short form to out, in the place of what is there: head.mark as the epoch, head.id, times, codec, scopes
// and pairs as given. `aged`: the id does not say when it was created. capped_ms: the life the store is
// told, 0 none; where it is not the hard life, the true ends are written down. `scopes` stand in
// for envelope.scopes: without the namespace's chain. REQUIRES: as encode_envelope.
void encode_headed(const Envelope& envelope, std::span<const std::uint64_t> scopes, std::uint64_t key_hash, std::uint64_t generation, bool aged,
                   std::uint64_t capped_ms, std::string_view payload, std::string& out);

}  // namespace larder
