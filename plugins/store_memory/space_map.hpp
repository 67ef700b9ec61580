// plugins/store_memory/space_map.hpp -- namespaces by number, found without a lock.
//
// Open addressing over pointers; a map that is half full is replaced by one twice as large. A
// namespace that is cleared leaves a tombstone until then.
#pragma once

#include "limbo.hpp"
#include "space.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>

namespace larder::store_memory {

class SpaceMap {
  public:
    explicit SpaceMap(Limbo& limbo);
    ~SpaceMap();
    SpaceMap(const SpaceMap&) = delete;
    SpaceMap& operator=(const SpaceMap&) = delete;

    // Inside a read section, and what is found stays until its end.
    Space* find(std::uint32_t ns) const noexcept {
        const Slots* slots = slots_.load(std::memory_order_acquire);
        for (std::uint32_t i = ns * 0x9e3779b1u >> slots->shift;; ++i) {
            Space* space = slots->at[i & slots->mask].load(std::memory_order_acquire);
            if (space == nullptr || (space != gone() && space->ns == ns)) {
                return space;
            }
        }
    }
    // The same, made if it is missing; null: no memory.
    Space* find_or_make(std::uint32_t ns) noexcept;
    // Takes one out: whoever looks later finds none, or another. Null: there was none. Its limits
    // stay behind in a fresh one.
    Space* take(std::uint32_t ns) noexcept;

    // For walks: the space at a position, and how many positions there are. They change when the
    // map grows, so a walk by position may miss or meet one twice.
    std::uint32_t positions() const noexcept {
        return slots_.load(std::memory_order_acquire)->mask + 1;
    }
    Space* at(std::uint32_t position) const noexcept {
        const Slots* slots = slots_.load(std::memory_order_acquire);
        Space* space = slots->at[position & slots->mask].load(std::memory_order_acquire);
        return space == gone() ? nullptr : space;
    }
    // The space with the lowest serial number that is not below `serial`; null: none.
    Space* from_serial(std::uint32_t serial) const noexcept;

  private:
    struct Slots {
        std::uint32_t mask = 0, shift = 0;
        std::atomic<Space*> at[1];
    };
    static Space* gone() noexcept { return reinterpret_cast<Space*>(std::uintptr_t{64}); }
    static Slots* make_slots(std::uint32_t bits) noexcept;
    bool add(Space* space) noexcept;
    bool grow() noexcept;

    Limbo& limbo_;
    std::mutex mutex_;  // For those who change the map.
    std::atomic<Slots*> slots_;
    std::uint32_t used_ = 0;  // Tombstones included.
    std::uint32_t serials_ = 0;
};

}  // namespace larder::store_memory
