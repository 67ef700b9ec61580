// plugins/store_memory/segment.cpp -- finding a place for an entry.
#include "segment.hpp"

#include <cstddef>
#include <new>

namespace larder::store_memory {

Segment* Segment::make(std::byte* block, std::uint32_t lines, unsigned depth) noexcept {
    Segment* made = new (block) Segment;
    made->lines = static_cast<std::uint16_t>(lines);
    made->depth = static_cast<std::uint8_t>(depth);
    for (std::uint32_t i = 0; i < lines; ++i) {
        Line* line = new (made->first() + i) Line;
        for (unsigned slot = 0; slot < Line::slots; ++slot) {
            line->ref[slot].store(0, std::memory_order_relaxed);
            line->meta[slot].store(0, std::memory_order_relaxed);
        }
        line->prints[0].store(0, std::memory_order_relaxed);
        line->prints[1].store(0, std::memory_order_relaxed);
    }
    return made;
}

Segment::Place Segment::place(std::uint16_t print, std::uint16_t rank, std::uint32_t ref) noexcept {
    // A chain of moves must not come back to where it began.
    const unsigned farthest = lines >= 10 ? 6 : 0;
    const std::uint32_t mine = home(print, lines);
    unsigned slot = at(mine).empty();
    if (slot < Line::slots) {
        at(mine).set(slot, print, rank, ref);
        ++used;
        return {mine, slot};
    }
    const std::uint32_t beside = next(mine);
    if (beside == mine) {
        return {};
    }
    if ((slot = at(beside).empty()) == Line::slots) {
        if (lines < 3 || !make_room(beside, farthest)) {
            return {};
        }
        slot = at(beside).empty();
    }
    note_spilled(mine);
    at(beside).set(slot, print, rank, ref);
    ++used;
    return {beside, slot};
}

// Moves one entry that is at home in `line` to the next, which does the same if it is full.
bool Segment::make_room(std::uint32_t line, unsigned far) noexcept {
    const std::uint32_t beside = next(line);
    Line& from = at(line);
    for (unsigned slot = 0; slot < Line::slots; ++slot) {
        if (home(from.print(slot), lines) != line) {
            continue;
        }
        unsigned to = at(beside).empty();
        if (to == Line::slots) {
            if (far == 0 || !make_room(beside, far - 1)) {
                return false;
            }
            to = at(beside).empty();
        }
        note_spilled(line);
        at(beside).set(to, from.print(slot), from.meta[slot].load(std::memory_order_relaxed),
                       from.ref[slot].load(std::memory_order_relaxed));
        from.clear(slot);
        return true;
    }
    return false;
}

}  // namespace larder::store_memory
