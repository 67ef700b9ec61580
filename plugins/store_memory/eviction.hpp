// plugins/store_memory/eviction.hpp -- which entry goes when memory is full: the one from which the
// fewest hits are to be expected. Here is what all writers know together; what one of them sees and
// does is in watch.hpp.
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
// What it costs: 6 KiB, as much for each writer, and two ghosts of 4 bytes per entry from the first
// eviction on; for a victim the metadata of two dozen entries, four lines that follow one another,
// and two lines of ghosts.
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
#include "latch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace larder::store_memory {

class Watch;

// Safe for many threads, each with a Watch. The ranks that one Eviction gives compare with each other.
//
// Ranks, ages and ghosts are relaxed atomics, written seldom: once in some hundred insertions
// somebody moves time on, once in a hundred-odd evictions somebody learns, if no one else does.
class Eviction {
  public:
    static constexpr std::uint16_t used = 1;           // A reader sets it.
    static constexpr std::uint16_t meta_mask = 0x7ff;  // The bits that are ours.
    // Whether an entry with this meta was read since it was put, as far as its class still tells.
    static constexpr bool was_read(std::uint16_t meta) noexcept {
        return (meta & (used | (classes - 1) << 1)) != 0;
    }
    // While memory is not full the hand shows one line to look() every so many insertions, so that
    // uses before the first eviction count too.
    static constexpr unsigned insertions_per_idle_line = 4;

    // For at most so many entries; more are ranked, too, by fewer ghosts.
    explicit Eviction(std::size_t most_entries) noexcept : ghosts_(most_entries * ghosts_per_entry) {
        for (unsigned scale = 0; scale < scales; ++scale) {
            find_ages(scale);
        }
        for (unsigned grade = 0; grade < classes; ++grade) {
            learn(grade);
        }
    }
    Eviction(const Eviction&) = delete;
    Eviction& operator=(const Eviction&) = delete;

  private:
    friend class Watch;

    // Rows of ages are strides apart, so that a cell's place is bits put together.
    static constexpr unsigned classes = 8, ages = 48, stride = 64, scales = 4;
    static constexpr std::uint8_t coarser = 0x80;  // In ages_of_: the stamp wants a coarser scale.
    static constexpr std::uint64_t ticks_per_turn = 16, ghosts_per_entry = 2;
    static constexpr std::uint64_t fewest_between_learning = 2;
    template <class T>
    using Cells = std::array<std::array<T, stride>, classes>;  // Of a class and an age.
    // How long entries were there to be used, in ticks, and uses that ended that.
    struct Seen {
        Cells<float> exposed{}, reused{};
    };

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
        const std::uint32_t stamp = (now() - std::min(age, oldest)) >> (2 * scale) & 31;
        return static_cast<std::uint16_t>(stamp << 6 | scale << 4 | grade << 1);
    }
    std::uint32_t age_of(Ghost ghost) const noexcept {
        return (now() - ghost.last_use) & Ghost::stamp_mask;
    }
    std::uint32_t age_of(std::uint16_t meta) const noexcept {
        const unsigned scale = meta >> 4 & 3, stamp = meta >> 6 & 31;
        return (((now() >> (2 * scale)) - stamp) & 31) << (2 * scale);
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
    std::uint32_t now() const noexcept { return now_.load(std::memory_order_relaxed); }
    std::uint8_t age_byte(std::uint16_t meta) const noexcept {
        return ages_of_[meta >> 4 & 127].load(std::memory_order_relaxed);
    }
    float rank(unsigned grade, unsigned bucket) const noexcept {
        return rank_[grade][bucket].load(std::memory_order_relaxed);
    }

    // So many insertions beside `entries` others: a tick is a sixteenth of a turn.
    void pass(std::uint64_t insertions, std::uint64_t entries) noexcept {
        const auto inserted = inserted_.fetch_add(insertions, std::memory_order_relaxed) + insertions;
        if (inserted * ticks_per_turn < entries) {
            return;
        }
        const std::unique_lock lock(latch_, std::try_to_lock);
        if (lock && inserted_.load(std::memory_order_relaxed) * ticks_per_turn >= entries) {
            inserted_.store(0, std::memory_order_relaxed);
            tick();
        }
    }
    // REQUIRES: latch_ is held.
    void tick() noexcept {
        now_.store(now() + 1, std::memory_order_relaxed);
        for (unsigned scale = 0; scale < scales && (now() & ((1U << (2 * scale)) - 1)) == 0;
             ++scale) {
            find_ages(scale);
        }
    }
    // What the stamps of one scale mean now.
    void find_ages(unsigned scale) noexcept {
        const std::uint32_t worn = (scale < scales - 1 ? 16U : 28U) << (2 * scale);
        for (unsigned stamp = 0; stamp < 32; ++stamp) {
            const std::uint32_t age = (((now() >> (2 * scale)) - stamp) & 31) << (2 * scale);
            ages_of_[stamp << 2 | scale].store(
                static_cast<std::uint8_t>(bucket_of(age) | (age >= worn ? coarser : 0U)),
                std::memory_order_relaxed);
        }
    }

    void begin_ghosts(std::uint64_t entries) noexcept {
        if (const std::unique_lock lock(latch_, std::try_to_lock); lock) {
            ghosts_.fit(entries * ghosts_per_entry, 0);
        }
    }
    // After so many evictions of one writer, who saw `seen` meanwhile, beside `entries` others. One
    // class at a time, so that it never takes long; of `seen` what that class is judged by is moved
    // over. False: somebody else learns just now.
    bool learn_next(Seen& seen, std::uint64_t evicted, std::uint64_t entries) noexcept {
        const std::unique_lock lock(latch_, std::try_to_lock);
        if (!lock) {
            return false;
        }
        entries_ = entries;
        ghosts_.fit(entries * ghosts_per_entry, evicted);
        const float kept = std::pow(
            kept_per_turn, static_cast<float>(evicted * classes) / static_cast<float>(entries + 1));
        const unsigned grade = next_to_learn_ = (next_to_learn_ + 1) % classes;
        for (unsigned g = grade == 0 ? 0 : grade - 1; g <= grade + 1 && g < classes; ++g) {
            for (unsigned a = 0; a < ages; ++a) {
                seen_.exposed[g][a] += std::exchange(seen.exposed[g][a], 0.0F);
                seen_.reused[g][a] += std::exchange(seen.reused[g][a], 0.0F);
            }
        }
        for (unsigned a = 0; a < ages; ++a) {
            seen_.exposed[grade][a] *= kept;
            seen_.reused[grade][a] *= kept;
        }
        learn(grade);
        return true;
    }

    // Uses per tick and entry. What neighbours in age and class saw counts for a fifth each: single
    // counts are noise, and the least of many noisy ranks is the noisiest.
    float hazard(unsigned grade, unsigned age) const noexcept {
        float uses = seen_.reused[grade][age], time = seen_.exposed[grade][age];
        const auto borrow = [&](unsigned g, unsigned a, float part) {
            if (g < classes && a < ages) {
                uses += part * seen_.reused[g][a];
                time += part * seen_.exposed[g][a];
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
            rank_[grade][a].store(stretch.hits / stretch.time, std::memory_order_relaxed);
            stretches[count++] = stretch;
        }
    }

    static inline const std::array<std::array<float, ages>, classes> after_use_ =
        classes_after_use();
    Cells<std::atomic<float>> rank_{};
    std::array<std::atomic<std::uint8_t>, 128> ages_of_{};  // Bucket by the seven bits of age in a meta.
    std::atomic<std::uint32_t> now_{0};                     // In ticks.
    Ghosts ghosts_;
    alignas(64) std::atomic<std::uint64_t> inserted_{0};  // Since the last tick.
    Latch latch_;                                         // Guards what follows, and who moves time on.
    unsigned next_to_learn_ = 0;
    std::uint64_t entries_ = 0;
    Seen seen_;
};

}  // namespace larder::store_memory
