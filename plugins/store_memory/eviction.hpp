// plugins/store_memory/eviction.hpp -- which entry goes when memory is full: the one from which the
// fewest hits are to be expected.
//
// Every entry has an age, the time since its last use, and a class, how often it was used lately
// (uses that fade, halved in fifty turns of memory; on a log scale, in eight steps). We count
// how often entries of a class were used again at an age, and for how long such entries were there
// to be used, resident or remembered as ghosts. The quotient is the hazard of a use: so many per
// unit of time. From the hazards of all ages to come follows, for an entry of class c and age a,
// the largest number of hits per unit of time that keeping it for some while longer can bring
// (Gittins' index). That, divided by the fourth root of the size, is its rank, and the least rank
// goes.
//
// So nobody decides between recency and frequency. Where only recency counts, hazards fall with
// age, and old entries go: LRU. Where popularity counts, classes differ more than ages do: LFU. In
// a loop longer than memory the hazard is naught before the end of a round, so what is nearest to
// it is worth most and the newest go, as MIN would have it. Mixtures are ranked on one scale, and
// when the pattern changes, so do the counts, which forget a twentieth per turn (as many evictions
// as there are entries). Where nothing was observed yet a guess stands in, which is hopeful: an age
// that nobody has reached so far is worth waiting for, and that is what keeps a part of a loop from
// its first round on.
//
// An entry keeps 11 bits: one that readers set (relaxed, seldom, a lost one is harmless), class and
// age. Readers never look at a clock and write nothing but that bit, as in CLOCK; the hand, which
// passes everything once in a while, turns it into an age of zero and a higher class. There are
// no links, and no order of entries: the hand takes the first entry that belongs to the least
// fourteenth (thirtieth, where entries are few), by a threshold that follows the ranks it sees, or
// the least of those it has seen.
//
// Time is counted in ticks; a tick is as many insertions as a sixteenth of the entries. Ages are
// told apart at a quarter of an octave, so 48 of them reach from one sixteenth of a turn to 500.
//
// What it costs: 10 KiB, and two ghosts of 4 bytes per entry from the first eviction on; for a
// victim the metadata of two dozen entries, four lines that follow one another, and two lines of
// ghosts.
//
// Papers: N. Beckmann, H. Chen, A. Cidon: "LHD: improving cache hit rate by maximizing hit
// density", NSDI 2018 (ranks by hits per time and space, learnt by class and age). J. C. Gittins:
// "Bandit processes and dynamic allocation indices", JRSS B 1979 (the index, for lives that end at
// random). N. Megiddo, D. S. Modha: "ARC: a self-tuning, low overhead replacement cache", FAST 2003
// (what the return of a ghost tells). D. Lee et al.: "LRFU: a spectrum of policies that subsumes
// the least recently used and least frequently used policies", IEEE ToC 2001 (uses that fade). F.
// J. Corbato: "A paging experiment with the Multics system", 1968 (the bit and the hand).
#pragma once

#include "ghosts.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace larder::store_memory {

// Not safe for several threads at once, but for `used`, which is all that readers need.
//
// A victim is found by showing entries to look(), line after line from where the hand stood, until
// enough() says that the least rank so far will do. The ranks of one Eviction compare with each
// other.
class Eviction {
  public:
    static constexpr std::uint16_t used = 1;           // A reader sets it.
    static constexpr std::uint16_t meta_mask = 0x7ff;  // The bits that are ours.
    // While memory is not full the hand shows one line to look() every so many insertions, so that
    // uses before the first eviction count too.
    static constexpr unsigned insertions_per_idle_line = 4;

    struct Look {
        float rank;          // The least goes.
        std::uint16_t meta;  // To be stored back if it differs.
    };

    Eviction() noexcept {
        for (unsigned scale = 0; scale < scales; ++scale) {
            find_ages(scale);
        }
        for (unsigned grade = 0; grade < classes; ++grade) {
            learn(grade);
        }
    }

    // An entry comes in, beside `entries` others: its first meta. Moves time on. What is cherished
    // begins as if it had been used before.
    std::uint16_t insert(std::uint64_t hash, std::uint64_t entries,
                         bool cherished = false) noexcept {
        entries_ = entries;
        if (++inserted_ * ticks_per_turn >= entries) {
            inserted_ = 0;
            tick();
        }
        if (++unshared_ >= most_unshared || unshared_ * 8 >= entries + 8 * least_unshared) {
            share_time();
        }
        unsigned grade = cherished ? 3 : 0;
        Ghost ghost{};
        if (ghosts_.take(hash, ghost)) {
            const unsigned bucket = bucket_of(age_of(ghost));
            reused_[ghost.grade][bucket] += 1;
            grade = std::max(grade, used_again(ghost.grade, bucket));
        }
        return encode(grade, 0);
    }

    // The hand meets an entry of `size` bytes.
    Look look(std::uint16_t meta, std::uint32_t size) noexcept {
        const std::uint8_t age = ages_of_[meta >> 4 & 127];
        unsigned grade = meta >> 1 & (classes - 1), bucket = age & (stride - 1);
        ++looked_[grade][bucket];
        if ((meta & used) != 0 || (age & coarser) != 0) {
            meta = settled(meta, grade, bucket);
        }
        // Size to the power of -1/4, within 6 %: a quarter of its logarithm, by way of its bits.
        const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(size));
        const float rank = rank_[grade][bucket] * std::bit_cast<float>(0x4f580000 - (bits >> 2));
        ++looks_;
        below_ += rank < threshold_ ? 1 : 0;
        return {rank, meta};
    }

    // Whether the hand may stop, having seen so many entries (each once, if there are fewer).
    bool enough(std::uint64_t seen, float least_rank) const noexcept {
        const Search& search = this->search();
        return seen >= search.least && (least_rank <= threshold_ || seen >= search.most);
    }

    // The victim goes, with the meta that its look gave. Not for what is removed or lapses.
    void evict(std::uint64_t hash, std::uint16_t meta) noexcept {
        if (entries_ > ghosts_for_ || entries_ < ghosts_for_ / 8) {
            ghosts_.fit(entries_ * ghosts_per_entry);
            ghosts_for_ = entries_ + entries_ / 8;
        }
        // Each of the line's ghosts stands for as many as there are lines, for the time of as many
        // insertions as there were evictions since the last sample.
        const Search& search = this->search();
        const bool sampled = ++unsampled_ >= search.evictions_per_sample;
        const float share =
            static_cast<float>(ghosts_.room() * unsampled_) / static_cast<float>(entries_ + 1);
        ghosts_.add(hash, {meta >> 1U & (classes - 1), now_ - age_of(meta)}, [&](Ghost ghost) {
            if (sampled) {
                exposed_[ghost.grade][bucket_of(age_of(ghost))] += share;
            }
            return sampled;
        });
        unsampled_ = sampled ? 0 : unsampled_;
        const float excess =
            static_cast<float>(below_) - static_cast<float>(looks_) * search.part_below;
        threshold_ *= std::clamp(1 - 0.02F * excess, 0.5F, 2.0F);
        looks_ = below_ = 0;
        if (++evicted_ >=
            std::max(fewest_between_learning, entries_ / (ticks_per_turn * classes))) {
            learn_next();
        }
    }

  private:
    // Rows of ages are strides apart, so that a cell's place is bits put together.
    static constexpr unsigned classes = 8, ages = 48, stride = 64, scales = 4;
    static constexpr std::uint8_t coarser = 0x80;  // In ages_of_: the stamp wants a coarser scale.
    static constexpr std::uint64_t ticks_per_turn = 16, ghosts_per_entry = 2;
    static constexpr std::uint64_t least_unshared = 16, most_unshared = 64;
    static constexpr std::uint64_t fewest_between_learning = 2;
    // How long the hand searches: it takes what is among the least `part_below`. Where few entries
    // are, they are in the nearest cache, and each one counts.
    struct Search {
        std::uint64_t least, most;
        float part_below;
        std::uint32_t evictions_per_sample;
    };
    static constexpr std::uint64_t few = 4096;
    static constexpr Search among_few{16, 128, 1 / 30.0F, 1}, among_many{8, 64, 1 / 14.0F, 4};
    const Search& search() const noexcept { return entries_ < few ? among_few : among_many; }

    static constexpr float kept_per_turn = 0.95F;
    static constexpr float share_of_next_age = 0.2F, share_of_next_class = 0.2F;

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
    std::uint32_t age_of(Ghost ghost) const noexcept {
        return (now_ - ghost.last_use) & Ghost::stamp_mask;
    }
    std::uint32_t age_of(std::uint16_t meta) const noexcept {
        const unsigned scale = meta >> 4 & 3, stamp = meta >> 6 & 31;
        return (((now_ >> (2 * scale)) - stamp) & 31) << (2 * scale);
    }
    // The class after a use: what a class stands for, 1.6 to its power, halves in fifty turns,
    // and a use adds one. What lies between two classes is drawn by lot.
    static constexpr float uses_per_class = 1.6F, half_life = 800;
    static std::array<std::array<float, ages>, classes> classes_after_use() noexcept {
        std::array<std::array<float, ages>, classes> after{};
        float age = 0;
        for (unsigned a = 0; a < ages; age += width_of(a++)) {
            const float kept = std::exp2(-(age + (width_of(a) - 1) / 2) / half_life);
            for (unsigned grade = 0; grade < classes; ++grade) {
                const float uses = 1 + std::pow(uses_per_class, static_cast<float>(grade)) * kept;
                after[grade][a] = std::log(uses) / std::log(uses_per_class);
            }
        }
        return after;
    }
    unsigned used_again(unsigned grade, unsigned bucket) noexcept {
        lot_ = lot_ * 1664525 + 1013904223;
        const float drawn = static_cast<float>(lot_ >> 8) / (1 << 24);
        return std::min(static_cast<unsigned>(after_use_[grade][bucket] + drawn), classes - 1);
    }

    void tick() noexcept {
        ++now_;
        for (unsigned scale = 0; scale < scales && (now_ & ((1U << (2 * scale)) - 1)) == 0;
             ++scale) {
            find_ages(scale);
        }
    }
    // What the stamps of one scale mean now.
    void find_ages(unsigned scale) noexcept {
        const std::uint32_t worn = (scale < scales - 1 ? 16U : 28U) << (2 * scale);
        for (unsigned stamp = 0; stamp < 32; ++stamp) {
            const std::uint32_t age = (((now_ >> (2 * scale)) - stamp) & 31) << (2 * scale);
            ages_of_[stamp << 2 | scale] =
                static_cast<std::uint8_t>(bucket_of(age) | (age >= worn ? coarser : 0U));
        }
    }
    // The entry's use is noted, or its stamp made coarser. Changes its class and age accordingly.
    std::uint16_t settled(std::uint16_t meta, unsigned& grade, unsigned& bucket) noexcept {
        if ((meta & used) == 0) {
            return encode(grade, age_of(meta));
        }
        if (bucket != 0) {
            reused_[grade][bucket] += 1;
            grade = used_again(grade, bucket);
            bucket = 0;
        }
        return encode(grade, 0);
    }

    // All entries together lived one tick per entry and tick: sixteen per insertion. The looks
    // since then stand for them all.
    void share_time() noexcept {
        std::uint64_t looks = 0;
        for (const auto& row : looked_) {
            for (unsigned a = 0; a < ages; ++a) {
                looks += row[a];
            }
        }
        const float time =
            looks == 0 ? 0
                       : static_cast<float>(unshared_ * ticks_per_turn) / static_cast<float>(looks);
        for (unsigned grade = 0; looks != 0 && grade < classes; ++grade) {
            for (unsigned a = 0; a < ages; ++a) {
                exposed_[grade][a] += time * static_cast<float>(looked_[grade][a]);
                looked_[grade][a] = 0;
            }
        }
        unshared_ = 0;
    }

    // One class at a time, so that it never takes long.
    void learn_next() noexcept {
        const float kept = std::pow(kept_per_turn, static_cast<float>(evicted_ * classes) /
                                                       static_cast<float>(entries_ + 1));
        evicted_ = 0;
        next_to_learn_ = (next_to_learn_ + 1) % classes;
        for (unsigned a = 0; a < ages; ++a) {
            reused_[next_to_learn_][a] *= kept;
            exposed_[next_to_learn_][a] *= kept;
        }
        learn(next_to_learn_);
    }

    // Uses per tick and entry. What neighbours in age and class saw counts for a fifth each: single
    // counts are noise, and the least of many noisy ranks is the noisiest.
    float hazard(unsigned grade, unsigned age) const noexcept {
        float uses = reused_[grade][age], time = exposed_[grade][age];
        const auto borrow = [&](unsigned g, unsigned a, float part) {
            if (g < classes && a < ages) {
                uses += part * reused_[g][a];
                time += part * exposed_[g][a];
            }
        };
        borrow(grade, age - 1, share_of_next_age);
        borrow(grade, age + 1, share_of_next_age);
        borrow(grade - 1, age, share_of_next_class);
        borrow(grade + 1, age, share_of_next_class);
        // A hopeful guess: used again within a turn or so, the more used the sooner. It weighs as
        // much as having watched one entry for one or two turns, less in small memories.
        const float guess = 0.05F * std::exp2(0.3F * static_cast<float>(grade));
        const float weight = std::clamp(0.05F * static_cast<float>(entries_), 0.5F, 30.0F);
        return (uses + weight * guess) / (time + weight);
    }

    void learn(unsigned grade) noexcept {
        // From the last age to the first, stretches of ages, the best rate first: what is gained by
        // waiting one stretch more joins the stretch before it when its rate is higher. All in
        // terms of one entry that has come to the beginning of the stretch.
        struct Stretch {
            float time, hits, left;
        };
        std::array<Stretch, ages> stretches;
        std::size_t count = 0;
        for (unsigned a = ages; a-- > 0;) {
            const float rate = hazard(grade, a), width = width_of(a);
            const float left = std::exp(-rate * width);
            const float time = rate * width > 1e-3F ? (1 - left) / rate : width;
            Stretch stretch{time, rate * time, left};
            while (count > 0 && stretches[count - 1].hits * stretch.time >=
                                    stretch.hits * stretches[count - 1].time) {
                const Stretch& next = stretches[--count];
                stretch.time += stretch.left * next.time;
                stretch.hits += stretch.left * next.hits;
                stretch.left *= next.left;
            }
            rank_[grade][a] = stretch.hits / stretch.time;
            stretches[count++] = stretch;
        }
    }

    template <class T>
    using Cells = std::array<std::array<T, stride>, classes>;  // Of a class and an age.

    static inline const std::array<std::array<float, ages>, classes> after_use_ =
        classes_after_use();
    Cells<float> rank_{};
    Cells<std::uint32_t> looked_{};            // How often the hand met such an entry, lately.
    Cells<float> exposed_{}, reused_{};        // Ticks lived, and uses that ended them.
    std::array<std::uint8_t, 128> ages_of_{};  // Bucket by the seven bits of age in a meta.
    float threshold_ = 1e-3F;
    std::uint32_t looks_ = 0, below_ = 0, unsampled_ = 0, now_ = 0, lot_ = 1;
    unsigned next_to_learn_ = 0;
    std::uint64_t entries_ = 0, inserted_ = 0, evicted_ = 0, unshared_ = 0, ghosts_for_ = 0;
    Ghosts ghosts_;
};

}  // namespace larder::store_memory
