// plugins/store_memory/index.hpp -- finding, placing and growing in the index of a namespace.
//
// The structure is space.hpp's; what is done to it is here. A lookup that hits loads two lines that
// nothing else keeps warm, the probe line and the entry's; the next ones of the entry are asked for
// at the same time. A miss ends at the probe line, unless a fingerprint matches by accident (one in
// some hundreds) or the line has spilled.
#pragma once

#include "arena.hpp"
#include "entry.hpp"
#include "latch.hpp"
#include "limbo.hpp"
#include "space.hpp"
#include "thread_card.hpp"

#include <larder/plugin/key_hash.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace larder::store_memory {

// A slot that holds an entry.
struct Found {
    Entry entry;
    std::uint32_t ref = 0;
    Line* line = nullptr;
    unsigned slot = 0;
    explicit operator bool() const noexcept { return ref != 0; }
    std::atomic<std::uint16_t>& meta() const noexcept { return line->meta[slot]; }
};

// What a reader needs of it.
struct Hit {
    Entry entry;
    std::atomic<std::uint16_t>* meta = nullptr;
    explicit operator bool() const noexcept { return meta != nullptr; }
};

// A shard whose mutex is held, and what of it a hash leads to.
struct Held {
    std::unique_lock<Latch> lock;
    Space* space = nullptr;
    ShardSet* set = nullptr;
    Shard* shard = nullptr;
    Segment* segment = nullptr;  // null: the shard is empty.
    std::uint64_t place = 0;     // The leaf's, in the directory.
    std::uint64_t hash = 0;      // What was asked for: in its top bits the shard's and more.
    explicit operator bool() const noexcept { return shard != nullptr; }
};

class Index {
  public:
    Index(Arena& arena, Limbo& limbo, const plugin::HashSecret& secret, std::uint32_t shard_bits) noexcept
        : base_(arena.at(0)),
          shift_(arena.shift()),
          secret_(secret),
          shard_bits_(shard_bits),
          arena_(arena),
          limbo_(limbo) {}

    std::uint64_t hash(const char* data, std::size_t size) const noexcept {
        return plugin::key_hash(secret_, data, size);
    }
    std::uint64_t hash(const larder_key& key) const noexcept { return hash(key.data, key.size); }
    Entry entry(std::uint32_t ref) const noexcept { return Entry(at(ref)); }

    // ---- readers, inside a read section
    Hit find(const Space& space, std::uint64_t hash, const larder_key& key) const noexcept;
    // The probe line of a hash, asked for and not waited for; null: there is none.
    const Line* reach(const Space& space, std::uint64_t hash) const noexcept;
    // Asks for the entry that a key with this hash most likely has.
    void reach_entry(const Line* line, std::uint64_t hash) const noexcept;

    // ---- writers, inside a read section too
    // Not held: the space is out of the map.
    Held hold(Space& space, std::uint64_t hash) const noexcept;
    Found find(const Held& held, std::uint64_t hash, const larder_key& key) const noexcept;

    enum class Placed { yes, no_memory, crowded };
    // REQUIRES: no entry of this key is there. crowded: keys share their hash, and nothing more
    // fits beside them.
    Placed place(Held& held, std::uint64_t hash, std::uint32_t ref, std::uint16_t meta) noexcept;
    // The slot is empty afterwards; the entry is the caller's.
    void erase(Held& held, const Found& found) const noexcept;
    // Lays the segment out shorter, if it holds much less than it could.
    void shorten(Held& held) noexcept;
    // Cuts a namespace that has grown into more shards.
    void cut(Space& space) noexcept;
    static bool wants_cut(const Held& held) noexcept {
        return held.set->bits == 0 && held.shard->segments >= segments_to_cut;
    }

    // Holds the segment in which the hash's interval is, and tells where the next one begins;
    // 0: it was the last. For walks. Empty shards have one interval.
    Held hold_at(Space& space, std::uint64_t hash, std::uint64_t& behind) const noexcept;

    // New segments count as swept up to here.
    void set_swept(std::uint32_t moment) noexcept {
        swept_.store(moment, std::memory_order_relaxed);
    }
    Segment* segment(std::uint32_t ref) const noexcept {
        return reinterpret_cast<Segment*>(at(ref));
    }

  private:
    static constexpr std::uint32_t most_lines = Arena::most_index_lines - 1;
    static constexpr std::uint32_t segments_to_cut = 32;

    Leaf leaf(const Space& space, std::uint64_t hash) const noexcept;
    std::byte* at(std::uint32_t ref) const noexcept {
        return base_ + (static_cast<std::uint64_t>(ref) << shift_);
    }
    // The slot of this key in a line; Line::slots: none.
    unsigned probe(const Line& line, std::uint16_t print, const larder_key& key) const noexcept;
    void look(Held& held, std::uint64_t hash) const noexcept;
    Segment* make_segment(std::uint32_t lines, unsigned depth) noexcept;
    Segment* laid_out(const Held& held, std::uint32_t block_lines) noexcept;
    void publish(const Held& held, Segment* segment, std::uint64_t first,
                 std::uint64_t count) const noexcept;
    std::uint64_t leaves(const Held& held, const Segment& segment) const noexcept;
    void retire(Segment* segment) noexcept;
    Placed grow(Held& held, std::uint64_t hash) noexcept;
    Placed split(Held& held, std::uint64_t hash) noexcept;
    bool begin(Held& held, std::uint64_t hash) noexcept;
    bool double_directory(Held& held, std::uint64_t hash) noexcept;

    // The arena's, on the line that every lookup reads.
    std::byte* const base_;
    const unsigned shift_;
    const plugin::HashSecret secret_;
    const std::uint32_t shard_bits_;
    Arena& arena_;
    Limbo& limbo_;
    std::atomic<std::uint32_t> swept_{0};
};

// ---- the hot path

inline Leaf Index::leaf(const Space& space, std::uint64_t hash) const noexcept {
    ShardSet* const set = space.set.load(std::memory_order_acquire);
    const Directory* directory = set->of(hash).directory.load(std::memory_order_acquire);
    return directory == nullptr ? Leaf{}
                                : Leaf::of(directory->at[set->place(hash, directory->bits)].load(
                                      std::memory_order_acquire));
}

inline unsigned Index::probe(const Line& line, std::uint16_t print,
                             const larder_key& key) const noexcept {
    for (unsigned same = line.matches(print); same != 0; same &= same - 1) {
        const auto slot = static_cast<unsigned>(std::countr_zero(same));
        const std::uint32_t ref = line.ref[slot].load(std::memory_order_acquire);
        if (ref == 0) {
            continue;
        }
        std::byte* const head = at(ref);
        __builtin_prefetch(head + 64);
        __builtin_prefetch(head + 128);
        if (Entry(head).is(key.data, key.size)) [[likely]] {
            return slot;
        }
    }
    return Line::slots;
}

inline Hit Index::find(const Space& space, std::uint64_t hash,
                       const larder_key& key) const noexcept {
    const Leaf there = leaf(space, hash);
    if (there.ref == 0) [[unlikely]] {
        return {};
    }
    Segment* const in = segment(there.ref);
    const auto print = static_cast<std::uint16_t>(hash);
    const std::uint32_t home = Segment::home(print, there.lines);
    Line* line = in->first() + home;
    for (bool beside = false;;) {
        for (unsigned same = line->matches(print); same != 0; same &= same - 1) {
            const auto slot = static_cast<unsigned>(std::countr_zero(same));
            const std::uint32_t ref = line->ref[slot].load(std::memory_order_acquire);
            if (ref == 0) [[unlikely]] {
                continue;
            }
            std::byte* const head = at(ref);
            __builtin_prefetch(head + 64);
            __builtin_prefetch(head + 128);
            if (Entry(head).is(key.data, key.size)) [[likely]] {
                return {Entry(head), &line->meta[slot]};
            }
        }
        if (beside || !in->has_spilled(home)) {
            return {};
        }
        beside = true;
        line = in->first() + in->next(home);
    }
}

inline const Line* Index::reach(const Space& space, std::uint64_t hash) const noexcept {
    const Leaf at = leaf(space, hash);
    if (at.ref == 0) {
        return nullptr;
    }
    const auto print = static_cast<std::uint16_t>(hash);
    const Line* line = segment(at.ref)->first() + Segment::home(print, at.lines);
    __builtin_prefetch(line);
    return line;
}

inline void Index::reach_entry(const Line* line, std::uint64_t hash) const noexcept {
    const unsigned same = line->matches(static_cast<std::uint16_t>(hash));
    if (same != 0) {
        const std::byte* head = at(line->ref[static_cast<unsigned>(std::countr_zero(same))].load(
            std::memory_order_relaxed));
        __builtin_prefetch(head - 24);
        __builtin_prefetch(head + 40);
        __builtin_prefetch(head + 104);
    }
}

}  // namespace larder::store_memory
