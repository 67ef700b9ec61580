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
    if (s.key != key_hash) s = {key_hash, {}};
    Waiting* room = nullptr;
    for (Waiting& w : s.waiting) {
        if (now_ns >= w.until_ns) room = room == nullptr ? &w : room;
        else if (w.client == client) return;
    }
    if (room != nullptr) *room = {client, now_ns + lifetime_ns, point};
}

std::optional<FencePoint> FenceBook::take(std::uint64_t key_hash, std::uint64_t client, std::uint64_t now_ns) {
    const std::lock_guard guard(lock(key_hash));
    Slot& s = slot(key_hash);
    if (s.key != key_hash) return std::nullopt;
    Waiting* found = nullptr;
    for (Waiting& w : s.waiting) {
        if (now_ns >= w.until_ns) continue;
        if (w.client == client) {
            found = &w;
            break;
        }
        if (found == nullptr || w.point.epoch < found->point.epoch) found = &w;
    }
    if (found == nullptr) return std::nullopt;
    found->until_ns = 0;
    return found->point;
}

void FenceBook::forget(std::uint64_t key_hash, std::uint64_t client) {
    const std::lock_guard guard(lock(key_hash));
    Slot& s = slot(key_hash);
    if (s.key != key_hash) return;
    for (Waiting& w : s.waiting)
        if (w.client == client) w.until_ns = 0;
}

void FenceBook::forget_client(std::uint64_t client) {
    for (std::size_t stripe = 0; stripe < stripes; ++stripe) {
        const std::lock_guard guard(locks_[stripe]);
        for (std::size_t i = stripe; i < slots_.size(); i += stripes)
            for (Waiting& w : slots_[i].waiting)
                if (w.client == client) w.until_ns = 0;
    }
}

}  // namespace larder
