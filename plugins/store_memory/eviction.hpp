// plugins/store_memory/eviction.hpp -- which entry goes when memory is full: the one from which the
// fewest hits are to be expected.
//
// Every entry has an age, the time since its last use, and a class, how often it was used. We count
// at which ages the entries of each class were used again, evicted ones included as long as their
// ghosts are remembered, and at which ages they were given up. From these counts follows, for an
// entry of class c and age a, the largest number of hits per unit of time that keeping it for some
// while longer can bring (Gittins' index of its remaining life). That is its rank, and of the
// entries that the hand meets the one of the least rank goes.
//
// So nobody decides between recency and frequency. Where only recency counts, the counts say that
// hits come at small ages, and old entries go: LRU. Where popularity counts, classes differ more
// than ages do: LFU. In a loop longer than memory, hits come at the age of one round and nowhere
// before, so what is nearest to the end of its round is worth most: the newest go, as MIN would
// have it. Mixtures are ranked on one scale, and a change of the pattern changes the counts.
//
// An entry keeps 11 bits: one that readers set (relaxed, seldom, a lost one is harmless), class and
// age. Readers never look at the clock and write nothing but that bit, as in CLOCK; the hand, which
// passes everything once in a while, turns it into an age of zero and a class one higher. There are
// no links, and no order of entries.
//
// Time is counted in ticks; a tick is as many insertions as a sixteenth of the entries. Ages are
// told apart at a quarter of an octave, so 48 of them reach from one sixteenth of a memory's worth
// of insertions to five hundred.
//
// Papers: N. Beckmann, H. Chen, A. Cidon: "LHD: improving cache hit rate by maximizing hit
// density", NSDI 2018 (ranks by hits per time and space, learnt by class and age). J. C. Gittins:
// "Bandit processes and dynamic allocation indices", JRSS B 1979 (the index, for lives that end at
// random). N. Megiddo, D. S. Modha: "ARC: a self-tuning, low overhead replacement cache", FAST 2003
// (what the return of a ghost tells). F. J. Corbato: "A paging experiment with the Multics system",
// 1968 (the bit and the hand).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace larder::store_memory {

// What left lately: 16 fingerprints a line, the newest first, so that a line forgets the oldest.
class Ghosts {
  public:
    struct Ghost {
        unsigned grade;
        std::uint32_t last_use;
    };
    static constexpr std::uint32_t stamp_mask = 0x1fff;

    // Room for `count` of them. Growing keeps those there are. No memory: stays as it is.
    void fit(std::size_t count) noexcept {
        const std::size_t wanted = (count + ways - 1) / ways;
        if (count_ == 0) {
            reset(wanted);
        } else if (wanted > count_ + count_ / 2) {
            grow();
        } else if (wanted < count_ / 4) {
            reset(wanted);
        }
    }
    // The ghost of this hash, which is then forgotten.
    bool take(std::uint64_t hash, Ghost& ghost) noexcept {
        if (count_ == 0) {
            return false;
        }
        Line& line = line_of(hash);
        const std::uint32_t print = print_of(hash);
        for (std::size_t i = 0; i < ways; ++i) {
            if (line[i] >> 16 == print) {
                ghost = {line[i] >> 13 & 7, line[i] & stamp_mask};
                std::memmove(&line[i], &line[i + 1], (ways - 1 - i) * sizeof line[0]);
                line[ways - 1] = 0;
                return true;
            }
        }
        return false;
    }
    // Remembers one, and hands back the one that it displaced, if there was one.
    bool add(std::uint64_t hash, Ghost fresh, Ghost& displaced) noexcept {
        if (count_ == 0) {
            return false;
        }
        Line& line = line_of(hash);
        const std::uint32_t last = line[ways - 1];
        std::memmove(&line[1], &line[0], (ways - 1) * sizeof line[0]);
        line[0] = print_of(hash) << 16 | fresh.grade << 13 | (fresh.last_use & stamp_mask);
        displaced = {last >> 13 & 7, last & stamp_mask};
        return last != 0;
    }

  private:
    static constexpr std::size_t ways = 16;
    using Line = std::array<std::uint32_t, ways>;
    struct Free {
        void operator()(Line* lines) const noexcept { std::free(lines); }
    };

    static std::uint32_t print_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash & 0xffff) | 1;  // 0 is nobody's.
    }
    Line& line_of(std::uint64_t hash) noexcept {
        // Multiplied into the range, so that what follows a line after growing are neighbours.
        const std::uint64_t spread = hash * 0x9e3779b97f4a7c15u >> 32;
        return lines_[spread * count_ >> 32];
    }
    static Line* make(std::size_t count) noexcept {
        const std::size_t bytes = count * sizeof(Line);
        void* const memory = std::aligned_alloc(sizeof(Line), bytes);
        return memory == nullptr ? nullptr : static_cast<Line*>(std::memset(memory, 0, bytes));
    }
    void reset(std::size_t count) noexcept {
        if (Line* const fresh = count == 0 ? nullptr : make(count); fresh != nullptr) {
            lines_.reset(fresh);
            count_ = count;
        }
    }
    void grow() noexcept {
        // Which of the two a ghost belongs to is not known any more, so it is in both, and the
        // wrong one of them ages out.
        if (Line* const fresh = make(count_ * 2); fresh != nullptr) {
            for (std::size_t i = 0; i < count_; ++i) {
                fresh[2 * i] = fresh[2 * i + 1] = lines_[i];
            }
            lines_.reset(fresh);
            count_ *= 2;
        }
    }

    std::unique_ptr<Line[], Free> lines_;
    std::size_t count_ = 0;
};

// Not safe for several threads at once, but for `used`, which is all that readers need.
class Eviction {
  public:
    static constexpr std::uint16_t used = 1;           // A reader sets it.
    static constexpr std::uint16_t meta_mask = 0x7ff;  // The bits that are ours.
    static constexpr unsigned entries_to_look_at = 32;

    struct Look {
        float rank;          // The least goes.
        std::uint16_t meta;  // To be stored back if it differs.
    };

    Eviction() noexcept {
        for (unsigned c = 0; c < classes; ++c) {
            learn(c);
        }
    }

    // An entry comes in, beside `entries` others: its first meta. Moves time on.
    std::uint16_t insert(std::uint64_t hash, std::uint64_t entries) noexcept {
        if (++inserted_ * ticks_per_turn >= entries) {
            inserted_ = 0;
            ++now_;
        }
        entries_ = entries;
        Ghosts::Ghost ghost;
        if (!ghosts_.take(hash, ghost)) {
            return encode(0, 0);
        }
        const std::uint32_t age = (now_ - ghost.last_use) & Ghosts::stamp_mask;
        reused_[ghost.grade][bucket_of(age)] += 1;
        return encode(std::min(ghost.grade + 1, classes - 1), 0);
    }

    // The hand meets an entry of `size` bytes.
    Look look(std::uint16_t meta, std::uint32_t size) noexcept {
        unsigned grade = meta >> 1 & (classes - 1);
        std::uint32_t age = age_of(meta);
        if ((meta & used) != 0) {
            if (age != 0) {
                reused_[grade][bucket_of(age)] += 1;
                grade = std::min(grade + 1, classes - 1);
                age = 0;
            }
            meta = encode(grade, 0);
        } else if (wants_coarser_stamp(meta, age)) {
            meta = encode(grade, age);
        }
        return {rank_[grade][bucket_of(age)] / std::sqrt(static_cast<float>(size)), meta};
    }

    // The victim goes, with the meta that its look gave.
    void evict(std::uint64_t hash, std::uint16_t meta) noexcept {
        if (entries_ > ghosts_for_) {
            ghosts_.fit(entries_ * ghosts_per_entry);
            ghosts_for_ = entries_ + entries_ / 4;
        }
        const unsigned grade = meta >> 1 & (classes - 1);
        Ghosts::Ghost displaced{grade, now_ - age_of(meta)};
        const bool full = ghosts_.add(hash, displaced, displaced);
        if (full) {
            const std::uint32_t age = (now_ - displaced.last_use) & Ghosts::stamp_mask;
            given_up_[displaced.grade][bucket_of(age)] += 1;
        }
        if (++evicted_ >= std::max<std::uint64_t>(2, entries_ / (ticks_per_turn * classes))) {
            const float kept = std::pow(kept_per_turn, static_cast<float>(evicted_ * classes) /
                                                           static_cast<float>(entries_ + 1));
            evicted_ = 0;
            next_to_learn_ = (next_to_learn_ + 1) % classes;
            for (float& count : reused_[next_to_learn_]) {
                count *= kept;
            }
            for (float& count : given_up_[next_to_learn_]) {
                count *= kept;
            }
            learn(next_to_learn_);
        }
    }

  private:
    static constexpr unsigned classes = 8, ages = 48;
    static constexpr std::uint64_t ticks_per_turn = 16, ghosts_per_entry = 2;
    static constexpr float kept_per_turn = 0.9F, doubt = 0.02F;

    // Age in ticks to 48 buckets: 0 to 7 by themselves, then four an octave.
    static unsigned bucket_of(std::uint32_t age) noexcept {
        if (age < 8) {
            return age;
        }
        const auto octave = static_cast<unsigned>(31 - std::countl_zero(age));
        return std::min(8 + (octave - 3) * 4 + (age >> (octave - 2) & 3), ages - 1);
    }
    static float width_of(unsigned bucket) noexcept {
        return bucket < 8 ? 1.0F : static_cast<float>(1U << ((bucket - 8) / 4 + 1));
    }

    // Age in seven bits: a stamp of five, in units of 1, 4, 16 or 64 ticks. The hand makes it
    // coarser when half its range is over, so it never comes round unseen.
    std::uint16_t encode(unsigned grade, std::uint32_t age) const noexcept {
        unsigned scale = 0;
        while (scale < 3 && age >= 16U << (2 * scale)) {
            ++scale;
        }
        const std::uint32_t oldest = 28U << (2 * scale);
        const std::uint32_t stamp = (now_ - std::min(age, oldest)) >> (2 * scale) & 31;
        return static_cast<std::uint16_t>(stamp << 6 | scale << 4 | grade << 1);
    }
    std::uint32_t age_of(std::uint16_t meta) const noexcept {
        const unsigned scale = meta >> 4 & 3, stamp = meta >> 6 & 31;
        return (((now_ >> (2 * scale)) - stamp) & 31) << (2 * scale);
    }
    static bool wants_coarser_stamp(std::uint16_t meta, std::uint32_t age) noexcept {
        const unsigned scale = meta >> 4 & 3;
        return scale < 3 ? age >= 16U << (2 * scale) : age >= 28U << 6;
    }

    void learn(unsigned grade) noexcept {
        // Points (time spent, hits got) by the end of each age, for all that ever was of this
        // class; the best rate from an age on is the steepest line from its point to a later one,
        // which is a side of the upper hull, found from the right.
        std::array<float, ages + 1> time, hits;
        float alive = doubt;
        for (unsigned a = 0; a < ages; ++a) {
            alive += reused_[grade][a] + given_up_[grade][a] + guess(grade, a);
        }
        time[0] = hits[0] = 0;
        for (unsigned a = 0; a < ages; ++a) {
            const float hit = reused_[grade][a] + guess(grade, a);
            const float gone = hit + given_up_[grade][a];
            hits[a + 1] = hits[a] + hit;
            time[a + 1] = time[a] + (alive - gone / 2) * width_of(a);
            alive -= gone;
        }
        std::array<unsigned, ages + 1> hull;
        unsigned corners = 0;
        hull[corners++] = ages;
        for (unsigned a = ages; a-- > 0;) {
            const auto slope = [&](unsigned to) {
                return (hits[to] - hits[a]) / (time[to] - time[a]);
            };
            while (corners > 1 && slope(hull[corners - 2]) >= slope(hull[corners - 1])) {
                --corners;
            }
            rank_[grade][a] = slope(hull[corners - 1]);
            hull[corners++] = a;
        }
    }
    // Before anything is known: the more uses the better, the older the worse.
    static float guess(unsigned grade, unsigned age) noexcept {
        return age == 0 ? 0 : doubt * std::exp2(static_cast<float>(grade) / 2);
    }

    std::array<std::array<float, ages>, classes> rank_{}, reused_{}, given_up_{};
    Ghosts ghosts_;
    std::uint64_t inserted_ = 0, entries_ = 0, evicted_ = 0, ghosts_for_ = 0;
    std::uint32_t now_ = 0;
    unsigned next_to_learn_ = 0;
};

}  // namespace larder::store_memory
