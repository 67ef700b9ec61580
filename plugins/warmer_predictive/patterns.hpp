// plugins/warmer_predictive/patterns.hpp -- all keys that are asked for often enough, and what they will be asked for.
//
// Bounded: whatever the number of keys, what is remembered stays within `memory`. A key gets a profile when it is
// seen for the second time; until then it is a few counters of a sketch (Cormode and Muthukrishnan, "An improved
// data stream summary: the count-min sketch", 2005; halved from time to time, as Einziger, Friedman and Manes'
// TinyLFU does, so that it forgets). When there is no room, the least used of some profiles taken by chance makes
// room, if the sketch has seen the newcomer as often.
//
// A plan names keys with the time at which each should be made: so long before its expected use that it is there
// even when that comes early, and not so long that it has ended when that comes late.
//
// Sequences: of the visits of other keys in the minute after a visit of a key the three most frequent are
// remembered. One that follows on at least 70 of 100 visits is planned along with it.
//
// Not safe for several threads: its owner locks.
#pragma once

#include "profile.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace larder::warmer_predictive {

struct Rules {
    std::uint32_t window_min = 7 * 1440;
    std::uint32_t horizon_min = 30;
    std::uint32_t ttl_min = 0;       // 0: entries live for ever
    std::uint32_t min_accesses = 10;
    std::uint32_t min_priority = 0;
};

struct PlannedKey {
    std::string_view key;       // valid until the next add
    std::uint64_t due_ms = 0;
    std::uint32_t priority = 0;
    std::uint32_t cost_us = 0;
};

struct Pattern {
    std::string_view space, key;
    Verdict verdict;
    std::uint32_t priority = 0, accesses = 0, cost_us = 0, made = 0, used = 0;
    std::uint64_t next_ms = 0;  // when it is expected next; 0: nobody knows
    std::string_view follower;  // empty: none
    double follower_share = 0;
};

struct Score {
    std::uint64_t made = 0, used = 0, saved_us = 0;
    double success() const { return made == 0 ? 0 : static_cast<double>(used) / static_cast<double>(made); }
};

class Patterns {
  public:
    explicit Patterns(std::size_t memory);

    struct Seen {
        std::uint64_t at_ms = 0;
        std::string_view space, key;
        std::uint32_t weight = 1, cost_us = 0, gap_min = 1;
    };
    void add(const Seen& seen);              // an access
    void cost(std::string_view space, std::string_view key, std::uint32_t cost_us);
    void made(std::string_view space, std::string_view key);             // it was preloaded
    void used(std::string_view space, std::string_view key);             // and asked for

    std::vector<PlannedKey> plan(std::string_view space, std::uint64_t now_ms, const Rules& rules, std::size_t most) const;
    // The patterns that count, highest priority first.
    std::vector<Pattern> list(std::string_view space, std::uint64_t now_ms, const Rules& rules, std::size_t most) const;
    // The lowest priority of which, with all above it, nine of ten preloads were used; what is planned now where too
    // little was made to say.
    std::uint32_t proposed_threshold(std::string_view space, std::uint64_t now_ms, const Rules& rules) const;
    Score score() const { return score_; }

    std::size_t keys() const { return index_.size(); }
    std::size_t bytes() const;               // that it takes, about
    std::string save() const;
    bool load(std::string_view text);        // false: it is damaged, and nothing was read

  private:
    struct Entry {
        std::uint16_t space = 0;
        std::string key;
        Profile profile;
    };
    struct Visit {
        std::uint32_t entry = 0;
        std::uint64_t at_ms = 0;
    };
    static constexpr std::size_t rows = 4, width = 1u << 19;

    std::uint16_t space_of(std::string_view name);
    std::optional<std::uint16_t> find_space(std::string_view name) const;
    std::optional<std::uint32_t> place_of(std::uint64_t hash) const;
    Entry* find(std::string_view space, std::string_view key);
    Entry* admit(std::uint16_t space, std::string_view key, std::uint64_t hash);
    std::uint32_t estimate(std::uint64_t hash) const;
    std::uint32_t count(std::uint64_t hash, std::uint32_t weight);
    void follow(std::uint32_t entry, std::uint64_t at_ms);
    std::uint32_t priority(const Profile& profile, const Verdict& verdict, std::uint32_t accesses) const;
    void dues(const Profile& profile, const Verdict& verdict, std::uint32_t now, const Rules& rules, std::vector<std::uint32_t>& out) const;
    static std::uint64_t hash_of(std::uint16_t space, std::string_view key);
    std::uint64_t dice();

    const std::size_t memory_;
    std::vector<std::string> spaces_;
    std::vector<std::uint8_t> sketch_;
    std::uint64_t counted_ = 0;
    std::vector<Entry> entries_;
    std::size_t key_bytes_ = 0;
    std::unordered_multimap<std::uint64_t, std::uint32_t> index_;  // hash, place in entries_
    std::deque<Visit> recent_;
    Score score_;
    std::uint64_t state_ = 0x9e3779b97f4a7c15ULL;
};

}  // namespace larder::warmer_predictive
