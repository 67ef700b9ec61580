// kernel/core/fence.cpp -- the book of misses that are waited for: slots of a few, striped locks.
#include "kernel/core/fence.hpp"

#include <algorithm>
#include <bit>

namespace larder {

namespace {
constexpr std::uint64_t lifetime_ns = 30'000'000'000;
}

FenceBook::FenceBook(std::size_t slots)
    : mask_(std::bit_ceil(slots < 64 ? std::size_t{64} : slots) - 1),
      slots_(zeroed_array<Slot>(mask_ + 1)),
      used_(zeroed_array<std::atomic<bool>>(mask_ + 1)) {}

void FenceBook::remember(std::uint64_t key_hash, std::uint64_t client, const FencePoint& point,
                         std::uint64_t now_ns) {
    const std::lock_guard guard(lock(key_hash));
    Slot& s = slot(key_hash);
    Waiting* room = nullptr;
    Waiting* oldest = nullptr;  // of another key
    for (Waiting& w : s.waiting) {
        if (now_ns >= w.until_ns) room = room == nullptr ? &w : room;
        else if (w.key == key_hash && w.client == client) return;
        else if (w.key != key_hash && (oldest == nullptr || w.until_ns < oldest->until_ns)) oldest = &w;
    }
    room = room != nullptr ? room : oldest;
    if (room == nullptr) return;
    *room = {key_hash, client, now_ns + lifetime_ns, point};
    if (point.at_ns == 0) room->point.at_ns = now_ns;
    used_[key_hash & mask_].store(true, std::memory_order_release);
}

std::optional<FencePoint> FenceBook::take(std::uint64_t key_hash, std::uint64_t client, std::uint64_t now_ns) {
    if (!used_[key_hash & mask_].load(std::memory_order_acquire)) return std::nullopt;
    const std::lock_guard guard(lock(key_hash));
    Slot& s = slot(key_hash);
    Waiting* found = nullptr;
    for (Waiting& w : s.waiting) {
        if (now_ns >= w.until_ns || w.key != key_hash) continue;
        if (w.client == client) {
            found = &w;
            break;
        }
        if (found == nullptr || w.point.epoch < found->point.epoch) found = &w;
    }
    if (found == nullptr) return std::nullopt;
    found->until_ns = 0;
    const bool others = std::any_of(s.waiting.begin(), s.waiting.end(), [now_ns](const Waiting& w) { return now_ns < w.until_ns; });
    used_[key_hash & mask_].store(others, std::memory_order_release);
    return found->point;
}

void FenceBook::forget(std::uint64_t key_hash, std::uint64_t client) {
    const std::lock_guard guard(lock(key_hash));
    for (Waiting& w : slot(key_hash).waiting)
        if (w.key == key_hash && w.client == client) w.until_ns = 0;
}

void FenceBook::forget_client(std::uint64_t client) {
    for (std::size_t stripe = 0; stripe < stripes; ++stripe) {
        const std::lock_guard guard(locks_[stripe]);
        for (std::size_t i = stripe; i <= mask_; i += stripes)
            for (Waiting& w : slots_[i].waiting)
                if (w.client == client) w.until_ns = 0;
    }
}

}  // namespace larder
