// kernel/core/shared_envelope.cpp -- see shared_envelope.hpp.
#include "kernel/core/shared_envelope.hpp"

#include "kernel/core/raw_bytes.hpp"

// In line, because the size of what the life check covers is known here.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace larder {
namespace {

constexpr std::uint16_t magic = 0x324C;  // "L2"
constexpr std::size_t at_flags = 2, at_scopes = 3, at_check = 4, at_life_check = 12, at_id = 16, at_created = 24, at_soft = 30,
                      at_hard = 34, at_drop = 38, at_expire = 46;
static_assert(at_life_check == shared_patch_offset && at_drop == at_life_check + shared_patch_size);
static_assert(at_expire + 6 == shared_fixed);

constexpr std::uint8_t kept_flags = envelope_absent | envelope_encrypted | envelope_sliding | envelope_dated;
constexpr std::uint64_t in_seconds = std::uint64_t{1} << 47, created_mask = in_seconds - 1;
constexpr std::size_t longest_varint = 5;

std::uint64_t load48(const unsigned char* from) noexcept {
    return load<std::uint32_t>(from) | std::uint64_t{load<std::uint16_t>(from + 4)} << 32;
}

void store48(unsigned char* to, std::uint64_t value) noexcept {
    store(to, static_cast<std::uint32_t>(value));
    store(to + 4, static_cast<std::uint16_t>(value >> 32));
}

// At most 32 bits, seven in a byte, the lowest first; all but the last byte have the highest bit.
unsigned char* write_varint(unsigned char* to, std::uint32_t value) noexcept {
    for (; value >= 0x80; value >>= 7) *to++ = static_cast<unsigned char>(value | 0x80);
    *to++ = static_cast<unsigned char>(value);
    return to;
}

bool take_varint(const unsigned char* bytes, std::size_t size, std::size_t& at, std::uint32_t& out) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < longest_varint && at < size; ++i) {
        const unsigned char byte = bytes[at++];
        value |= std::uint64_t{byte & 0x7fu} << (7 * i);
        if ((byte & 0x80) != 0) continue;
        out = static_cast<std::uint32_t>(value);
        // Written in one way only: without zeros above, and within 32 bits.
        return value <= UINT32_MAX && (byte != 0 || i == 0);
    }
    return false;
}

std::uint64_t check_of(const unsigned char* bytes, std::size_t size, std::uint64_t binding) noexcept {
    unsigned char front[20];
    std::memcpy(front, &binding, 8);
    std::memcpy(front + 8, bytes + at_id, 8);
    std::memcpy(front + 16, bytes, 4);
    return XXH3_64bits_withSeed(bytes + at_drop, size - at_drop, XXH3_64bits(front, sizeof front));
}

std::uint32_t life_check_of(const unsigned char* bytes) noexcept {
    return static_cast<std::uint32_t>(XXH3_64bits(bytes + at_id, at_drop - at_id));
}

void write_life(const EnvelopeHead& head, unsigned char* bytes) noexcept {
    const bool seconds = std::max(head.soft_ms, head.hard_ms) > UINT32_MAX;
    const auto life = [seconds](std::uint64_t ms) {
        if (!seconds || ms == 0) return static_cast<std::uint32_t>(ms);
        return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(ms / 1000, 1, UINT32_MAX));
    };
    store(bytes + at_id, head.id);
    store48(bytes + at_created, (head.created_ns / 1'000'000 & created_mask) | (seconds ? in_seconds : 0));
    store(bytes + at_soft, life(head.soft_ms));
    store(bytes + at_hard, life(head.hard_ms));
    store(bytes + at_life_check, life_check_of(bytes));
}

}  // namespace

void encode_shared(const Envelope& envelope, const SharedStamp& stamp, std::span<const ScopeId> own, std::string_view payload,
                   std::string& out) {
    assert(own.size() <= max_scopes && envelope.with.size() <= 255 && payload.size() <= UINT32_MAX);
    const EnvelopeHead& head = envelope.head;
    unsigned char fixed[shared_fixed + 6 * longest_varint];
    unsigned char* at = fixed + shared_fixed;
    auto flags = static_cast<std::uint8_t>(head.flags & kept_flags);
    const auto flagged = [&](bool holds, SharedFlag flag, auto... numbers) {
        if (!holds) return;
        flags = static_cast<std::uint8_t>(flags | flag);
        ((at = write_varint(at, numbers)), ...);
    };
    flagged(head.codec != 0 || envelope.dictionary != 0, shared_coded, std::uint32_t{head.codec}, head.raw_size, envelope.dictionary);
    flagged(envelope.cost_us != 0, shared_costly, envelope.cost_us);
    flagged(head.version != 1, shared_versioned, std::uint32_t{head.version});
    flagged(!envelope.with.empty(), shared_paired, static_cast<std::uint32_t>(envelope.with.size()));
    store(fixed, magic);
    fixed[at_flags] = flags;
    fixed[at_scopes] = static_cast<std::uint8_t>(own.size());
    write_life(head, fixed);
    store(fixed + at_drop, stamp.drop);
    store48(fixed + at_expire, stamp.expire);

    const auto begin = static_cast<std::size_t>(at - fixed);
    out.resize(begin + own.size_bytes() + envelope_detail::pairs_size(envelope.with) + payload.size());
    char* to = std::copy_n(reinterpret_cast<const char*>(fixed), begin, out.data());
    to = std::copy_n(reinterpret_cast<const char*>(own.data()), own.size_bytes(), to);
    std::copy(payload.begin(), payload.end(), envelope_detail::write_pairs(envelope.with, to));
    auto* const bytes = reinterpret_cast<unsigned char*>(out.data());
    store(bytes + at_check, check_of(bytes, out.size(), envelope.binding));
}

void encode_shared_patch(const EnvelopeHead& head, unsigned char (&out)[shared_patch_size]) {
    unsigned char fixed[shared_fixed];
    write_life(head, fixed);
    std::memcpy(out, fixed + shared_patch_offset, shared_patch_size);
}

EnvelopeView::Verdict open_shared(larder_bytes stored, std::uint64_t binding, bool verify, EnvelopeView& out,
                                  SharedStamp& stamp) noexcept {
    using Verdict = EnvelopeView::Verdict;
    const auto* const bytes = static_cast<const unsigned char*>(stored.data);
    if (stored.size < sizeof magic || load<std::uint16_t>(bytes) != magic) return Verdict::foreign;
    if (stored.size < shared_fixed || bytes[at_scopes] > max_scopes) return Verdict::damaged;
    if (verify && (load<std::uint32_t>(bytes + at_life_check) != life_check_of(bytes) ||
                   load<std::uint64_t>(bytes + at_check) != check_of(bytes, stored.size, binding)))
        return Verdict::damaged;
    const std::uint8_t flags = bytes[at_flags];
    EnvelopeParts parts;
    std::size_t at = shared_fixed;
    std::uint32_t codec = 0, version = 1, pairs = 0;
    const auto take = [&](std::uint32_t& number) { return take_varint(bytes, stored.size, at, number); };
    if ((flags & shared_coded) != 0 && !(take(codec) && take(parts.head.raw_size) && take(parts.dictionary))) return Verdict::damaged;
    if ((flags & shared_costly) != 0 && !take(parts.cost_us)) return Verdict::damaged;
    if ((flags & shared_versioned) != 0 && !take(version)) return Verdict::damaged;
    if ((flags & shared_paired) != 0 && !take(pairs)) return Verdict::damaged;
    if (codec > UINT16_MAX || version > UINT16_MAX || pairs > 255) return Verdict::damaged;
    parts.scopes_at = at;
    parts.payload_at = envelope_detail::behind_pairs(bytes, at + bytes[at_scopes] * sizeof(ScopeId), pairs, stored.size);
    if (parts.payload_at == 0 || stored.size - parts.payload_at > UINT32_MAX) return Verdict::damaged;

    const std::uint64_t created = load48(bytes + at_created), unit = (created & in_seconds) != 0 ? 1000 : 1;
    EnvelopeHead& head = parts.head;
    head.flags = flags & kept_flags;
    head.codec = static_cast<std::uint16_t>(codec);
    head.id = load<std::uint64_t>(bytes + at_id);
    head.created_ns = (created & created_mask) * 1'000'000;
    head.soft_ms = load<std::uint32_t>(bytes + at_soft) * unit;
    head.hard_ms = load<std::uint32_t>(bytes + at_hard) * unit;
    head.stored_size = static_cast<std::uint32_t>(stored.size - parts.payload_at);
    if ((flags & shared_coded) == 0) head.raw_size = head.stored_size;
    head.version = static_cast<std::uint16_t>(version);
    head.scopes = bytes[at_scopes];
    head.with = static_cast<std::uint8_t>(pairs);
    stamp.drop = load<std::uint64_t>(bytes + at_drop);
    stamp.expire = load48(bytes + at_expire);
    out = EnvelopeView(bytes, parts);
    return Verdict::good;
}

}  // namespace larder
