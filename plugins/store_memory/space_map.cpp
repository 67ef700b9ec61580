// plugins/store_memory/space_map.cpp -- namespaces that come and go.
#include "space_map.hpp"

#include <cstdlib>
#include <new>

namespace larder::store_memory {

SpaceMap::Slots* SpaceMap::make_slots(std::uint32_t bits) noexcept {
    const std::size_t count = std::size_t{1} << bits;
    void* memory = std::malloc(sizeof(Slots) + (count - 1) * sizeof(std::atomic<Space*>));
    if (memory == nullptr) {
        return nullptr;
    }
    auto* slots = new (memory) Slots;
    slots->mask = static_cast<std::uint32_t>(count - 1);
    slots->shift = 32 - bits;
    for (std::size_t i = 0; i < count; ++i) {
        new (&slots->at[i]) std::atomic<Space*>(nullptr);
    }
    return slots;
}

SpaceMap::SpaceMap(Limbo& limbo) : limbo_(limbo), slots_(make_slots(4)) {
    if (slots_.load(std::memory_order_relaxed) == nullptr) {
        throw std::bad_alloc();
    }
}

SpaceMap::~SpaceMap() {
    Slots* slots = slots_.load(std::memory_order_relaxed);
    for (std::uint32_t i = 0; i <= slots->mask; ++i) {
        Space* space = slots->at[i].load(std::memory_order_relaxed);
        if (space != gone()) {
            delete space;
        }
    }
    std::free(slots);
}

Space* SpaceMap::find_or_make(std::uint32_t ns) noexcept {
    if (Space* there = find(ns)) [[likely]] {
        return there;
    }
    const std::lock_guard lock(mutex_);
    if (Space* there = find(ns)) {
        return there;
    }
    ShardSet* set = ShardSet::make(0);
    Space* fresh = set != nullptr ? new (std::nothrow) Space(ns, set) : nullptr;
    if (fresh == nullptr) {
        ShardSet::drop(set);
        return nullptr;
    }
    if (!add(fresh)) {
        delete fresh;
        return nullptr;
    }
    return fresh;
}

// REQUIRES: the mutex is held, and no space of this number is in the map.
bool SpaceMap::add(Space* space) noexcept {
    if ((used_ + 1) * 2 > slots_.load(std::memory_order_relaxed)->mask && !grow()) {
        return false;
    }
    Slots* slots = slots_.load(std::memory_order_relaxed);
    space->serial = ++serials_;
    for (std::uint32_t i = space->ns * 0x9e3779b1u >> slots->shift;; ++i) {
        if (slots->at[i & slots->mask].load(std::memory_order_relaxed) == nullptr) {
            slots->at[i & slots->mask].store(space, std::memory_order_release);
            ++used_;
            return true;
        }
    }
}

bool SpaceMap::grow() noexcept {
    Slots* old = slots_.load(std::memory_order_relaxed);
    std::uint32_t live = 0;
    for (std::uint32_t i = 0; i <= old->mask; ++i) {
        Space* space = old->at[i].load(std::memory_order_relaxed);
        live += space != nullptr && space != gone();
    }
    std::uint32_t bits = 4;
    while ((std::uint32_t{1} << bits) < (live + 1) * 4) {
        ++bits;
    }
    Slots* fresh = make_slots(bits);
    if (fresh == nullptr) {
        return false;
    }
    used_ = 0;
    for (std::uint32_t i = 0; i <= old->mask; ++i) {
        Space* space = old->at[i].load(std::memory_order_relaxed);
        if (space == nullptr || space == gone()) {
            continue;
        }
        std::uint32_t to = space->ns * 0x9e3779b1u >> fresh->shift;
        while (fresh->at[to & fresh->mask].load(std::memory_order_relaxed) != nullptr) {
            ++to;
        }
        fresh->at[to & fresh->mask].store(space, std::memory_order_relaxed);
        ++used_;
    }
    slots_.store(fresh, std::memory_order_release);
    limbo_.retire(0, old, [](void* slots) { std::free(slots); });
    return true;
}

Space* SpaceMap::take(std::uint32_t ns) noexcept {
    const std::lock_guard lock(mutex_);
    Slots* slots = slots_.load(std::memory_order_relaxed);
    for (std::uint32_t i = ns * 0x9e3779b1u >> slots->shift;; ++i) {
        std::atomic<Space*>& at = slots->at[i & slots->mask];
        Space* space = at.load(std::memory_order_relaxed);
        if (space == nullptr) {
            return nullptr;
        }
        if (space == gone() || space->ns != ns) {
            continue;
        }
        const std::uint64_t entries = space->most_entries.load(std::memory_order_relaxed);
        const std::uint64_t bytes = space->most_bytes.load(std::memory_order_relaxed);
        Space* fresh = nullptr;
        if (!space->is_as_made()) {
            if (ShardSet* set = ShardSet::make(0)) {
                fresh = new (std::nothrow) Space(ns, set);
                if (fresh == nullptr) {
                    ShardSet::drop(set);
                } else {
                    fresh->most_entries.store(entries, std::memory_order_relaxed);
                    fresh->most_bytes.store(bytes, std::memory_order_relaxed);
                    fresh->demotion.store(space->demotion.load(std::memory_order_relaxed), std::memory_order_relaxed);
                    // Without memory for a contest it goes on by the order that was found.
                    const bool finds_out = space->contest.load(std::memory_order_relaxed) != nullptr;
                    if (!fresh->evict_by(space->order.load(std::memory_order_relaxed), finds_out)) {
                        static_cast<void>(fresh->evict_by(space->rule(), false));
                    }
                    fresh->serial = ++serials_;
                }
            }
        }
        at.store(fresh != nullptr ? fresh : gone(), std::memory_order_release);
        return space;
    }
}

Space* SpaceMap::from_serial(std::uint32_t serial) const noexcept {
    const Slots* slots = slots_.load(std::memory_order_acquire);
    Space* best = nullptr;
    for (std::uint32_t i = 0; i <= slots->mask; ++i) {
        Space* space = slots->at[i].load(std::memory_order_acquire);
        if (space != nullptr && space != gone() && space->serial >= serial &&
            (best == nullptr || space->serial < best->serial)) {
            best = space;
        }
    }
    return best;
}

}  // namespace larder::store_memory
