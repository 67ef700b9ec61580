// tests/bench/eviction/w_tiny_lfu.hpp -- W-TinyLFU with a window that adapts, to compare with.
//
// G. Einziger, R. Friedman, B. Manes: "TinyLFU: a highly efficient cache admission policy", ACM
// Transactions on Storage 2017; G. Einziger, O. Eytan, R. Friedman, B. Manes: "Adaptive software
// cache management", Middleware 2018. The constants are those of Caffeine 3, whose behaviour this
// follows: a window of 1 % at first, a main space of 80 % protected, a count-min sketch of 4-bit
// counters halved every ten capacities, a hill climber that moves the window by 6.25 % of the
// capacity after each such period, the step decaying by 2 % until the hit ratio jumps by 5 points.
#pragma once

#include "tests/bench/eviction/recency_list.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace larder::bench {

class FrequencySketch {
  public:
    explicit FrequencySketch(std::uint64_t capacity)
        : table_(std::bit_ceil(std::max<std::uint64_t>(capacity, 8))),
          sample_(10 * std::max<std::uint64_t>(capacity, 1)) {}

    std::uint64_t sample() const { return sample_; }
    unsigned estimate(std::uint32_t object) const {
        unsigned least = 15;
        const Place p = place(object);
        for (unsigned i = 0; i < 4; ++i) {
            least = std::min(least, static_cast<unsigned>(table_[p.word[i]] >> p.shift[i] & 15));
        }
        return least;
    }
    void increment(std::uint32_t object) {
        const Place p = place(object);
        bool added = false;
        for (unsigned i = 0; i < 4; ++i) {
            if ((table_[p.word[i]] >> p.shift[i] & 15) < 15) {
                table_[p.word[i]] += std::uint64_t{1} << p.shift[i];
                added = true;
            }
        }
        if (added && ++size_ == sample_) {
            std::uint64_t odd = 0;
            for (std::uint64_t& word : table_) {
                odd += static_cast<unsigned>(std::popcount(word & 0x1111111111111111u));
                word = word >> 1 & 0x7777777777777777u;
            }
            size_ = (size_ - (odd >> 2)) >> 1;
        }
    }

  private:
    struct Place {
        std::uint64_t word[4];
        unsigned shift[4];
    };
    static std::uint64_t mix(std::uint64_t x) {
        x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
        x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
        return x ^ x >> 32;
    }
    Place place(std::uint32_t object) const {
        // A block of eight words, and in it a word and a counter for each of the four rows.
        const std::uint64_t block_hash = mix(object + 0x9e3779b97f4a7c15u);
        std::uint64_t counter_hash = mix(block_hash);
        const std::uint64_t block = (block_hash & (table_.size() / 8 - 1)) * 8;
        Place p{};
        for (unsigned i = 0; i < 4; ++i) {
            const unsigned h = static_cast<unsigned>(counter_hash >> (i * 8) & 0xff);
            p.shift[i] = (h >> 1 & 15) * 4;
            p.word[i] = block + (h & 1) + (i << 1);
        }
        return p;
    }

    std::vector<std::uint64_t> table_;
    std::uint64_t sample_, size_ = 0;
};

class WTinyLfu {
  public:
    WTinyLfu(std::uint64_t capacity, const Trace& trace)
        : capacity_(capacity),
          // Caffeine sizes its sketch by the number of entries it holds; so by the mean size here.
          sketch_(std::max<std::uint64_t>(1, capacity * trace.objects / trace.bytes)),
          links_(trace.objects) {
        window_capacity_ = std::max<std::uint64_t>(1, capacity / 100);
        protected_capacity_ = (capacity - window_capacity_) * 8 / 10;
        step_ = -0.0625 * static_cast<double>(capacity);
    }

    bool access(const Request& r) {
        sketch_.increment(r.object);
        const bool hit = links_.nodes[r.object].list != 0;
        ++(hit ? hits_ : misses_);
        if (window_.has(r.object)) {
            window_.touch(r.object);
        } else if (protected_.has(r.object)) {
            protected_.touch(r.object);
        } else if (probation_.has(r.object)) {
            probation_.move_to(protected_, r.object);
            demote();
        } else if (r.size <= capacity_) {
            window_.push(r.object, r.size);
        }
        evict();
        climb();
        return hit;
    }

  private:
    std::uint64_t size() const { return window_.size() + probation_.size() + protected_.size(); }

    void demote() {
        while (protected_.size() > protected_capacity_) {
            protected_.move_to(probation_, protected_.oldest());
        }
    }
    void evict() {
        std::uint32_t candidate = nobody;
        while (window_.size() > window_capacity_) {
            const std::uint32_t moved = window_.oldest();
            window_.move_to(probation_, moved);
            candidate = candidate == nobody ? moved : candidate;
        }
        while (size() > capacity_) {
            const std::uint32_t victim = !probation_.empty()   ? probation_.oldest()
                                         : !protected_.empty() ? protected_.oldest()
                                                               : window_.oldest();
            if (candidate == nobody || candidate == victim) {
                candidate = nobody;
                drop(victim);
                continue;
            }
            const std::uint32_t next = links_.nodes[candidate].newer;
            if (links_.nodes[candidate].size > capacity_ || !admit(candidate, victim)) {
                drop(candidate);
                candidate = next;
            } else {
                drop(victim);
                candidate = next;
            }
        }
    }
    bool admit(std::uint32_t candidate, std::uint32_t victim) {
        const unsigned c = sketch_.estimate(candidate), v = sketch_.estimate(victim);
        if (c > v) {
            return true;
        }
        random_ = random_ * 6364136223846793005u + 1442695040888963407u;
        return c >= 6 && (random_ >> 57) == 0;
    }
    void drop(std::uint32_t object) {
        (window_.has(object)      ? window_
         : probation_.has(object) ? probation_
                                  : protected_)
            .remove(object);
    }

    void climb() {
        const std::uint64_t requests = hits_ + misses_;
        if (requests < sketch_.sample()) {
            return;
        }
        const double ratio = static_cast<double>(hits_) / static_cast<double>(requests);
        const double change = ratio - previous_ratio_;
        const double amount = change >= 0 ? step_ : -step_;
        step_ = std::abs(change) >= 0.05
                    ? std::copysign(0.0625 * static_cast<double>(capacity_), amount)
                    : 0.98 * amount;
        previous_ratio_ = ratio;
        hits_ = misses_ = 0;
        const auto moved = static_cast<std::uint64_t>(std::abs(amount));
        if (amount > 0) {
            const std::uint64_t room = std::min(moved, protected_capacity_);
            window_capacity_ += room;
            protected_capacity_ -= room;
            demote();
            while (!probation_.empty() && window_.size() < window_capacity_ &&
                   links_.nodes[probation_.oldest()].size <= window_capacity_ - window_.size()) {
                probation_.move_to(window_, probation_.oldest());
            }
        } else {
            const std::uint64_t room = std::min(moved, window_capacity_ - 1);
            window_capacity_ -= room;
            protected_capacity_ += room;
            while (window_.size() > window_capacity_) {
                window_.move_to(probation_, window_.oldest());
            }
        }
    }

    std::uint64_t capacity_, window_capacity_ = 0, protected_capacity_ = 0;
    FrequencySketch sketch_;
    Links links_;
    RecencyList window_{links_, 1}, probation_{links_, 2}, protected_{links_, 3};
    double step_ = 0, previous_ratio_ = 0;
    std::uint64_t hits_ = 0, misses_ = 0, random_ = 0x853c49e6748fea9bu;
};

}  // namespace larder::bench
