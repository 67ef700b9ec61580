// kernel/core/fence.cpp -- the book of misses that are waited for: one slot a key, striped locks.
#include "kernel/core/fence.hpp"

#include <bit>

namespace larder {

namespace {
constexpr std::uint64_t lifetime_ns = 30'000'000'000;
}

FenceBook::FenceBook(std::size_t slots)
    : mask_(std::bit_ceil(slots < 64 ? std::size_t{64} : slots) - 1), slots_(mask_ + 1) {}

void FenceBook::remember(std::uint64_t key_hash, std::uint64_t client, const FencePoint& point,
                         std::uint64_t now_ns) {
    const std::lock_guard guard(lock(key_hash));
    Slot& s = slot(key_hash);
    if (s.key == key_hash && now_ns < s.until_ns) {
        // The older point stays, and so does its end: a key that nobody sets is forgotten after 30 s.
        s.client = s.client == client ? client : 0;
        return;
    }
    s = {key_hash, client, now_ns + lifetime_ns, point};
}

std::optional<FencePoint> FenceBook::take(std::uint64_t key_hash, std::uint64_t now_ns) {
    const std::lock_guard guard(lock(key_hash));
    Slot& s = slot(key_hash);
    if (s.key != key_hash || now_ns >= s.until_ns) return std::nullopt;
    s.until_ns = 0;
    return s.point;
}

void FenceBook::forget(std::uint64_t key_hash, std::uint64_t client) {
    const std::lock_guard guard(lock(key_hash));
    Slot& s = slot(key_hash);
    if (s.key == key_hash && s.client == client) s.until_ns = 0;
}

void FenceBook::forget_client(std::uint64_t client) {
    for (std::size_t stripe = 0; stripe < stripes; ++stripe) {
        const std::lock_guard guard(locks_[stripe]);
        for (std::size_t i = stripe; i < slots_.size(); i += stripes)
            if (slots_[i].client == client) slots_[i].until_ns = 0;
    }
}

}  // namespace larder
