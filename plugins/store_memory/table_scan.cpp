// plugins/store_memory/table_scan.cpp -- walking over keys, with Redis' guarantee.
//
// The hash space is a line: the top bits of hashes in order, and within the entries that a segment
// holds, their fingerprints in order, as its lines hold them. A cursor is a point on that line.
// Segments that split or are laid out anew cut the line elsewhere, and what lies before the point
// was visited whatever the cuts; where a point falls into the middle of a line's entries, some are
// seen twice. 48 bits: 36 of the hash's top and 12 of the fingerprint; where all namespaces are
// walked, 24 of the namespace's serial number, 12 and 12. Any number is a cursor, so that a
// client's invention does no harm.
#include "table.hpp"

#include <larder/plugin/read_section.hpp>

#include <algorithm>

namespace larder::store_memory {
namespace {

using plugin::ReadSection;

constexpr unsigned print_bits = Segment::home_bits;

struct Cursor {
    unsigned top_bits;  // As many as the serial number leaves.
    std::uint32_t serial = 0;
    std::uint64_t top = 0;    // As a hash.
    std::uint32_t print = 0;  // Of a fingerprint the bits that say its home.

    Cursor(bool all, std::uint64_t number) noexcept
        : top_bits(all ? 12 : 36),
          serial(all ? static_cast<std::uint32_t>(number >> 24 & 0xffffff) : 0),
          top(number >> print_bits << (64 - top_bits)),
          print(static_cast<std::uint32_t>(number & ((1u << print_bits) - 1))) {}
    std::uint64_t number() const noexcept {
        return std::uint64_t{serial & 0xffffff} << 24 | top >> (64 - top_bits) << print_bits |
               print;
    }
    // Whether the point can be said to the bit.
    bool tells(std::uint64_t hash) const noexcept { return hash << top_bits == 0; }
};

}  // namespace

void Table::scan(larder_scan& scan) noexcept {
    const bool all = scan.ns == every_namespace,
               lapsed_too = (scan.flags & LARDER_SCAN_LAPSED) != 0;
    const std::uint64_t enough = scan.count != 0 ? scan.count : 64;
    const std::uint64_t most_lines =
        enough * 10;  // An almost empty table is not walked in one call.
    Cursor at(all, scan.cursor);
    std::uint64_t visited = 0, lines = 0;
    bool stopped = false;
    const auto full = [&] { return visited >= enough || lines >= most_lines || stopped; };
    const ReadSection section;
    Space* space = all ? spaces_.from_serial(at.serial) : spaces_.find(scan.ns);
    while (space != nullptr) {
        if (all && space->serial != at.serial) {
            at = Cursor(true, std::uint64_t{space->serial} << 24);
        }
        std::uint64_t behind = 0;
        Held held = index_.hold_at(*space, at.top, behind);
        if (Segment* in = held ? held.segment : nullptr) {
            const bool may_end_inside = at.tells(std::uint64_t{1} << (63 - in->depth) << 1);
            const std::uint64_t now = now_ms();
            std::uint32_t line = at.print * in->lines >> print_bits;
            while (line < in->lines && !(full() && may_end_inside)) {
                stopped |= show_group(scan, space->ns, *in, line, now, lapsed_too, visited);
                ++line;
                ++lines;
            }
            if (line < in->lines) {
                // The first that is at home in this line.
                at.print = ((line << print_bits) + in->lines - 1u) / in->lines;
                break;
            }
        }
        held = {};
        at.print = 0;
        at.top = behind;
        ++lines;
        if (behind == 0) {
            space = all ? spaces_.from_serial(at.serial + 1) : nullptr;
            at.serial = space != nullptr ? space->serial : 0;
        }
        if (full() && at.tells(behind)) {
            break;
        }
    }
    scan.cursor = space == nullptr ? 0 : at.number();
}

// Shows the entries that are at home in a line, wherever they stand. Whether on_key wants no more.
bool Table::show_group(const larder_scan& scan, std::uint32_t ns, Segment& in, std::uint32_t line,
                       std::uint64_t now, bool lapsed_too, std::uint64_t& visited) const noexcept {
    for (const std::uint32_t here : {line, in.next(line)}) {
        const Line& slots = in.at(here);
        for (unsigned slot = 0; slot < Line::slots; ++slot) {
            const std::uint32_t ref = slots.ref[slot].load(std::memory_order_relaxed);
            if (ref == 0 || Segment::home(slots.print(slot), in.lines) != line) {
                continue;
            }
            ++visited;
            const Entry entry = index_.entry(ref);
            const std::uint64_t deadline = entry.deadline_ms();
            const bool over = deadline != 0 && deadline <= now;
            if (over && !lapsed_too) {
                continue;
            }
            const larder_key key{entry.key(), static_cast<std::uint32_t>(entry.key_size()), ns, 0};
            const std::int64_t left = deadline == 0 ? -1
                                      : over        ? 0
                                                    : static_cast<std::int64_t>(deadline - now);
            if (scan.on_key(scan.ctx, &key, entry.shown().size, left) != 0) {
                return true;
            }
        }
        if (in.lines == 1) {
            break;
        }
    }
    return false;
}

}  // namespace larder::store_memory
