// plugins/store_memory/table_tend.cpp -- what nobody waits for, in steps of some ten microseconds.
//
// Lapsed entries: every four seconds a pass begins over all segments that hint at a moment which is
// over; it reads probe lines in order and only those entries that hint so.
//
// Evacuation: where an eighth of a class of blocks is free after the sizes of values shifted, its
// emptiest spans are marked, and a pass over the index moves what still stands there, an entry at a
// time, each as a put would. (Log-structured memory needs the same, S. Rumble et al., FAST 2014;
// here it is the exception, as a free block is used by the next put of its size.)
#include "table.hpp"

#include <larder/plugin/read_section.hpp>

#include <algorithm>

namespace larder::store_memory {
namespace {

using plugin::ReadSection;

constexpr std::size_t most_taken = 192;      // Entries a step takes out or moves.
constexpr std::size_t most_evicted = 64;     // Which have to be searched for.
constexpr std::size_t most_at_once = 64;     // Entries a lock is held for.
constexpr std::size_t most_segments = 1024;  // Segments a step looks at.

}  // namespace

bool Table::tend() noexcept {
    bool more = dismantle(most_taken);
    more |= sweep();
    if (over_capacity()) {
        const std::uint64_t before = live_.sum();
        const InLane lane(*this);
        for (std::size_t i = 0; i < most_evicted && over_capacity(); ++i) {
            const ReadSection section;
            if (evict_one(*lane, nullptr, 0) == 0) {
                break;
            }
        }
        more |= over_capacity() && live_.sum() < before;
    }
    more |= evacuate();
    more |= limbo_.settle(4 * most_taken);
    const std::uint64_t held = arena_.pages().held_bytes();
    if (arena_.pages().free_bytes() > held / 4) {
        more |= arena_.pages().trim();
    } else {
        more |= arena_.pages().make_huge();
    }
    return more;
}

Held Table::next_of(Walk& walk, bool& ended) noexcept {
    ended = false;
    Space* space = spaces_.at(walk.space);
    Held held;
    std::uint64_t behind = 0;
    if (space != nullptr) {
        held = index_.hold_at(*space, walk.hash, behind);
    }
    walk.hash = behind;
    if (behind == 0) {
        walk.space = walk.space + 1 < spaces_.positions() ? walk.space + 1 : 0;
        ended = walk.space == 0;
    }
    return held;
}

bool Table::dismantle(std::size_t most) noexcept {
    const std::unique_lock only(dismantling_, std::try_to_lock);
    if (!only) {
        return false;
    }
    Space* space = nullptr;
    {
        const std::lock_guard lock(leaving_mutex_);
        space = leaving_;
    }
    if (space == nullptr) {
        return false;
    }
    std::size_t taken = 0;
    bool ended = false;
    {
        const ReadSection section;
        ShardSet* set = space->set.load(std::memory_order_acquire);
        while (taken < most && !ended) {
            const std::uint64_t hash = dismantled_to_;
            const std::uint32_t number = set->number(hash);
            const Directory* directory =
                set->shards[number].directory.load(std::memory_order_relaxed);
            unsigned depth = set->bits;
            if (directory != nullptr) {
                const Leaf at = Leaf::of(directory->at[set->place(hash, directory->bits)].load(
                    std::memory_order_relaxed));
                Segment* in = index_.segment(at.ref);
                depth = in->depth;
                std::uint32_t& i = dismantled_line_;
                for (; i < in->lines && taken < most; ++i) {
                    const Line& ahead = in->at(std::min(i + 2u, in->lines - 1u));
                    for (unsigned slot = 0; slot < Line::slots; ++slot) {
                        __builtin_prefetch(
                            arena_.at(ahead.ref[slot].load(std::memory_order_relaxed)) - 24);
                    }
                    for (unsigned slot = 0; slot < Line::slots; ++slot) {
                        const auto ref = in->at(i).ref[slot].load(std::memory_order_relaxed);
                        if (ref != 0) {
                            const std::uint64_t bytes = cost_of(index_.entry(ref));
                            limbo_.retire(lane(), ref, bytes, Limbo::What::entry);
                            leaving_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
                            ++taken;
                        }
                    }
                }
                if (i < in->lines) {
                    continue;
                }
                i = 0;
                limbo_.retire(lane(), at.ref, 0, Limbo::What::index);
            }
            dismantled_to_ = depth == 0 ? 0 : ((hash >> (64 - depth)) + 1) << (64 - depth);
            ended = dismantled_to_ == 0;
        }
        if (ended) {
            {
                const std::lock_guard lock(leaving_mutex_);
                Space** at = &leaving_;
                while (*at != space) {
                    at = &(*at)->next_leaving;
                }
                *at = space->next_leaving;
            }
            limbo_.retire(lane(), space, &Space::drop);
        }
    }
    const std::lock_guard lock(leaving_mutex_);
    return leaving_ != nullptr;
}

bool Table::sweep() noexcept {
    const std::uint64_t now = now_ms();
    const std::uint64_t over = Deadline::moment_of(now);
    if (!sweep_.on) {
        if (over == 0 || over - 1 <= sweep_.done) {
            return false;
        }
        sweep_.on = true;
        sweep_.moment = over - 1;
        sweep_.walk = {};
        sweep_.line = 0;
    }
    std::size_t taken = 0;
    for (std::size_t segments = 0; segments < most_segments && taken < most_taken; ++segments) {
        const ReadSection section;
        const Walk here = sweep_.walk;
        bool ended = false;
        {
            Held held = next_of(sweep_.walk, ended);
            Segment* in = held ? held.segment : nullptr;
            if (in != nullptr) {
                const bool whole = sweep_.line == 0;
                const std::uint32_t due =
                    in->hints & Deadline::hints_between(in->swept, sweep_.moment);
                std::uint32_t line =
                    due == 0 ? in->lines : std::min<std::uint32_t>(sweep_.line, in->lines);
                std::size_t here_taken = 0;
                std::uint32_t hints = 0;
                for (; line < in->lines && here_taken < most_at_once; ++line) {
                    Line& at = in->at(line);
                    for (unsigned slot = 0; slot < Line::slots; ++slot) {
                        const std::uint32_t ref = at.ref[slot].load(std::memory_order_relaxed);
                        const std::uint32_t hint =
                            meta::hint(at.meta[slot].load(std::memory_order_relaxed));
                        if (ref == 0 || (due >> hint & 1) == 0) {
                            hints |= ref == 0 ? 0 : 1u << hint;
                            continue;
                        }
                        const Found found{index_.entry(ref), ref, &at, slot};
                        const std::uint64_t deadline = found.entry.deadline_ms();
                        if (deadline != 0 && deadline <= now) {
                            unlink(held, found, Cause::lapsed);
                            ++here_taken;
                        } else {
                            hints |= 1u << hint;
                        }
                    }
                }
                taken += here_taken;
                if (line < in->lines) {
                    // There is more in this segment: here again, after others had the lock.
                    sweep_.line = line;
                    sweep_.walk = here;
                    continue;
                }
                in->swept = static_cast<std::uint32_t>(sweep_.moment);
                if (due != 0) {
                    in->hints = whole ? hints : in->hints;
                    index_.shorten(held);
                }
            }
        }
        sweep_.line = 0;
        if (ended) {
            sweep_.on = false;
            sweep_.done = sweep_.moment;
            index_.set_swept(static_cast<std::uint32_t>(sweep_.done));
            return over - 1 > sweep_.done;
        }
    }
    return true;
}

// ---- evacuation

bool Table::evacuate() noexcept {
    if (!evacuation_.on) {
        constexpr std::uint64_t pause_ms = 100;
        const std::uint64_t now = now_ms();
        if (now < evacuation_.not_before) {
            return false;
        }
        evacuation_.not_before = now + pause_ms;
        std::size_t marked = 0;
        if (arena_.idle_bytes() * 8 > live_.sum()) {
            try {
                for (std::uint32_t i = 0; i < arena_.stripes(); ++i) {
                    marked += arena_.mark_sparse(i);
                }
            } catch (const std::bad_alloc&) {
                // What is marked is marked.
            }
        }
        if (marked == 0) {
            return false;
        }
        evacuation_.on = true;
        evacuation_.walk = {};
    }
    constexpr std::size_t segments_a_step = 64;
    std::size_t moved = 0;
    for (std::size_t i = 0; i < segments_a_step && moved < most_taken; ++i) {
        const ReadSection section;
        bool ended = false;
        if (Held held = next_of(evacuation_.walk, ended)) {
            moved += evacuate_segment(held);
        }
        if (ended) {
            evacuation_.on = false;
            arena_.unmark();
            return true;
        }
    }
    return true;
}

std::size_t Table::evacuate_segment(Held& held) noexcept {
    Segment* in = held.segment;
    if (in == nullptr) {
        return 0;
    }
    std::size_t moved = 0;
    for (std::uint32_t i = 0; i < in->lines; ++i) {
        Line& line = in->at(i);
        for (unsigned slot = 0; slot < Line::slots; ++slot) {
            const std::uint32_t ref = line.ref[slot].load(std::memory_order_relaxed);
            if (ref == 0 || !arena_.is_sparse(ref)) {
                continue;
            }
            const Entry from = index_.entry(ref);
            const std::size_t value = from.value_size();
            const std::uint32_t copy = arena_.take_entry(
                lane(), Entry::before_head(from.key_size(), value), Entry::after(value));
            if (copy == 0) {
                return moved;
            }
            ++moved;
            index_.entry(copy).copy_from(from);
            line.ref[slot].store(copy, std::memory_order_release);
            limbo_.retire(lane(), ref, cost_of(from), Limbo::What::entry);
        }
    }
    return moved;
}

}  // namespace larder::store_memory
