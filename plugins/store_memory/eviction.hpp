// plugins/store_memory/eviction.hpp -- which entry goes when memory is full: the one from which the
// fewest hits are to be expected.
//
// Every entry has an age, the time since its last use, and a class, how often it was used. We count
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
// passes everything once in a while, turns it into an age of zero and a class one higher. There are
// no links, and no order of entries: the hand takes the first entry that belongs to the least
// thirtieth, by a threshold that follows the ranks it sees, or the least of those it has seen.
//
// Time is counted in ticks; a tick is as many insertions as a sixteenth of the entries. Ages are
// told apart at a quarter of an octave, so 48 of them reach from one sixteenth of a turn to 500.
//
// What it costs: 5 KiB, a ghost or two of 4 bytes per entry from the first eviction on; for a
// victim three dozen entries' metadata on average, five or six lines that follow one another, and
// two lines of ghosts.
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
    // Remembers one, and shows those beside it, itself included, to `see(Ghost)`: a fair sample.
    template <class See>
    void add(std::uint64_t hash, Ghost fresh, const See& see) noexcept {
        if (count_ == 0) {
            return;
        }
        Line& line = line_of(hash);
        std::memmove(&line[1], &line[0], (ways - 1) * sizeof line[0]);
        line[0] = print_of(hash) << 16 | fresh.grade << 13 | (fresh.last_use & stamp_mask);
        for (std::size_t i = 0; i < ways && line[i] != 0; ++i) {
            see(Ghost{line[i] >> 13 & 7, line[i] & stamp_mask});
        }
    }
    std::size_t room() const noexcept { return count_ * ways; }

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
        for (unsigned grade = 0; grade < classes; ++grade) {
            learn(grade);
        }
    }

    // An entry comes in, beside `entries` others: its first meta. Moves time on.
    std::uint16_t insert(std::uint64_t hash, std::uint64_t entries) noexcept {
        entries_ = entries;
        if (++inserted_ * ticks_per_turn >= entries) {
            inserted_ = 0;
            ++now_;
        }
        if (++unshared_ == insertions_per_share) {
            share_time();
        }
        Ghosts::Ghost ghost{};
        if (!ghosts_.take(hash, ghost)) {
            return encode(0, 0);
        }
        reused_[ghost.grade][bucket_of(age_of(ghost))] += 1;
        return encode(std::min(ghost.grade + 1, classes - 1), 0);
    }

    // The hand meets an entry of `size` bytes.
    Look look(std::uint16_t meta, std::uint32_t size) noexcept {
        unsigned grade = meta >> 1 & (classes - 1);
        std::uint32_t age = age_of(meta);
        unsigned bucket = bucket_of(age);
        exposed_[grade][bucket] += time_per_look_;
        ++looks_;
        if ((meta & used) != 0) {
            if (age != 0) {
                reused_[grade][bucket] += 1;
                grade = std::min(grade + 1, classes - 1);
                bucket = 0;
            }
            meta = encode(grade, 0);
        } else if (wants_coarser_stamp(meta, age)) {
            meta = encode(grade, age);
        }
        const float rank = rank_[grade][bucket] / std::sqrt(std::sqrt(static_cast<float>(size)));
        threshold_ *= rank < threshold_ ? threshold_down : threshold_up;
        return {rank, meta};
    }

    // Whether the hand may stop, having seen so many entries (each once, if there are fewer).
    bool enough(std::uint64_t seen, float least_rank) const noexcept {
        return seen >= least_seen && (least_rank <= threshold_ ||
                                      seen >= (entries_ < few ? most_seen_of_few : most_seen));
    }

    // The victim goes, with the meta that its look gave. Not for what is removed or lapses.
    void evict(std::uint64_t hash, std::uint16_t meta) noexcept {
        if (entries_ > ghosts_for_) {
            ghosts_.fit(entries_ * ghosts_per_entry);
            ghosts_for_ = entries_ + entries_ / 4;
        }
        // Each of the line's ghosts stands for as many as there are lines, for the time of one
        // insertion.
        const float share = static_cast<float>(ghosts_.room()) / static_cast<float>(entries_ + 1);
        ghosts_.add(
            hash, {meta >> 1U & (classes - 1), now_ - age_of(meta)},
            [&](Ghosts::Ghost ghost) { exposed_[ghost.grade][bucket_of(age_of(ghost))] += share; });
        if (++evicted_ * ticks_per_turn * classes >= entries_) {
            forget_a_little(next_to_learn_);
            learn(next_to_learn_);
            evicted_ = 0;
            next_to_learn_ = (next_to_learn_ + 1) % classes;
        }
    }

  private:
    static constexpr unsigned classes = 8, ages = 48;
    static constexpr std::uint64_t ticks_per_turn = 16, ghosts_per_entry = 2;
    static constexpr unsigned insertions_per_share = 16;
    static constexpr std::uint64_t least_seen = 16, most_seen = 64, most_seen_of_few = 128,
                                   few = 4096;
    // In balance when one entry of thirty is below.
    static constexpr float threshold_down = 0.98F, threshold_up = 1 + 0.02F / 30;
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
    std::uint32_t age_of(Ghosts::Ghost ghost) const noexcept {
        return (now_ - ghost.last_use) & Ghosts::stamp_mask;
    }
    std::uint32_t age_of(std::uint16_t meta) const noexcept {
        const unsigned scale = meta >> 4 & 3, stamp = meta >> 6 & 31;
        return (((now_ >> (2 * scale)) - stamp) & 31) << (2 * scale);
    }
    static bool wants_coarser_stamp(std::uint16_t meta, std::uint32_t age) noexcept {
        const unsigned scale = meta >> 4 & 3;
        return scale < 3 ? age >= 16U << (2 * scale) : age >= 28U << 6;
    }

    // All entries together lived one tick per entry and tick: sixteen per insertion. The looks
    // since then stand for them all.
    void share_time() noexcept {
        if (looks_ != 0) {
            time_per_look_ =
                static_cast<float>(unshared_ * ticks_per_turn) / static_cast<float>(looks_);
        }
        looks_ = 0;
        unshared_ = 0;
    }

    void forget_a_little(unsigned grade) noexcept {
        const float kept = std::pow(kept_per_turn, static_cast<float>(evicted_ * classes) /
                                                       static_cast<float>(entries_ + 1));
        for (unsigned a = 0; a < ages; ++a) {
            reused_[grade][a] *= kept;
            exposed_[grade][a] *= kept;
        }
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

    std::array<std::array<float, ages>, classes> rank_{}, reused_{}, exposed_{};
    Ghosts ghosts_;
    float threshold_ = 1e-3F, time_per_look_ = 0;
    std::uint64_t inserted_ = 0, entries_ = 0, evicted_ = 0, ghosts_for_ = 0;
    std::uint64_t looks_ = 0, unshared_ = 0;
    std::uint32_t now_ = 0;
    unsigned next_to_learn_ = 0;
};

}  // namespace larder::store_memory
