// kernel/core/shared_envelope.hpp -- the form of an entry in a store that many nodes share.
//
// Everybody who reads it has the policy and the key, so what follows from these is not written down: not
// the scopes of the chain, the tags and the patterns, not which key and which schema it is. They are
// folded into its check and its stamp instead, where a wrong one is a difference like any other. 52 bytes
// stand before the value of a plain entry, however many tags it has:
//
//      0  u16 magic "L2"       2 u8 SharedFlag    3 u8 scopes of its own
//      4  u64 check            XXH3 of bytes 0..4, 16..24 and 38.., keyed by the binding of namespace and key
//     12  u32 life check       XXH3 of bytes 16..38, low half
//     16  u64 id               random, never 0; where stores look for it (if_version), as in the long form
//     24  u48 created          in ms since 1970 by the store's clock; bit 47: lives are in seconds
//     30  u32 soft life        34  u32 hard life   0: none
//     38  u64 drop stamp       the drop digest of its scopes, plus the schema
//     46  u48 expire stamp     the expire digest, low bits
//     52  -- then, where a flag says so --
//         coded: varint codec, raw size, dictionary    costly: varint load cost in us
//         versioned: varint value version              paired: varint number of `with` pairs
//         u64 scope id * scopes of its own: what neither key nor pairs say (added at run time)
//         with pairs as in the long form; payload to the end
//
// All numbers little endian. Bytes 12..38 are one patch for `touch`: they change together, and the id
// that stands among them is the one the patch was made for. Lives above 49 days are written in whole
// seconds, rounded down, and end at 136 years. A check of another key's bytes fails with 64 bits, an
// expire is overlooked once in 2^48. Bytes with another magic are foreign: a miss that is counted.
#pragma once

#include "kernel/core/envelope.hpp"
#include "kernel/core/stamp.hpp"

namespace larder {

inline constexpr std::size_t shared_fixed = 52, shared_patch_offset = 12, shared_patch_size = 26;

enum SharedFlag : std::uint8_t {  // the low four are EnvelopeFlag's
    shared_coded = 16,
    shared_costly = 32,
    shared_versioned = 64,
    shared_paired = 128
};

// What a digest is compared as.
struct SharedStamp {
    static constexpr std::uint64_t expire_mask = (std::uint64_t{1} << 48) - 1;
    SharedStamp() = default;
    SharedStamp(const Digest& digest, std::uint64_t schema) noexcept
        : drop(digest.drop + schema), expire(digest.expire & expire_mask) {}
    bool operator==(const SharedStamp&) const = default;
    std::uint64_t drop = 0, expire = 0;
};

// Writes the entry to out, in the place of what is there. `own`: what stands in for envelope.scopes.
// Uses head (without mark), binding, dictionary, cost_us and with of the envelope. REQUIRES: as
// encode_envelope.
void encode_shared(const Envelope& envelope, const SharedStamp& stamp, std::span<const ScopeId> own,
                   std::string_view payload, std::string& out);

// The bytes of a touch, to be written at shared_patch_offset over the entry of head.id.
void encode_shared_patch(const EnvelopeHead& head, unsigned char (&out)[shared_patch_size]);

// Looks at bytes that may be anything and reads nothing outside of them. verify: also at both checks.
// `out` is set only when good; its scopes are those of its own.
EnvelopeView::Verdict open_shared(larder_bytes bytes, std::uint64_t binding, bool verify, EnvelopeView& out,
                                  SharedStamp& stamp) noexcept;

}  // namespace larder
