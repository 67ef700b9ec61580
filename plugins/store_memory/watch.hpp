// plugins/store_memory/watch.hpp -- one writer's part of eviction: what it sees, and whom it chooses.
//
// Writers share what was learnt (eviction.hpp) and the ghosts; what each counts on its way is its own,
// so that no two of them write to the same lines for every entry they look at. A Watch tells the
// others after some dozens of insertions how much time went by, and what it saw when it learns.
//
// A victim is found by showing entries to look(), line after line from where the hand stood, until
// enough() says that the least rank so far will do.
#pragma once

#include "eviction.hpp"
#include "rules.hpp"

#include <array>

namespace larder::store_memory {

// One thread at a time.
class Watch {
  public:
    explicit Watch(Eviction& all) noexcept : all_(all) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // insert() or evict() follows for this hash, soon.
    void expect(std::uint64_t hash) const noexcept { all_.ghosts_.expect(hash); }

    // An entry comes in, beside `entries` others: its first meta. Moves time on. What is cherished
    // begins as if it had been used before.
    std::uint16_t insert(std::uint64_t hash, std::uint64_t entries,
                         bool cherished = false) noexcept {
        entries_ = entries;
        if (++untold_ >= most_untold || untold_ * least_tellings_per_turn >= entries) {
            all_.pass(untold_, entries);
            untold_ = 0;
        }
        if (++unshared_ >= most_unshared || unshared_ * 8 >= entries + 8 * least_unshared) {
            share_time();
        }
        unsigned grade = cherished ? 3 : 0;
        Ghost ghost{};
        if (all_.ghosts_.take(hash, ghost)) {
            const unsigned bucket = Eviction::bucket_of(all_.age_of(ghost));
            seen_.reused[ghost.grade][bucket] += 1;
            grade = std::max(grade, used_again(ghost.grade, bucket));
        }
        return all_.encode(grade, 0);
    }

    struct Look {
        float rank;          // The least goes.
        std::uint16_t meta;  // To be stored back if it differs.
    };
    // The hand meets an entry of `size` bytes, which goes by `rule`.
    Look look(std::uint16_t meta, std::uint32_t size, Rule rule = Rule::adaptive) noexcept {
        const std::uint8_t age = all_.age_byte(meta);
        unsigned grade = meta >> 1 & (Eviction::classes - 1), bucket = age & (Eviction::stride - 1);
        if (rule != Rule::adaptive) [[unlikely]] {
            return look_by(rule, meta, grade, bucket, age);
        }
        ++looked_[grade][bucket];
        if ((meta & Eviction::used) != 0 || (age & Eviction::coarser) != 0) {
            meta = settled(meta, grade, bucket);
        }
        // Size to the power of -1/4, within 6 %: a quarter of its logarithm, by way of its bits.
        const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(size));
        const float rank = all_.rank(grade, bucket) * std::bit_cast<float>(0x4f580000 - (bits >> 2));
        return seen_as({rank, meta}, rule);
    }

    // Whether this rank is among the least `part_below` of all of that rule.
    bool will_do(float rank, Rule rule = Rule::adaptive) const noexcept { return rank <= of(rule).threshold; }
    // Whether the hand may stop, having seen so many entries (each once, if there are fewer).
    bool enough(std::uint64_t seen, float least_rank, Rule rule = Rule::adaptive) const noexcept {
        const Search& search = this->search();
        return seen >= search.least && (will_do(least_rank, rule) || seen >= search.most);
    }

    // The victim goes, with the meta that its look gave. Not for what is removed or lapses.
    void evict(std::uint64_t hash, std::uint16_t meta, Rule rule = Rule::adaptive) noexcept {
        if (all_.ghosts_.room() == 0) [[unlikely]] {
            all_.begin_ghosts(entries_);
        }
        // Each of the line's ghosts stands for as many as there are lines, for the time of as many
        // insertions as there were evictions since the last sample.
        const Search& search = this->search();
        const bool sampled = ++unsampled_ >= search.evictions_per_sample;
        const float share = static_cast<float>(all_.ghosts_.room() * unsampled_) /
                            static_cast<float>(entries_ + 1);
        const Ghost gone{meta >> 1U & (Eviction::classes - 1), all_.now() - all_.age_of(meta)};
        all_.ghosts_.add(hash, gone, [&](Ghost ghost) {
            if (sampled) {
                seen_.exposed[ghost.grade][Eviction::bucket_of(all_.age_of(ghost))] += share;
            }
            return sampled;
        });
        unsampled_ = sampled ? 0 : unsampled_;
        Pace& pace = of(rule);
        const float excess =
            static_cast<float>(pace.below) - static_cast<float>(pace.looks) * search.part_below;
        pace.threshold *= std::clamp(1 - 0.02F * excess, 0.5F, 2.0F);
        pace.looks = pace.below = 0;
        if (++evicted_ >= std::max(Eviction::fewest_between_learning,
                                   entries_ / (Eviction::ticks_per_turn * Eviction::classes)) &&
            all_.learn_next(seen_, evicted_, entries_)) {
            evicted_ = 0;
        }
    }

  private:
    static constexpr std::uint64_t most_untold = 64, least_tellings_per_turn = 1024;
    static constexpr std::uint64_t least_unshared = 16, most_unshared = 64;
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

    // How far a rule's search goes: a threshold that follows its ranks.
    struct Pace {
        float threshold = 1e-3F;
        std::uint32_t looks = 0, below = 0;
    };
    Pace& of(Rule rule) noexcept { return paces_[static_cast<std::size_t>(rule)]; }
    const Pace& of(Rule rule) const noexcept { return paces_[static_cast<std::size_t>(rule)]; }
    Look seen_as(Look look, Rule rule) noexcept {
        Pace& pace = of(rule);
        ++pace.looks;
        pace.below += look.rank < pace.threshold ? 1 : 0;
        return look;
    }
    // What is known of it stays right for the other rules, but for fifo, by which ages are counted from
    // when an entry came: what it sees is nothing to learn from.
    Look look_by(Rule rule, std::uint16_t meta, unsigned grade, unsigned bucket, std::uint8_t age) noexcept {
        if (rule == Rule::fifo) {
            const std::uint32_t there = all_.age_of(meta);
            if ((meta & Eviction::used) != 0) {
                meta = all_.encode(std::max(grade, 1U), there);
            } else if ((age & Eviction::coarser) != 0) {
                meta = all_.encode(grade, there);
            }
            return seen_as({rank_by(rule, grade, there), meta}, rule);
        }
        ++looked_[grade][bucket];
        if ((meta & Eviction::used) != 0 || (age & Eviction::coarser) != 0) {
            meta = settled(meta, grade, bucket);
        }
        return seen_as({rank_by(rule, grade, bucket == 0 ? 0 : all_.age_of(meta)), meta}, rule);
    }

    unsigned used_again(unsigned grade, unsigned bucket) noexcept {
        lot_ = lot_ * 1664525 + 1013904223;
        const float drawn = static_cast<float>(lot_ >> 8) / (1 << 24);
        return std::min(static_cast<unsigned>(Eviction::after_use_[grade][bucket] + drawn),
                        Eviction::classes - 1);
    }
    // The entry's use is noted, or its stamp made coarser. Changes its class and age accordingly.
    std::uint16_t settled(std::uint16_t meta, unsigned& grade, unsigned& bucket) noexcept {
        if ((meta & Eviction::used) == 0) {
            return all_.encode(grade, all_.age_of(meta));
        }
        if (bucket != 0) {
            seen_.reused[grade][bucket] += 1;
            grade = used_again(grade, bucket);
            bucket = 0;
        }
        return all_.encode(grade, 0);
    }

    // All entries together lived one tick per entry and tick: sixteen per insertion. The looks
    // since then stand for them all.
    void share_time() noexcept {
        std::uint64_t looks = 0;
        for (const auto& row : looked_) {
            for (unsigned a = 0; a < Eviction::ages; ++a) {
                looks += row[a];
            }
        }
        const float time = looks == 0 ? 0
                                      : static_cast<float>(unshared_ * Eviction::ticks_per_turn) /
                                            static_cast<float>(looks);
        for (unsigned grade = 0; looks != 0 && grade < Eviction::classes; ++grade) {
            for (unsigned a = 0; a < Eviction::ages; ++a) {
                seen_.exposed[grade][a] += time * static_cast<float>(looked_[grade][a]);
                looked_[grade][a] = 0;
            }
        }
        unshared_ = 0;
    }

    Eviction& all_;
    std::array<Pace, rules> paces_{};
    std::uint32_t unsampled_ = 0, lot_ = 1;
    std::uint64_t entries_ = 0, evicted_ = 0, untold_ = 0, unshared_ = 0;
    Eviction::Cells<std::uint32_t> looked_{};  // How often the hand met such an entry, lately.
    Eviction::Seen seen_;                      // Not yet told.
};

}  // namespace larder::store_memory
