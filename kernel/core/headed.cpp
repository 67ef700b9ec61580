// kernel/core/headed.cpp -- writing and reading the short form.
#include "kernel/core/headed.hpp"

#include <algorithm>
#include <cassert>

namespace larder {
namespace {

struct Lives {
    std::uint64_t soft_end_ms, hard_end_ms;
};
struct Coded {
    std::uint32_t raw_size;
    std::uint16_t codec, zero;
};
struct Detail {
    std::uint32_t dictionary, cost_us;
    std::uint16_t version, with;
    std::uint32_t zero;
};
static_assert(sizeof(Lives) == 16 && sizeof(Coded) == 8 && sizeof(Detail) == 16);

template <class T>
void write(char*& at, const T& part) {
    std::memcpy(at, &part, sizeof part);
    at += sizeof part;
}

template <class T>
bool take(const unsigned char* bytes, std::size_t size, std::size_t& at, T& out) noexcept {
    if (size - at < sizeof out) return false;
    std::memcpy(&out, bytes + at, sizeof out);
    at += sizeof out;
    return true;
}

}  // namespace

void encode_headed(const Envelope& envelope, std::span<const std::uint64_t> scopes, std::uint64_t key_hash, std::uint64_t generation, bool aged,
                   std::uint64_t capped_ms, std::string_view payload, std::string& out) {
    assert(scopes.size() <= max_scopes && envelope.with.size() <= 255);
    const EnvelopeHead& head = envelope.head;
    const std::uint64_t created_ms = head.created_ns / 1'000'000;
    const bool lives = head.soft_ms != head.hard_ms || head.hard_ms != capped_ms;
    const bool coded = head.codec != 0;
    const bool detailed = envelope.dictionary != 0 || envelope.cost_us != 0 || head.version != 1 || !envelope.with.empty();

    const auto when = [](bool holds, HeadedFlag flag) { return holds ? std::uint64_t{flag} : 0; };
    const std::uint64_t flags =
        when(lives, headed_lives) | when(aged, headed_aged) | when(coded, headed_coded) | when(detailed, headed_detailed) |
        when((head.flags & envelope_absent) != 0, headed_absent) | when((head.flags & envelope_sliding) != 0, headed_sliding) |
        when((head.flags & envelope_dated) != 0, headed_dated);
    const larder_head words{
        head.mark << HeadedMark::epoch_at | (generation & HeadedMark::generation_mask) << HeadedMark::generation_at |
            scopes.size() << HeadedMark::scopes_at | flags,
        head.id, headed_binding(key_hash)};

    out.resize(sizeof words + (lives ? sizeof(Lives) : 0) + (aged ? sizeof created_ms : 0) + (coded ? sizeof(Coded) : 0) +
               (detailed ? sizeof(Detail) : 0) + scopes.size_bytes() + envelope_detail::pairs_size(envelope.with) + payload.size());
    char* at = out.data();
    write(at, words);
    if (lives) write(at, Lives{head.soft_ms == 0 ? 0 : created_ms + head.soft_ms, head.hard_ms == 0 ? 0 : created_ms + head.hard_ms});
    if (aged) write(at, created_ms);
    if (coded) write(at, Coded{head.raw_size, head.codec, 0});
    if (detailed) write(at, Detail{envelope.dictionary, envelope.cost_us, head.version, static_cast<std::uint16_t>(envelope.with.size()), 0});
    at = std::copy_n(reinterpret_cast<const char*>(scopes.data()), scopes.size_bytes(), at);
    std::copy(payload.begin(), payload.end(), envelope_detail::write_pairs(envelope.with, at));
}

bool EnvelopeView::open_headed(larder_bytes stored, std::uint64_t key_hash, EnvelopeView& out) noexcept {
    if (stored.size < sizeof(larder_head)) return false;
    const auto* const bytes = static_cast<const unsigned char*>(stored.data);
    const HeadedWords words(bytes);
    if (!words.bound_to(key_hash)) return false;
    const HeadedMark mark = words.mark();
    const std::uint64_t flags = mark.flags(), deadline_ms = words.deadline_ms();

    std::size_t at = sizeof(larder_head);
    Lives lives{deadline_ms, deadline_ms};
    std::uint64_t created_ms = words.id() >> 24;
    Coded coded{0, 0, 0};
    Detail detail{0, 0, 1, 0, 0};
    if ((flags & headed_lives) != 0 && !take(bytes, stored.size, at, lives)) return false;
    if ((flags & headed_aged) != 0 && !take(bytes, stored.size, at, created_ms)) return false;
    if ((flags & headed_coded) != 0 && !take(bytes, stored.size, at, coded)) return false;
    if ((flags & headed_detailed) != 0 && !take(bytes, stored.size, at, detail)) return false;
    out.scopes_at_ = at;
    at += mark.scopes() * sizeof(std::uint64_t);
    if (mark.scopes() > max_scopes || detail.with > 255) return false;
    at = envelope_detail::behind_pairs(bytes, at, detail.with, stored.size);
    if (at == 0) return false;

    EnvelopeHead& head = out.head_;
    head.flags = 0;
    if ((flags & headed_absent) != 0) head.flags |= envelope_absent;
    if ((flags & headed_sliding) != 0) head.flags |= envelope_sliding;
    if ((flags & headed_dated) != 0) head.flags |= envelope_dated;
    const auto life = [created_ms](std::uint64_t end_ms) { return end_ms == 0 ? 0 : end_ms - std::min(created_ms, end_ms - 1); };
    head.codec = coded.codec;
    head.mark = mark.epoch();
    head.id = words.id();
    head.created_ns = created_ms * 1'000'000;
    head.soft_ms = life(lives.soft_end_ms);
    head.hard_ms = life(lives.hard_end_ms);
    head.stored_size = static_cast<std::uint32_t>(stored.size - at);
    head.raw_size = coded.codec != 0 ? coded.raw_size : head.stored_size;
    head.version = detail.version;
    head.scopes = static_cast<std::uint8_t>(mark.scopes());
    head.with = static_cast<std::uint8_t>(detail.with);
    out.bytes_ = bytes;
    out.payload_at_ = at;
    out.dictionary_ = detail.dictionary;
    out.cost_us_ = detail.cost_us;
    return true;
}

void EnvelopeView::store_mark(std::uint64_t epoch) const noexcept {
    const std::atomic_ref<std::uint64_t> word(*reinterpret_cast<std::uint64_t*>(const_cast<unsigned char*>(bytes_)));
    const std::uint64_t constant = word.load(std::memory_order_relaxed) & HeadedMark::constant_mask;
    word.store(epoch << HeadedMark::epoch_at | constant, std::memory_order_relaxed);
}

}  // namespace larder
