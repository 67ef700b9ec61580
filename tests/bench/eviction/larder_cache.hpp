// tests/bench/eviction/larder_cache.hpp -- the memory store's table as far as eviction sees it.
//
// The real plugins/store_memory/eviction.hpp over a model of the real places of entries: lines of
// eight slots, segments of up to 128 lines that double and then split (extendible hashing), a home
// line and its neighbour, and a hand that walks the lines in the order of hashes.
#pragma once

#include "plugins/store_memory/contest.hpp"
#include "tests/bench/eviction/trace.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace larder::bench {

class LarderCache {
  public:
    using Rule = store_memory::Rule;

    LarderCache(std::uint64_t capacity, const Trace& trace, Rule rule = Rule::adaptive,
                bool finds_out = false)
        : capacity_(capacity), sized_(trace.sized), rule_(rule), eviction_(trace.requests.size()) {
        if (finds_out) {
            contest_ = std::make_unique<store_memory::Contest>();
        }
        segments_.push_back(std::make_unique<Segment>());
        directory_.push_back(segments_.back().get());
    }

    bool access(const Request& r) {
        const std::uint64_t hash = hash_of(r.object);
        if (contest_ != nullptr && contest_->wants(hash)) {
            contest_->saw(hash, r.size, 0);
        }
        if (Slot* const slot = find(r.object, hash); slot != nullptr) {
            if ((slot->meta & Eviction::used) == 0) {
                slot->meta |= Eviction::used;
            }
            return true;
        }
        if (r.size > capacity_) {
            return false;
        }
        if (contest_ != nullptr && size_ + r.size > capacity_) {
            contest_->run([&] {
                return store_memory::Contest::Held{count_, size_, sized_};
            });
            rule_ = contest_->best();
        }
        while (size_ + r.size > capacity_) {
            evict();
        }
        const std::uint16_t meta = watch_.insert(hash, count_);
        insert({r.object, r.size, meta, true});
        size_ += r.size;
        ++count_;
        if (size_ + r.size <= capacity_ && count_ % Eviction::insertions_per_idle_line == 0) {
            Hand hand;
            pass_line(hand);
        }
        return false;
    }

  private:
    using Eviction = store_memory::Eviction;
    using Watch = store_memory::Watch;
    static constexpr std::size_t line_slots = 8, most_lines = 128;

    struct Slot {
        std::uint32_t object = 0, size = 0;
        std::uint16_t meta = 0;
        bool live = false;
    };
    struct Segment {
        unsigned depth = 0;
        std::vector<Slot> slots = std::vector<Slot>(line_slots);
        std::size_t lines() const { return slots.size() / line_slots; }
    };

    static std::uint64_t hash_of(std::uint32_t object) {
        std::uint64_t x = (object + 1) * 0x9e3779b97f4a7c15u;
        x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
        x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
        return x ^ x >> 32;
    }
    Segment& segment_of(std::uint64_t hash) const {
        return *directory_[depth_ == 0 ? 0 : hash >> (64 - depth_)];
    }
    static Slot* line_of(Segment& segment, std::uint64_t hash, std::size_t neighbour) {
        const std::size_t home = (hash >> 16) & (segment.lines() - 1);
        return &segment.slots[((home ^ neighbour) & (segment.lines() - 1)) * line_slots];
    }
    Slot* find(std::uint32_t object, std::uint64_t hash) const {
        Segment& segment = segment_of(hash);
        for (const std::size_t neighbour : {std::size_t{0}, std::size_t{1}}) {
            Slot* const line = line_of(segment, hash, neighbour);
            for (std::size_t i = 0; i < line_slots; ++i) {
                if (line[i].live && line[i].object == object) {
                    return &line[i];
                }
            }
        }
        return nullptr;
    }
    static bool place(Segment& segment, const Slot& slot) {
        for (const std::size_t neighbour : {std::size_t{0}, std::size_t{1}}) {
            Slot* const line = line_of(segment, hash_of(slot.object), neighbour);
            for (std::size_t i = 0; i < line_slots; ++i) {
                if (!line[i].live) {
                    line[i] = slot;
                    return true;
                }
            }
        }
        return false;
    }
    void insert(const Slot& slot) {
        while (!place(segment_of(hash_of(slot.object)), slot)) {
            make_room(hash_of(slot.object));
        }
    }
    void make_room(std::uint64_t hash) {
        Segment& full = segment_of(hash);
        const std::vector<Slot> old = std::move(full.slots);
        if (old.size() < most_lines * line_slots) {
            full.slots.assign(old.size() * 2, Slot{});
        } else {
            if (full.depth == depth_) {
                std::vector<Segment*> wider;
                for (Segment* const segment : directory_) {
                    wider.insert(wider.end(), 2, segment);
                }
                directory_ = std::move(wider);
                ++depth_;
            }
            full.slots.assign(old.size(), Slot{});
            segments_.push_back(std::make_unique<Segment>(full));
            ++full.depth;
            segments_.back()->depth = full.depth;
            bool second = false;
            std::size_t seen = 0;
            const std::size_t half = std::size_t{1} << (depth_ - full.depth);
            for (Segment*& segment : directory_) {
                if (segment == &full) {
                    second = seen++ >= half;
                    segment = second ? segments_.back().get() : segment;
                }
            }
        }
        for (const Slot& slot : old) {
            if (slot.live) {
                insert(slot);
            }
        }
    }

    struct Hand {
        Slot* victim = nullptr;
        float least = 0;
        std::uint64_t seen = 0;
        std::vector<Slot*> others;  // Seen on the way and as little worth, at most three.
    };
    void pass_line(Hand& hand) {
        if (hand_line_ >= directory_[hand_segment_]->lines()) {
            hand_line_ = 0;
            hand_segment_ += stretch();
            hand_segment_ = hand_segment_ >= directory_.size() ? 0 : hand_segment_;
            hand_segment_ &= ~(stretch() - 1);  // A split may have left it within a stretch.
        }
        Slot* const line = &directory_[hand_segment_]->slots[hand_line_++ * line_slots];
        for (std::size_t i = 0; i < line_slots; ++i) {
            if (!line[i].live) {
                continue;
            }
            ++hand.seen;
            const Watch::Look look = watch_.look(line[i].meta, line[i].size, rule_);
            line[i].meta = look.meta;
            Slot* other = &line[i];
            float rank = look.rank;
            if (hand.victim == nullptr || rank < hand.least) {
                std::swap(hand.victim, other);
                std::swap(hand.least, rank);
            }
            if (other != nullptr && watch_.will_do(rank, rule_) && hand.others.size() < 3) {
                hand.others.push_back(other);
            }
        }
    }
    // How many entries of the directory lead to the segment that the hand is in.
    std::size_t stretch() const {
        return std::size_t{1} << (depth_ - directory_[hand_segment_]->depth);
    }

    void evict() {
        Hand hand;
        do {
            pass_line(hand);
        } while (hand.victim == nullptr ||
                 (hand.seen < count_ && !watch_.enough(hand.seen, hand.least, rule_)));
        hand.others.insert(hand.others.begin(), hand.victim);
        for (Slot* const victim : hand.others) {
            watch_.evict(hash_of(victim->object), victim->meta, rule_);
            victim->live = false;
            size_ -= victim->size;
            --count_;
        }
    }

    std::uint64_t capacity_, size_ = 0, count_ = 0;
    bool sized_ = false;
    Rule rule_;
    std::unique_ptr<store_memory::Contest> contest_;
    Eviction eviction_;
    Watch watch_{eviction_};
    std::vector<std::unique_ptr<Segment>> segments_;
    std::vector<Segment*> directory_;
    unsigned depth_ = 0;
    std::size_t hand_segment_ = 0, hand_line_ = 0;
};

// What `evict NAME` does.
template <store_memory::Rule rule>
struct ByRule : LarderCache {
    ByRule(std::uint64_t capacity, const Trace& trace) : LarderCache(capacity, trace, rule) {}
};
// `evict auto`.
struct ByContest : LarderCache {
    ByContest(std::uint64_t capacity, const Trace& trace) : LarderCache(capacity, trace, Rule::adaptive, true) {}
};

}  // namespace larder::bench
