// plugins/store_memory/contest.hpp -- `evict auto`: which rule would do best for one namespace.
//
// A shadow (shadow.hpp) for each rule sees a sample of the keys: all of a small namespace, one in 2^n of
// a large one, so that a shadow has room for some thousand entries at most. Counted are the hits that each
// would have had lately. A rule takes over when it has been ahead of the one in force by more than a
// third of a point of all uses, and by three times what chance makes of so many, for two windows in a row: what
// is learnt here is noisy, and the own order is seldom far behind. Below 128 entries it stays in force, and below 16 `lfu`
// is: of so few lives too little is learnt of ages, and a count of uses is known exactly.
//
// Readers pay a load and a test, and one in 2^n of them a word into a ring; what comes too fast for the
// ring is lost, and the sample is made smaller. Writers run the shadows when they have to evict, at most
// 64 accesses at a time, if no one else does.
//
// Memory: 241 KiB for a namespace that says `auto`, beside the capacity.
#pragma once

#include "latch.hpp"
#include "shadow.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>

namespace larder::store_memory {

// Safe for many threads.
class Contest {
  public:
    Contest() {
        for (std::size_t i = 0; i < rules; ++i) {
            shadows_[i] = std::make_unique<Shadow>(static_cast<Rule>(i));
        }
    }

    Rule best() const noexcept { return best_.load(std::memory_order_relaxed); }

    // null: there is no memory.
    static std::unique_ptr<Contest> make() noexcept {
        try {
            return std::make_unique<Contest>();
        } catch (const std::bad_alloc&) {
            return nullptr;
        }
    }

    // Whether this key is one of the sample. [hot]
    bool wants(std::uint64_t hash) const noexcept {
        return (sample_of(hash) & mask_.load(std::memory_order_relaxed)) == 0;
    }
    // A use of what is there, or something that came in. `thread`: some number of the caller's. REQUIRES:
    // wants(hash). [hot]
    void saw(std::uint64_t hash, std::uint64_t size, std::uint32_t thread) noexcept {
        Ring& ring = rings_[thread % rings];
        const std::uint32_t at = ring.head.load(std::memory_order_relaxed);
        ring.words[at % places].store((hash & ~std::uint64_t{size_mask}) | short_of(size),
                                      std::memory_order_relaxed);
        ring.head.store(at + 1, std::memory_order_release);
    }

    // What the namespace has, and whether bytes are what it lacks (else entries).
    struct Held {
        std::uint64_t entries = 0, bytes = 0;
        bool by_bytes = false;
    };
    // Shows the shadows what was seen, if anything waits and nobody else does so. `held` is asked for
    // once in a while only.
    template <class Asked>
    void run(const Asked& held) noexcept {
        const std::unique_lock lock(latch_, std::try_to_lock);
        if (!lock) {
            return;
        }
        if (room_.entries == 0 && room_.bytes == 0) {
            resize(held());
        }
        std::uint32_t left = most_at_once;
        for (std::size_t i = 0; i < rings && left > 0; ++i) {
            Ring& ring = rings_[next_ring_++ % rings];
            const std::uint32_t head = ring.head.load(std::memory_order_acquire);
            const std::uint32_t waits = head - ring.tail;
            if (waits > places) {
                lost_ += waits - places;
                ring.tail = head - places;
            }
            for (; ring.tail != head && left > 0; ++ring.tail, --left) {
                access(ring.words[ring.tail % places].load(std::memory_order_relaxed));
            }
        }
        if (seen_ >= window()) {
            judge();
            resize(held());
        }
    }

  private:
    static constexpr std::uint32_t rings = 8, places = 128, most_at_once = 64;
    static constexpr std::uint64_t size_mask = 0x7f;
    static constexpr std::uint64_t least_room = 64, most_room = Shadow::most / 2;
    static constexpr float kept_per_window = 0.95F, ahead_by = 0.0033F, sure = 9;
    static constexpr std::uint64_t least_entries = 128, fewest_with_ages = 16;
    struct alignas(64) Ring {
        std::atomic<std::uint32_t> head{0};
        std::uint32_t tail = 0;  // Guarded by latch_.
        std::array<std::atomic<std::uint64_t>, places> words{};
    };

    // Bits of the hash by which neither shards nor lines are chosen.
    static std::uint64_t sample_of(std::uint64_t hash) noexcept { return hash >> 20; }
    // A size in seven bits, and back: to a quarter of an octave.
    static std::uint64_t short_of(std::uint64_t size) noexcept {
        const std::uint64_t some = size | 4;
        const auto octave = static_cast<unsigned>(std::bit_width(some)) - 1;
        return std::min<std::uint64_t>(octave * 4U + (some >> (octave - 2) & 3), size_mask);
    }
    static std::uint32_t size_of(std::uint64_t word) noexcept {
        const std::uint64_t octave = (word & size_mask) / 4;
        return static_cast<std::uint32_t>((9 + 2 * (word & 3)) << (octave - 2) >> 1);
    }
    std::uint64_t window() const noexcept { return std::max<std::uint64_t>(entries_ * 4, 512); }

    void access(std::uint64_t word) noexcept {
        ++seen_;
        std::uint32_t had = 0;
        for (std::size_t i = 0; i < rules; ++i) {
            had |= shadows_[i]->access(word >> 7, size_of(word), room_) ? 1U << i : 0U;
        }
        const bool champion = (had >> static_cast<unsigned>(best()) & 1) != 0;
        for (std::size_t i = 0; i < rules; ++i) {
            const bool its = (had >> i & 1) != 0;
            if (its != champion) {
                (its ? won_ : lost_to_)[i] += 1;
            }
        }
    }
    // Who is ahead of the one in force, by hits that only one of the two had: as many heads of so many
    // throws are chance with a deviation of their root.
    void judge() noexcept {
        accesses_ = accesses_ * kept_per_window + static_cast<float>(seen_);
        seen_ = 0;
        std::size_t first = static_cast<std::size_t>(best());
        float lead = 0;
        for (std::size_t i = 0; i < rules; ++i) {
            const float ahead = won_[i] - lost_to_[i], apart = won_[i] + lost_to_[i];
            const bool surely = entries_ >= least_entries && ahead > ahead_by * accesses_ &&
                                ahead * ahead > sure * apart;
            if (surely && ahead > lead) {
                lead = ahead;
                first = i;
            }
        }
        const auto ahead = static_cast<Rule>(first);
        if (ahead != best() && ahead == challenger_) {
            best_.store(ahead, std::memory_order_relaxed);
            won_ = lost_to_ = {};
            accesses_ = 0;
        }
        challenger_ = ahead;
        for (std::size_t i = 0; i < rules; ++i) {
            won_[i] *= kept_per_window;
            lost_to_[i] *= kept_per_window;
        }
    }
    // The sample, and the shadows' room for it.
    void resize(const Held& held) noexcept {
        const bool too_fast = lost_ > seen_before_ / 2;
        seen_before_ = window();
        unsigned shift = shift_;
        while (held.entries >> shift > most_room) {
            ++shift;
        }
        if (too_fast && held.entries >> (shift + 1) >= least_room) {
            ++shift;
        } else if (lost_ == 0 && shift > 0 && held.entries >> shift < most_room / 4) {
            --shift;
        }
        lost_ = 0;
        shift_ = shift;
        mask_.store((std::uint64_t{1} << shift) - 1, std::memory_order_relaxed);
        entries_ = std::max<std::uint64_t>(held.entries >> shift, 1);
        if (const bool tiny = held.entries < fewest_with_ages; tiny != tiny_) {
            tiny_ = tiny;
            best_.store(tiny ? Rule::lfu : Rule::adaptive, std::memory_order_relaxed);
        }
        room_ = {held.by_bytes ? 0 : entries_, held.by_bytes ? std::max<std::uint64_t>(held.bytes >> shift, 1) : 0};
    }

    std::atomic<Rule> best_{Rule::adaptive};
    std::atomic<std::uint64_t> mask_{0};
    std::array<Ring, rings> rings_;
    Latch latch_;  // Guards what follows, and the tails.
    std::array<std::unique_ptr<Shadow>, rules> shadows_;
    Rule challenger_ = Rule::adaptive;
    bool tiny_ = false;  // The order is that of a memory of a few entries.
    unsigned shift_ = 0;
    std::uint32_t next_ring_ = 0;
    std::uint64_t entries_ = 0;  // Of the sample, as many as the namespace has of it.
    Shadow::Room room_;
    std::uint64_t seen_ = 0, seen_before_ = 512, lost_ = 0;
    // Uses lately, fading: all; and by rule, those that only it or only the one in force would have had.
    float accesses_ = 0;
    std::array<float, rules> won_{}, lost_to_{};
};

}  // namespace larder::store_memory
