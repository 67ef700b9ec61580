// kernel/core/figures.hpp -- everything the cache counts, as plain numbers of one moment.
//
// What statistics, exporters, alerts and the admin's answers are made of: one walk over the counters,
// nothing of it on anybody's way. Counters only rise, so a rate is the difference of two figures; they
// outlive reloads, because namespaces are known by name and rules by what they say and where.
#pragma once

#include "kernel/core/cache.hpp"
#include "kernel/core/durations.hpp"
#include "kernel/core/pack_figures.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace larder {

enum class StoreError : std::size_t { io, timeout, corrupt, exception, internal, refused };
inline constexpr std::array<const char*, 6> store_error_words{"io",        "timeout",  "corrupt",
                                                              "exception", "internal", "refused"};

struct TierFigures {
    std::string name, plugin;
    bool shared = false;
    std::uint64_t entries = 0, bytes = 0, capacity_bytes = 0;  // 0: the store does not say
    std::uint64_t evictions = 0, expirations = 0;
    std::uint64_t hits = 0, misses = 0, bypassed = 0;
    std::array<std::uint64_t, store_error_words.size()> errors{};
    std::uint64_t breaker = 0;  // Breaker::State
    std::uint64_t breaker_opened = 0;
    bool trusted = true;  // shared: its stream of changes is whole
    DurationFigures gets, puts, removes;
    // How entries ended in it, where the store counts it: of those that ended, how many were read at least
    // once since they were put.
    struct Ends {
        std::uint64_t expired_used = 0, expired_unused = 0, evicted_used = 0, evicted_unused = 0,
                      removed_used = 0, removed_unused = 0;
    } ends;
    std::uint64_t error_sum() const noexcept {
        std::uint64_t sum = 0;
        for (const std::uint64_t n : errors) sum += n;
        return sum;
    }
};

struct SpaceTierFigures {  // one namespace in one of its tiers
    std::string tier;
    std::uint64_t hits = 0, misses = 0, entries = 0, bytes = 0;
};

struct SpaceFigures {
    SpaceCounts counts;
    std::uint64_t entries = 0, bytes = 0;  // entries: of the tier that has most; where the namespace demotes, of all
    std::uint64_t put_bytes = 0;           // of values, before compression
    std::uint64_t raw_bytes = 0, stored_bytes = 0, compressed = 0, not_smaller = 0;
    std::int64_t ttl_ms = 0;
    std::string codec;  // as the policy says; empty: none
    PackFigures packing;
    std::vector<SpaceTierFigures> tiers;
    DurationFigures gets, puts, loads, migrations;
    bool demotes = false;   // what memory lets go is taken to the tier below:
    std::uint64_t demoted = 0, demotions_lost = 0, demotions_overtaken = 0;  // SpaceRuntime
    bool migrates = false;  // the policy accepts an older version
    double hit_rate() const noexcept {  // 0 to 1; negative entries are answers, too
        const std::uint64_t good = counts.hits + counts.absent + counts.stale, all = counts.hits + counts.absent + counts.misses;
        return all == 0 ? 0 : static_cast<double>(good < all ? good : all) / static_cast<double>(all);
    }
};

struct RuleFigures {
    std::string file, head;
    std::uint32_t line = 0;
    std::uint64_t fired = 0;
};

// What was dropped, expired or refreshed, and on whose word.
enum class ChangeScope : std::size_t { key, namespace_, matching, tag, everything };
enum class ChangeCause : std::size_t { rule, event, request };
inline constexpr std::array<const char*, 5> change_scope_words{"key", "namespace", "matching", "tag", "everything"};
inline constexpr std::array<const char*, 3> change_cause_words{"rule", "event", "request"};

struct Figures {
    std::uint64_t mono_ns = 0, wall_ms = 0;
    std::vector<SpaceFigures> spaces;  // that hold entries, in the order of the policy
    std::vector<TierFigures> tiers;    // in the order of larder.toml
    std::vector<RuleFigures> rules;    // in the order of the policy
    std::array<std::array<std::uint64_t, change_cause_words.size()>, change_scope_words.size()> changes{};
    DurationFigures changing;  // of invalidations
    std::uint64_t records = 0, bans = 0;
    std::vector<SourceFigures> sources;          // that the policy or larder.toml names
    std::optional<WriteBehindFigures> behind;    // nothing: there is no journal

    const SpaceFigures* space(std::string_view name) const noexcept {
        for (const SpaceFigures& one : spaces)
            if (one.counts.name == name) return &one;
        return nullptr;
    }
    const TierFigures* tier(std::string_view name) const noexcept {
        for (const TierFigures& one : tiers)
            if (one.name == name) return &one;
        return nullptr;
    }
};

}  // namespace larder
