// kernel/serve/figures_json.hpp -- figures as the admin API writes them.
//
// Rates are per cent with two decimals (8542 hits of 10000 are 85.42), durations milliseconds, sizes
// bytes; where nothing was counted there is null, not 0.
#pragma once

#include "kernel/api/alerts.hpp"
#include "kernel/core/figures.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder {
struct EntryHistory;
}

namespace larder::serve {

double rounded(double value, int decimals = 2);
// hits of hits and misses, per cent; null without any.
boost::json::value percent(std::uint64_t part, std::uint64_t whole);
boost::json::value milliseconds(const DurationFigures& durations, double quantile);  // < 0: the mean
std::string human_bytes(std::uint64_t bytes);        // "2.50M", as Redis writes it
std::string timestamp(std::uint64_t wall_ms);        // "2024-12-17T15:30:00Z"

// Hits, negative and stale answers of namespaces together, and what was not found.
struct Answers {
    std::uint64_t hits = 0, misses = 0;
    std::uint64_t all() const { return hits + misses; }
    Answers& operator+=(const SpaceCounts& c) {
        hits += c.hits + c.absent;
        misses += c.misses;
        return *this;
    }
};
Answers answers(const Figures& figures);

// {hit_rate, miss_rate, total_operations, average_latency_ms, p95_latency_ms}
boost::json::object summary(const std::vector<const SpaceFigures*>& spaces);
// {buckets: not cumulative, one more than there are bounds; sum_s}
boost::json::object durations_json(const DurationFigures& durations);
boost::json::object space_json(const SpaceFigures& space);
boost::json::object tier_json(const TierFigures& tier);
// [{type, condition, doc, where, firing, holds_now, since_ms, readings, sinks}]
boost::json::array alerts_json(const std::vector<AlertState>& alerts);
// {entry, present, now_ms, copies: [{tier, is, made_ms, ...}], reads, removal}
boost::json::object history_json(const EntryHistory& history);
// The namespaces of `figures` that `name` is or is above; all of them for "".
std::vector<const SpaceFigures*> under(const Figures& figures, std::string_view name);
// Each rule, its place, and how often it fired.
boost::json::array rules_json(const Figures& figures);

}  // namespace larder::serve
