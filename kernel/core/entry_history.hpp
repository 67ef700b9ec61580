// kernel/core/entry_history.hpp -- what is known of one entry: where it is, how it came there, why it went.
//
// Nothing is written down for this. The copies say about themselves when they were made, what the load
// cost and how long they live; removals are looked for by scope among the last 4096; reads are those of
// the sample that finds hot keys. So what is over is known as long as the log remembers it, and an entry
// that ended by its ttl, was evicted or was never put looks the same.
#pragma once

#include "kernel/core/event_log.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace larder {

struct EntryCopy {
    enum class Is : std::uint8_t { missing, unknown, dead, damaged, stale, live };
    std::string tier;
    Is is = Is::missing;  // unknown: the store does not answer
    // Of what is stale or live.
    std::uint64_t made_ms = 0;            // wall clock
    std::int64_t left_ms = -1;            // -1: no limit
    std::uint64_t raw_bytes = 0, stored_bytes = 0;
    std::uint64_t load_us = 0;            // what its loader took; 0: it was put, or came from another tier
    std::uint64_t scopes = 0;             // that can drop it
    bool compressed = false, absent = false;  // absent: it says that there is nothing
};

struct EntryHistory {
    std::string key;  // `user_details "42"`
    std::vector<EntryCopy> copies;  // by tier, from the top
    std::optional<Removal> removal;  // the last change of a scope of it that is remembered
    std::uint64_t now_ms = 0;
    std::uint64_t reads = 0;         // about, when it is among the hot keys; 0: it is not
    bool present() const;
    std::string text() const;  // for people
};

}  // namespace larder
