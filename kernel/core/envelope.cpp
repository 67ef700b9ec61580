// kernel/core/envelope.cpp -- writing envelopes, and reading bytes that may be anything.
#include "kernel/core/envelope.hpp"

#include "kernel/core/raw_bytes.hpp"

// In line, because the size of what the check word covers is known here.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

namespace larder {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are copied to and from the bytes as they are");

constexpr std::uint32_t magic = 0x3152444C;  // "LDR1"
constexpr std::uint8_t format = 1;

// Where things are in the head and behind it.
enum : std::size_t {
    at_magic = 0,
    at_format = 4,
    at_flags = 5,
    at_codec = 6,
    at_id = 16,
    at_created = 24,
    at_soft = 32,
    at_hard = 40,
    at_raw_size = 48,
    at_stored_size = 52,
    at_check = 56,
    at_version = 60,
    at_scopes = 62,
    at_with = 63,
    at_binding = 64,
    at_schema = 72,
    at_drop_digest = 80,
    at_expire_digest = 88,
    at_checksum = 96,
    at_dictionary = 104,
    at_cost = 108,
    at_ban_epoch = 112,
    at_ban_number = 120
};
static_assert(at_created == envelope_patch_offset);
static_assert(at_created + envelope_patch_size == envelope_head);
static_assert(at_binding == envelope_head && at_ban_number + 8 == envelope_fixed);

constexpr std::size_t pair_head = 6;  // u16 name size, u32 value size

// As words, each written and read whole: bytes copied at odd places would have to leave the store
// buffer before they can be hashed, which costs more than the hash.
std::uint32_t check_of(const unsigned char* head) noexcept {
    const std::array<std::uint64_t, 8> covered{
        load<std::uint64_t>(head),
        load<std::uint64_t>(head + 8),
        load<std::uint64_t>(head + at_id),
        load<std::uint64_t>(head + at_created),
        load<std::uint64_t>(head + at_soft),
        load<std::uint64_t>(head + at_hard),
        load<std::uint64_t>(head + at_raw_size),
        load<std::uint32_t>(head + at_version),
    };
    return static_cast<std::uint32_t>(XXH3_64bits(covered.data(), sizeof covered));
}

std::uint64_t checksum_of(const unsigned char* bytes, std::size_t size) noexcept {
    unsigned char front[8 + at_checksum - at_binding];
    std::memcpy(front, bytes + at_id, 8);
    std::memcpy(front + 8, bytes + at_binding, at_checksum - at_binding);
    return XXH3_64bits_withSeed(bytes + at_dictionary, size - at_dictionary,
                                XXH3_64bits(front, sizeof front));
}

void decode_head(const unsigned char* bytes, EnvelopeHead& head) noexcept {
    head.flags = bytes[at_flags];
    head.codec = load<std::uint16_t>(bytes + at_codec);
    head.id = load<std::uint64_t>(bytes + at_id);
    head.created_ns = load<std::uint64_t>(bytes + at_created);
    head.soft_ms = load<std::uint64_t>(bytes + at_soft);
    head.hard_ms = load<std::uint64_t>(bytes + at_hard);
    head.raw_size = load<std::uint32_t>(bytes + at_raw_size);
    head.stored_size = load<std::uint32_t>(bytes + at_stored_size);
    head.version = load<std::uint16_t>(bytes + at_version);
    head.scopes = bytes[at_scopes];
    head.with = bytes[at_with];
}

void encode_head(const EnvelopeHead& head, unsigned char* to) noexcept {
    store(to + at_magic, magic);
    to[at_format] = format;
    to[at_flags] = head.flags;
    store(to + at_codec, head.codec);
    store(to + 8, std::uint64_t{0});
    store(to + at_id, head.id);
    store(to + at_created, head.created_ns);
    store(to + at_soft, head.soft_ms);
    store(to + at_hard, head.hard_ms);
    store(to + at_raw_size, head.raw_size);
    store(to + at_stored_size, head.stored_size);
    store(to + at_version, head.version);
    to[at_scopes] = head.scopes;
    to[at_with] = head.with;
    store(to + at_check, check_of(to));
}

// Where the payload begins; 0: the lengths do not add up to `size`.
std::size_t find_payload(const unsigned char* bytes, std::size_t size) noexcept {
    const std::size_t at = envelope_detail::behind_pairs(
        bytes, envelope_fixed + sizeof(std::uint64_t) * bytes[at_scopes], bytes[at_with], size);
    return at != 0 && size - at == load<std::uint32_t>(bytes + at_stored_size) ? at : 0;
}

std::string_view text(const unsigned char* at, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(at), size};
}

}  // namespace

std::size_t envelope_detail::behind_pairs(const unsigned char* bytes, std::size_t at,
                                          std::size_t count, std::size_t size) noexcept {
    for (; count > 0; --count) {
        if (at > size || size - at < pair_head) return 0;
        const std::size_t name = load<std::uint16_t>(bytes + at);
        const std::size_t value = load<std::uint32_t>(bytes + at + 2);
        at += pair_head;
        if (size - at < name || size - at - name < value) return 0;
        at += name + value;
    }
    return at <= size ? at : 0;
}

std::size_t envelope_detail::pairs_size(
    std::span<const std::pair<std::string_view, std::string_view>> with) noexcept {
    std::size_t size = 0;
    for (const auto& [name, value] : with) size += pair_head + name.size() + value.size();
    return size;
}

char* envelope_detail::write_pairs(
    std::span<const std::pair<std::string_view, std::string_view>> with, char* to) noexcept {
    for (const auto& [name, value] : with) {
        assert(name.size() <= UINT16_MAX && value.size() <= UINT32_MAX);
        auto* const sizes = reinterpret_cast<unsigned char*>(to);
        store(sizes, static_cast<std::uint16_t>(name.size()));
        store(sizes + 2, static_cast<std::uint32_t>(value.size()));
        to = std::copy(name.begin(), name.end(), to + pair_head);
        to = std::copy(value.begin(), value.end(), to);
    }
    return to;
}

EnvelopeView::Verdict EnvelopeView::open(larder_bytes stored, bool verify_check,
                                         bool verify_checksum, EnvelopeView& out) noexcept {
    const auto* const bytes = static_cast<const unsigned char*>(stored.data);
    if (stored.size < at_flags || load<std::uint32_t>(bytes) != magic || bytes[at_format] != format)
        return Verdict::foreign;
    if (stored.size < envelope_fixed) return Verdict::damaged;
    if (verify_check && load<std::uint32_t>(bytes + at_check) != check_of(bytes))
        return Verdict::damaged;
    if (bytes[at_scopes] > max_scopes) return Verdict::damaged;
    const std::size_t payload_at = find_payload(bytes, stored.size);
    if (payload_at == 0) return Verdict::damaged;
    if (verify_checksum &&
        load<std::uint64_t>(bytes + at_checksum) != checksum_of(bytes, stored.size))
        return Verdict::damaged;
    decode_head(bytes, out.head_);
    out.bytes_ = bytes;
    out.scopes_at_ = envelope_fixed;
    out.payload_at_ = payload_at;
    out.dictionary_ = load<std::uint32_t>(bytes + at_dictionary);
    out.cost_us_ = load<std::uint32_t>(bytes + at_cost);
    return Verdict::good;
}

std::uint64_t EnvelopeView::binding() const noexcept {
    return load<std::uint64_t>(bytes_ + at_binding);
}
std::uint64_t EnvelopeView::schema() const noexcept {
    return load<std::uint64_t>(bytes_ + at_schema);
}
std::uint64_t EnvelopeView::drop_digest() const noexcept {
    return load<std::uint64_t>(bytes_ + at_drop_digest);
}
std::uint64_t EnvelopeView::expire_digest() const noexcept {
    return load<std::uint64_t>(bytes_ + at_expire_digest);
}
std::uint32_t EnvelopeView::dictionary() const noexcept { return dictionary_; }
std::uint32_t EnvelopeView::cost_us() const noexcept { return cost_us_; }
std::uint64_t EnvelopeView::ban_epoch() const noexcept {
    return load<std::uint64_t>(bytes_ + at_ban_epoch);
}
std::uint64_t EnvelopeView::ban_number() const noexcept {
    return load<std::uint64_t>(bytes_ + at_ban_number);
}

std::uint64_t EnvelopeView::scope(std::size_t i) const noexcept {
    assert(i < head_.scopes);
    return load<std::uint64_t>(bytes_ + scopes_at_ + i * sizeof(std::uint64_t));
}

std::string_view EnvelopeView::payload() const noexcept {
    return text(bytes_ + payload_at_, head_.stored_size);
}

bool EnvelopeView::with(std::vector<std::pair<std::string_view, std::string_view>>& out) const {
    const unsigned char* at = bytes_ + scopes_at_ + sizeof(std::uint64_t) * head_.scopes;
    for (std::size_t pair = 0; pair < head_.with; ++pair) {
        const std::size_t name = load<std::uint16_t>(at);
        const std::size_t value = load<std::uint32_t>(at + 2);
        at += pair_head;
        out.emplace_back(text(at, name), text(at + name, value));
        at += name + value;
    }
    return head_.with != 0;
}

void encode_envelope(const Envelope& envelope, std::string_view payload, std::string& out) {
    assert(envelope.scopes.size() <= max_scopes);
    assert(envelope.with.size() <= 255);
    assert(payload.size() <= UINT32_MAX);
    EnvelopeHead head = envelope.head;
    head.stored_size = static_cast<std::uint32_t>(payload.size());
    head.scopes = static_cast<std::uint8_t>(envelope.scopes.size());
    head.with = static_cast<std::uint8_t>(envelope.with.size());

    unsigned char fixed[envelope_fixed] = {};
    encode_head(head, fixed);
    store(fixed + at_binding, envelope.binding);
    store(fixed + at_schema, envelope.schema);
    store(fixed + at_drop_digest, envelope.drop_digest);
    store(fixed + at_expire_digest, envelope.expire_digest);
    store(fixed + at_dictionary, envelope.dictionary);
    store(fixed + at_cost, envelope.cost_us);
    store(fixed + at_ban_epoch, envelope.ban_epoch);
    store(fixed + at_ban_number, envelope.ban_number);

    const std::size_t size = envelope_fixed + envelope.scopes.size_bytes() +
                             envelope_detail::pairs_size(envelope.with) + payload.size();
    out.resize(size);
    char* at = std::copy_n(reinterpret_cast<const char*>(fixed), envelope_fixed, out.data());
    at = std::copy_n(reinterpret_cast<const char*>(envelope.scopes.data()), envelope.scopes.size_bytes(), at);
    std::copy(payload.begin(), payload.end(), envelope_detail::write_pairs(envelope.with, at));
    auto* const bytes = reinterpret_cast<unsigned char*>(out.data());
    store(bytes + at_checksum, checksum_of(bytes, out.size()));
}

void encode_patch(const EnvelopeHead& head, unsigned char (&out)[envelope_patch_size]) {
    unsigned char whole[envelope_head];
    encode_head(head, whole);
    std::memcpy(out, whole + envelope_patch_offset, envelope_patch_size);
}

}  // namespace larder
