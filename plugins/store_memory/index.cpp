// plugins/store_memory/index.cpp -- placing entries, and what grows when there is no place.
#include "index.hpp"

#include <algorithm>
#include <array>

namespace larder::store_memory {

// ---- holding

void Index::look(Held& held, std::uint64_t hash) const noexcept {
    const Directory* directory = held.shard->directory.load(std::memory_order_relaxed);
    if (directory == nullptr) {
        held.segment = nullptr;
        return;
    }
    held.place = held.set->place(hash, directory->bits);
    const Leaf at = Leaf::of(directory->at[held.place].load(std::memory_order_relaxed));
    held.segment = segment(at.ref);
}

Held Index::hold(Space& space, std::uint64_t hash) const noexcept {
    for (;;) {
        Held held;
        held.space = &space;
        held.hash = hash;
        held.set = space.set.load(std::memory_order_acquire);
        Shard& shard = held.set->of(hash);
        held.lock = std::unique_lock(shard.mutex);
        if (!shard.closed) [[likely]] {
            held.shard = &shard;
            look(held, hash);
            return held;
        }
        if (space.set.load(std::memory_order_acquire) == held.set) {
            return held;
        }
    }
}

Held Index::hold_at(Space& space, std::uint64_t hash, std::uint64_t& behind) const noexcept {
    Held held = hold(space, hash);
    behind = 0;
    if (held) {
        const unsigned depth = held.segment != nullptr ? held.segment->depth : held.set->bits;
        if (depth != 0) {
            behind = ((hash >> (64 - depth)) + 1) << (64 - depth);
        }
    }
    return held;
}

Found Index::find(const Held& held, std::uint64_t hash, const larder_key& key) const noexcept {
    if (held.segment == nullptr) {
        return {};
    }
    Segment& in = *held.segment;
    const auto print = static_cast<std::uint16_t>(hash);
    const std::uint32_t home = Segment::home(print, in.lines);
    Line* line = &in.at(home);
    unsigned slot = probe(*line, print, key);
    if (slot == Line::slots && in.has_spilled(home)) {
        line = &in.at(in.next(home));
        slot = probe(*line, print, key);
    }
    if (slot == Line::slots) {
        return {};
    }
    const std::uint32_t ref = line->ref[slot].load(std::memory_order_relaxed);
    return {entry(ref), ref, line, slot};
}

void Index::erase(Held& held, const Found& found) const noexcept {
    found.line->clear(found.slot);
    --held.segment->used;
}

// ---- placing

Index::Placed Index::place(Held& held, std::uint64_t hash, std::uint32_t ref,
                           std::uint16_t meta) noexcept {
    if (held.segment == nullptr && !begin(held, hash)) {
        return Placed::no_memory;
    }
    while (!held.segment->place(static_cast<std::uint16_t>(hash), meta, ref)) {
        const Placed grown = grow(held, hash);
        if (grown != Placed::yes) {
            return grown;
        }
    }
    return Placed::yes;
}

Segment* Index::make_segment(std::uint32_t block_lines, unsigned depth) noexcept {
    const std::uint32_t ref = arena_.take_index(my_card().number, block_lines);
    return ref == 0 ? nullptr : Segment::make(arena_.at(ref), block_lines - 1, depth);
}

void Index::retire(Segment* segment) noexcept {
    limbo_.retire(my_card().number, arena_.ref_of(reinterpret_cast<std::byte*>(segment)), 0,
                  Limbo::What::index);
}

bool Index::begin(Held& held, std::uint64_t hash) noexcept {
    Segment* first = make_segment(2, held.set->bits);
    Directory* directory = first != nullptr ? Directory::make(0) : nullptr;
    if (directory == nullptr) {
        if (first != nullptr) {
            arena_.give(arena_.ref_of(reinterpret_cast<std::byte*>(first)));
        }
        return false;
    }
    first->swept = swept_.load(std::memory_order_relaxed);
    const Leaf at{arena_.ref_of(reinterpret_cast<std::byte*>(first)), first->lines};
    directory->at[0].store(at.word(), std::memory_order_relaxed);
    held.shard->directory.store(directory, std::memory_order_release);
    held.shard->segments = 1;
    look(held, hash);
    return true;
}

// How many leaves of the directory are this segment's.
std::uint64_t Index::leaves(const Held& held, const Segment& segment) const noexcept {
    const Directory* directory = held.shard->directory.load(std::memory_order_relaxed);
    return std::uint64_t{1} << (directory->bits - (segment.depth - held.set->bits));
}

void Index::publish(const Held& held, Segment* segment, std::uint64_t first,
                    std::uint64_t count) const noexcept {
    Directory* directory = held.shard->directory.load(std::memory_order_relaxed);
    const Leaf at{arena_.ref_of(reinterpret_cast<std::byte*>(segment)), segment->lines};
    for (std::uint64_t i = first; i < first + count; ++i) {
        directory->at[i].store(at.word(), std::memory_order_release);
    }
}

// The entries of the held segment in a new one; null: no memory, or no room by bad luck.
Segment* Index::laid_out(const Held& held, std::uint32_t block_lines) noexcept {
    Segment& old = *held.segment;
    Segment* fresh = make_segment(block_lines, old.depth);
    if (fresh == nullptr) {
        return nullptr;
    }
    fresh->swept = old.swept;
    fresh->hints = old.hints;
    for (std::uint32_t i = 0; i < old.lines; ++i) {
        const Line& line = old.at(i);
        for (unsigned slot = 0; slot < Line::slots; ++slot) {
            const std::uint32_t ref = line.ref[slot].load(std::memory_order_relaxed);
            if (ref != 0 && !fresh->place(line.print(slot),
                                          line.meta[slot].load(std::memory_order_relaxed), ref)) {
                arena_.give(arena_.ref_of(reinterpret_cast<std::byte*>(fresh)));
                return nullptr;
            }
        }
    }
    return fresh;
}

Index::Placed Index::grow(Held& held, std::uint64_t hash) noexcept {
    Segment* old = held.segment;
    // Where a quarter is used and a line and its neighbour are full, hashes are not what they
    // should be, and no length helps.
    if (old->lines > 8 && old->used * 4 < old->slots()) {
        return Placed::crowded;
    }
    for (std::uint32_t block = Arena::index_lines(old->lines + 2u + old->lines / 8u);
         block <= most_lines + 1; block = Arena::index_lines(block + 1)) {
        if (Segment* fresh = laid_out(held, block)) {
            const std::uint64_t count = leaves(held, *old);
            publish(held, fresh, held.place & ~(count - 1), count);
            retire(old);
            look(held, hash);
            return Placed::yes;
        }
    }
    return split(held, hash);
}

bool Index::double_directory(Held& held, std::uint64_t hash) noexcept {
    Directory* old = held.shard->directory.load(std::memory_order_relaxed);
    Directory* fresh = Directory::make(old->bits + 1);
    if (fresh == nullptr) {
        return false;
    }
    for (std::uint64_t i = 0; i < fresh->size(); ++i) {
        fresh->at[i].store(old->at[i / 2].load(std::memory_order_relaxed),
                           std::memory_order_relaxed);
    }
    held.shard->directory.store(fresh, std::memory_order_release);
    limbo_.retire(my_card().number, old, &Directory::drop);
    look(held, hash);
    return true;
}

// The one place where hashes are computed from keys. A line's entries are asked for ahead, so that
// they are waited for together.
Index::Placed Index::split(Held& held, std::uint64_t hash) noexcept {
    Segment& old = *held.segment;
    constexpr unsigned deepest = 40;
    if (old.depth >= deepest) {
        return Placed::crowded;
    }
    const Directory* directory = held.shard->directory.load(std::memory_order_relaxed);
    if (held.set->bits + directory->bits == old.depth && !double_directory(held, hash)) {
        return Placed::no_memory;
    }
    // Two thirds full each, if the halves are halves.
    const std::uint32_t lines = old.used / 2 * 3 / 2 / Line::slots + 2;
    std::uint32_t block = std::min(Arena::index_lines(lines + 1), most_lines + 1);
    for (;;) {
        Segment* half[2] = {make_segment(block, old.depth + 1u),
                            make_segment(block, old.depth + 1u)};
        bool placed = half[0] != nullptr && half[1] != nullptr;
        const bool memory = placed;
        for (std::uint32_t i = 0; i < old.lines && placed; ++i) {
            const std::uint32_t ahead = i + 2 < old.lines ? i + 2 : i;
            for (unsigned slot = 0; slot < Line::slots; ++slot) {
                if (const auto ref = old.at(ahead).ref[slot].load(std::memory_order_relaxed)) {
                    __builtin_prefetch(arena_.at(ref) - 24);
                }
            }
            const Line& line = old.at(i);
            for (unsigned slot = 0; slot < Line::slots && placed; ++slot) {
                const std::uint32_t ref = line.ref[slot].load(std::memory_order_relaxed);
                if (ref == 0) {
                    continue;
                }
                const Entry one = entry(ref);
                const std::uint64_t its = this->hash(one.key(), one.key_size());
                Segment* to = half[its >> (63 - old.depth) & 1];
                placed = static_cast<bool>(to->place(
                    line.print(slot), line.meta[slot].load(std::memory_order_relaxed), ref));
            }
        }
        if (placed) {
            const std::uint64_t count = leaves(held, old), first = held.place & ~(count - 1);
            for (unsigned i = 0; i < 2; ++i) {
                half[i]->swept = old.swept;
                half[i]->hints = old.hints;
                publish(held, half[i], first + i * (count / 2), count / 2);
            }
            ++held.shard->segments;
            retire(&old);
            look(held, hash);
            return Placed::yes;
        }
        for (Segment* made : half) {
            if (made != nullptr) {
                arena_.give(arena_.ref_of(reinterpret_cast<std::byte*>(made)));
            }
        }
        if (!memory) {
            return Placed::no_memory;
        }
        if (block > most_lines) {
            return Placed::crowded;
        }
        block = std::min(Arena::index_lines(block + 1), most_lines + 1);
    }
}

void Index::shorten(Held& held) noexcept {
    Segment* old = held.segment;
    if (old == nullptr || old->lines == 1 || old->used * 3 > old->slots()) {
        return;
    }
    const std::uint32_t lines = old->used * 3 / 2 / Line::slots + 1;
    const std::uint32_t block = Arena::index_lines(lines + 1);
    if (block > old->lines) {
        return;
    }
    if (Segment* fresh = laid_out(held, block)) {
        const std::uint64_t count = leaves(held, *old);
        publish(held, fresh, held.place & ~(count - 1), count);
        retire(old);
        held.segment = fresh;
    }
}

void Index::cut(Space& space) noexcept {
    Held held = hold(space, 0);
    if (!held || !wants_cut(held) || shard_bits_ == 0) {
        return;
    }
    const Directory* directory = held.shard->directory.load(std::memory_order_relaxed);
    unsigned bits = std::min(shard_bits_, directory->bits);
    for (std::uint64_t i = 0; i < directory->size(); ++i) {
        const Leaf at = Leaf::of(directory->at[i].load(std::memory_order_relaxed));
        bits = std::min<unsigned>(bits, segment(at.ref)->depth);
    }
    ShardSet* set = bits != 0 ? ShardSet::make(bits) : nullptr;
    if (set == nullptr) {
        return;
    }
    const std::uint64_t part = directory->size() >> bits;
    for (std::uint32_t i = 0; i < set->count(); ++i) {
        Directory* own = Directory::make(directory->bits - bits);
        if (own == nullptr) {
            ShardSet::drop(set);
            return;
        }
        const Segment* last = nullptr;
        for (std::uint64_t j = 0; j < part; ++j) {
            const auto word = directory->at[i * part + j].load(std::memory_order_relaxed);
            own->at[j].store(word, std::memory_order_relaxed);
            const Segment* in = segment(Leaf::of(word).ref);
            set->shards[i].segments += in != last;
            last = in;
        }
        set->shards[i].directory.store(own, std::memory_order_relaxed);
    }
    // Only the sums over shards mean anything, so one may have it all.
    for (const auto what :
         {&Shard::entries, &Shard::bytes, &Shard::evictions, &Shard::expirations,
          &Shard::evicted_unread, &Shard::expired_unread, &Shard::removed, &Shard::removed_unread}) {
        (set->shards[0].*what)
            .store((held.shard->*what).load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    set->shards[0].told_entries = held.shard->told_entries;
    set->shards[0].told_bytes = held.shard->told_bytes;
    space.set.store(set, std::memory_order_release);
    held.shard->closed = true;
    ShardSet* old = held.set;
    held.lock.unlock();
    limbo_.retire(my_card().number, old, &ShardSet::drop);
}

}  // namespace larder::store_memory
