// plugins/store_memory/shadow.hpp -- a small memory without values: what a rule would have kept.
//
// The very eviction.hpp and watch.hpp of the table, over a plain array that the hand walks round. It is
// given a sample of the keys and room for the same part of the entries; how often it would have had what
// is asked for is then about what a whole memory under that rule would have had (C. Waldspurger et al.:
// "Cache modeling and optimization using miniature simulations", ATC 2017).
#pragma once

#include "watch.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace larder::store_memory {

// One thread at a time. All its memory is taken when it is made.
class Shadow {
  public:
    static constexpr std::uint32_t most = 2048;
    // What it may hold, of the sample; 0: not bounded in this respect.
    struct Room {
        std::uint64_t entries = 0, bytes = 0;
    };

    explicit Shadow(Rule rule) : rule_(rule), eviction_(most), slots_(most), heads_(buckets, none) {}
    Shadow(const Shadow&) = delete;
    Shadow& operator=(const Shadow&) = delete;

    // Somebody wants this: whether it is there. It is, afterwards, unless it is
    // larger than the room.
    bool access(std::uint64_t hash, std::uint32_t size, Room room) noexcept {
        const std::uint16_t at = find(hash);
        if (at != none) {
            slots_[at].meta |= Eviction::used;
            return true;
        }
        if (room.bytes != 0 && size > room.bytes) {
            return false;
        }
        const std::uint64_t entries = room.entries != 0 ? std::min<std::uint64_t>(room.entries, most) : most;
        while (count_ >= entries || (room.bytes != 0 && bytes_ + size > room.bytes)) {
            evict();
        }
        const std::uint16_t meta = watch_.insert(hash, count_);
        const auto fresh = static_cast<std::uint16_t>(count_++);
        bytes_ += size;
        slots_[fresh] = {hash, size, meta, std::exchange(heads_[bucket_of(hash)], fresh)};
        // As the table does while nothing has to go.
        if (count_ < entries && (room.bytes == 0 || bytes_ < room.bytes) && hash % Eviction::insertions_per_idle_line == 0) {
            for (unsigned i = 0; i < 8; ++i) {
                look();
            }
        }
        return false;
    }

  private:
    static constexpr std::uint16_t none = UINT16_MAX;
    static constexpr std::size_t buckets = 1024;
    struct Slot {
        std::uint64_t hash = 0;
        std::uint32_t size = 0;
        std::uint16_t meta = 0, next = none;
    };

    static std::size_t bucket_of(std::uint64_t hash) noexcept { return hash * 0x9e3779b97f4a7c15u >> 54; }
    std::uint16_t find(std::uint64_t hash) const noexcept {
        std::uint16_t at = heads_[bucket_of(hash)];
        while (at != none && slots_[at].hash != hash) {
            at = slots_[at].next;
        }
        return at;
    }
    // Where the number of this slot is written.
    std::uint16_t& link_to(std::uint16_t slot) noexcept {
        std::uint16_t* at = &heads_[bucket_of(slots_[slot].hash)];
        while (*at != slot) {
            at = &slots_[*at].next;
        }
        return *at;
    }
    float look() noexcept {
        hand_ = hand_ + 1 < count_ ? hand_ + 1 : 0;
        const Watch::Look look = watch_.look(slots_[hand_].meta, slots_[hand_].size, rule_);
        slots_[hand_].meta = look.meta;
        return look.rank;
    }
    void evict() noexcept {
        float least = look();
        std::uint32_t victim = hand_;
        for (std::uint64_t seen = 1; seen < count_ && !watch_.enough(seen, least, rule_); ++seen) {
            if (const float rank = look(); rank < least) {
                least = rank;
                victim = hand_;
            }
        }
        const auto gone = static_cast<std::uint16_t>(victim);
        watch_.evict(slots_[gone].hash, slots_[gone].meta, rule_);
        link_to(gone) = slots_[gone].next;
        bytes_ -= slots_[gone].size;
        // The last one takes its place.
        const auto last = static_cast<std::uint16_t>(--count_);
        if (last != gone) {
            link_to(last) = gone;
            slots_[gone] = slots_[last];
        }
    }

    Rule rule_;
    Eviction eviction_;
    Watch watch_{eviction_};
    std::vector<Slot> slots_;
    std::vector<std::uint16_t> heads_;
    std::uint32_t count_ = 0, hand_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace larder::store_memory
