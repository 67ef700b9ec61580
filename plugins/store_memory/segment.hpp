// plugins/store_memory/segment.hpp -- up to 127 lines that grow together: the leaf of the index.
//
// The fingerprint says which line is an entry's home, so lines can be laid out anew, in a segment
// of any other length, without a look at an entry. What finds its home full goes to the next line,
// and a bit of the head, read only after a miss at home, says that somebody did; when that is full
// too, others that are at home there move on by one. So segments fill to three quarters and more
// before they grow, in steps of an eighth: an entry has 10 to 13 bytes of index. (Neighbours and
// displacement: "Dash", VLDB 2020, without its stash.)
//
// A mover copies first and clears then, and moves only away from home, so that a reader, who looks
// at home first, meets the entry. Segments are never laid out anew in place: a new one is published
// and the old one, frozen, is read until its readers are gone.
#pragma once

#include "line.hpp"

#include <atomic>
#include <cstdint>

namespace larder::store_memory {

struct alignas(64) Segment {
    std::uint32_t used = 0;   // Slots. Under the lock, as all that is not atomic.
    std::uint16_t lines = 0;  // Set once.
    std::uint8_t depth = 0;   // Bits of the hash that all its keys share. Set once.
    std::uint32_t swept = 0;  // Up to which moment lapsed entries were taken out, see deadline.hpp.
    std::uint32_t hints = 0;  // Which hints its entries have, or had.
    std::uint16_t hand = 0;   // Where eviction goes on.
    std::atomic<std::uint64_t>
        spilled[2]{};  // By line: an entry at home here may stand in the next.

    struct Place {
        std::uint32_t line = UINT32_MAX;
        unsigned slot = 0;
        explicit operator bool() const noexcept { return line != UINT32_MAX; }
    };

    Line* first() noexcept { return reinterpret_cast<Line*>(this + 1); }
    Line& at(std::uint32_t line) noexcept { return first()[line]; }
    // Twelve bits of the fingerprint, so that a scan's cursor can say where a line begins.
    static constexpr unsigned home_bits = 12;
    static std::uint32_t home(std::uint16_t print, std::uint32_t lines) noexcept {
        return (print >> (16u - home_bits)) * lines >> home_bits;
    }
    std::uint32_t next(std::uint32_t line) const noexcept {
        return line + 1 == lines ? 0 : line + 1;
    }
    bool has_spilled(std::uint32_t line) const noexcept {
        return (spilled[line / 64].load(std::memory_order_acquire) >> line % 64 & 1) != 0;
    }

    // Makes an empty segment of `lines` lines in a block of one line more.
    static Segment* make(std::byte* block, std::uint32_t lines, unsigned depth) noexcept;
    std::uint32_t slots() const noexcept { return lines * Line::slots; }

    // Puts an entry into its home or beside it; no place: it has to grow. Under the lock.
    Place place(std::uint16_t print, std::uint16_t rank, std::uint32_t ref) noexcept;

  private:
    void note_spilled(std::uint32_t line) noexcept {
        auto& word = spilled[line / 64];
        word.store(word.load(std::memory_order_relaxed) | std::uint64_t{1} << line % 64,
                   std::memory_order_release);
    }
    bool make_room(std::uint32_t line, unsigned far) noexcept;
};
static_assert(sizeof(Segment) == 64);

}  // namespace larder::store_memory
