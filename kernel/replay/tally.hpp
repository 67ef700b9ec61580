// kernel/replay/tally.hpp -- what came of traffic under one policy, as numbers.
//
// A get is answered by a hit, by an entry known to be absent, by a stale entry, or not: a miss. Each miss
// has one reason, the last thing that ended the entry; where nobody knows of an earlier one it is the
// first. Loads are what the origin was asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace larder::replay {

enum class MissReason : std::uint8_t { first, expired, dropped, evicted };

struct SpaceTally {
    std::string name;
    std::uint64_t hits = 0, misses = 0, stale = 0, absent = 0;
    std::uint64_t first = 0, expired = 0, dropped = 0, evicted = 0;  // reasons of misses
    std::uint64_t loads = 0, load_us = 0, timed_loads = 0;           // load_us: of those that say
    std::uint64_t puts = 0, removes = 0, refused = 0;
    std::uint64_t entries = 0, bytes = 0;  // at the end
    std::uint64_t peak_loads = 0;          // most within one second

    std::uint64_t gets() const { return hits + misses + stale + absent; }
    std::uint64_t answered() const { return hits + stale + absent; }
    SpaceTally& operator+=(const SpaceTally& other);
};

struct RuleTally {
    std::string where, head;  // "hotel.larder:19", `on write "/v1.0/..."`
    std::uint64_t fired = 0;
    std::uint64_t misses = 0;  // gets that found nothing because of it
};

struct Tally {
    std::vector<SpaceTally> spaces;  // in the order of the policy
    std::vector<RuleTally> rules;
    std::uint64_t operations = 0, requests = 0, events = 0, changes = 0;
    std::uint64_t passed = 0;    // GETs that no `serve` rule answers
    std::uint64_t unkeyed = 0;   // GETs that a rule would serve, but for what the request says or does not say
    std::uint64_t passed_us = 0; // what the application took for both, where it is known
    std::uint64_t lost = 0;      // operations that the recording missed
    std::uint64_t unknown = 0;   // gets and puts of namespaces that this policy does not have
    std::uint64_t peak_bytes = 0, evictions = 0;
    // Entries that expired, were dropped or evicted: after somebody had read them, or nobody.
    std::uint64_t ended_read = 0, ended_unread = 0;
    std::uint64_t lasted_ms = 0;
    double seconds = 0;          // of a processor, for replaying
    std::vector<std::string> notes;

    SpaceTally all() const;
    const SpaceTally* space(const std::string& name) const;
};

// answered / gets; 0 when nobody asked.
double hit_ratio(const SpaceTally& tally);

}  // namespace larder::replay
