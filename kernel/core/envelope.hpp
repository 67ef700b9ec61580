// kernel/core/envelope.hpp -- the bytes a store keeps: a value with everything that judges it.
//
// Three forms. The long one says everything about itself, because it is read after restarts. The short
// one (headed.hpp) is for stores of this process that know larder_head; the shared one
// (shared_envelope.hpp) is short, too, and read by other nodes. EnvelopeView is a view of any.
//
// The long form:
//
//      0  u32 magic "LDR1"   u8 format   u8 flags    u16 codec
//      8  u64 0
//     16  u64 id             of this entry, random, never 0: what if_version compares
//     24  u64 created_ns     boot-time
//     32  u64 soft_ms        life until it is stale; 0: none
//     40  u64 hard_ms        life until it is gone; 0: none; >= soft_ms
//     48  u32 raw_size       of the value   52  u32 stored_size  of the payload (compressed)
//     56  u32 check          XXH3 of bytes 0..56, 60..64 and four zeros, low half
//     60  u16 value version  62  u8 scopes   63  u8 with pairs
//     -- end of the 64-byte head --
//     64  u64 binding        keyed hash of namespace name and canonical key
//     72  u64 schema         of the namespace (dsl::Namespace::schema)
//     80  u64 drop digest    88  u64 expire digest   (stamp.hpp)
//     96  u64 checksum       XXH3 of id, bytes 64..96 and everything from 104 on, verified on bytes
//                            from shared and persistent stores only
//    104  u32 dictionary     108  u32 load cost in us
//    112  u64 ban epoch      120  u64 ban number     (ban_log.hpp)
//    128  u64 scope id * scopes
//         with pairs: u16 name size, u32 value size, bytes (both)
//         payload
//
// All numbers little endian. The checksum holds the id, so that the head of one entry before the
// body of another is damage too. Why digests and not one number per scope: 8 bytes for each scope
// instead of 24, and the comparison is one word; which scope it was is found in the drop log when
// somebody asks. bytes 24..64 are one patch for `touch`.
#pragma once

#include <larder/plugin/abi.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {

inline constexpr std::size_t envelope_head = 64, envelope_fixed = 128;
inline constexpr std::size_t envelope_patch_offset = 24, envelope_patch_size = 40;
inline constexpr std::size_t max_scopes = 48;  // root, chain, keys depended on, at most 32 tags

enum EnvelopeFlag : std::uint8_t {
    envelope_absent = 1,  // a negative entry: no payload
    envelope_encrypted = 2,
    envelope_sliding = 4,
    envelope_dated = 8  // soft_ms came from the caller, not from the namespace
};

struct EnvelopeHead {  // decoded bytes 0..64
    std::uint8_t flags = 0;
    std::uint16_t codec = 0;  // 0: stored as it is
    std::uint64_t mark = 0;  // the epoch it was last verified at; short form only
    std::uint64_t id = 0, created_ns = 0, soft_ms = 0, hard_ms = 0;
    std::uint32_t raw_size = 0, stored_size = 0;
    std::uint16_t version = 1;
    std::uint8_t scopes = 0, with = 0;

    // 0 for an entry of the future: clocks of threads may differ by a tick.
    std::uint64_t age_ms(std::uint64_t now_ns) const noexcept { return now_ns > created_ns ? (now_ns - created_ns) / 1'000'000 : 0; }
};

struct Envelope {  // what encode() writes
    EnvelopeHead head;
    std::uint64_t binding = 0, schema = 0, drop_digest = 0, expire_digest = 0;
    std::uint32_t dictionary = 0, cost_us = 0;
    std::uint64_t ban_epoch = 0, ban_number = 0;
    std::span<const std::uint64_t> scopes;
    std::span<const std::pair<std::string_view, std::string_view>> with;
};

// What a form found where.
struct EnvelopeParts {
    EnvelopeHead head;
    std::size_t scopes_at = 0, payload_at = 0;
    std::uint32_t dictionary = 0, cost_us = 0;
};

// A view of stored bytes; valid while they are. Every accessor is bounds-safe once open() said yes.
// binding, schema, digests, the ban number and its epoch are the long form's.
class EnvelopeView {
  public:
    EnvelopeView() = default;
    // REQUIRES: the parts lie within the bytes.
    EnvelopeView(const unsigned char* bytes, const EnvelopeParts& parts) noexcept
        : head_(parts.head), bytes_(bytes), scopes_at_(parts.scopes_at), payload_at_(parts.payload_at), dictionary_(parts.dictionary), cost_us_(parts.cost_us) {}
    // foreign: no magic, or a format of another generation: somebody else's bytes.
    enum class Verdict { good, foreign, damaged };
    // Looks at magic, format, check word and that all lengths add up exactly; costs one 52-byte
    // hash when verify_check. verify_checksum hashes the rest: for bytes from shared or persistent
    // stores. Reads nothing outside of `bytes`, whatever they are. `out` is set only when good.
    static Verdict open(larder_bytes bytes, bool verify_check, bool verify_checksum,
                        EnvelopeView& out) noexcept;

    // The short form; false: damaged, or another key's. Its scopes are those beyond the namespace's
    // own chain.
    static bool open_headed(larder_bytes bytes, std::uint64_t key_hash, EnvelopeView& out) noexcept;

    const EnvelopeHead& head() const noexcept { return head_; }
    // What head() says from now on: a shared store counts by its own clock.
    void set_created(std::uint64_t ns) noexcept { head_.created_ns = ns; }
    std::uint64_t binding() const noexcept;
    std::uint64_t schema() const noexcept;
    std::uint64_t drop_digest() const noexcept;
    std::uint64_t expire_digest() const noexcept;
    std::uint32_t dictionary() const noexcept;
    std::uint32_t cost_us() const noexcept;
    std::uint64_t ban_epoch() const noexcept;
    std::uint64_t ban_number() const noexcept;
    std::uint64_t scope(std::size_t i) const noexcept;  // i < head().scopes
    // REQUIRES: 8-aligned bytes, as those of the short form are.
    std::span<const std::uint64_t> scopes() const noexcept {
        return {reinterpret_cast<const std::uint64_t*>(bytes_ + scopes_at_), head_.scopes};
    }
    std::string_view payload() const noexcept;
    // Appends the pairs to out; false: there are none.
    bool with(std::vector<std::pair<std::string_view, std::string_view>>& out) const;
    // In the store's memory, where any number of readers may do so at once. REQUIRES: short form,
    // and the bytes are the store's own.
    void store_mark(std::uint64_t epoch) const noexcept;

  private:
    EnvelopeHead head_;
    const unsigned char* bytes_ = nullptr;
    std::size_t scopes_at_ = 0, payload_at_ = 0;
    std::uint32_t dictionary_ = 0, cost_us_ = 0;
};

namespace envelope_detail {  // what both forms share: the pairs, behind the scopes
std::size_t pairs_size(std::span<const std::pair<std::string_view, std::string_view>> with) noexcept;
// Returns where it ended. REQUIRES: room for pairs_size.
char* write_pairs(std::span<const std::pair<std::string_view, std::string_view>> with, char* to) noexcept;
// Where what follows `count` pairs at `at` begins; 0: they do not fit into `size`.
std::size_t behind_pairs(const unsigned char* bytes, std::size_t at, std::size_t count, std::size_t size) noexcept;
}  // namespace envelope_detail

// Writes the whole envelope of `payload` to out (which is cleared first). The head's stored_size,
// scopes and with are what the payload and the spans say. REQUIRES: at most max_scopes scopes and
// 255 pairs with names under 64 KiB; payload and values under 4 GiB.
void encode_envelope(const Envelope& envelope, std::string_view payload, std::string& out);
// The 40 bytes of a touch: bytes 24..64 of `head` with its check word, to be written at
// envelope_patch_offset.
void encode_patch(const EnvelopeHead& head, unsigned char (&out)[envelope_patch_size]);

}  // namespace larder
