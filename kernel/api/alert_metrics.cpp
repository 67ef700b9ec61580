// kernel/api/alert_metrics.cpp -- the metrics that alerts may be about, read from the figures.
//
// The names are those that the policy's check knows (dsl/check_run.cpp). Without names in brackets a
// metric is of all namespaces, or of all stores, together.
#include "kernel/api/alerts.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace larder::api {
namespace {

using Kind = Measure::Kind;

// The parts of the figures that a condition's names mean.
struct Scope {
    std::vector<const SpaceFigures*> spaces;
    std::vector<const TierFigures*> tiers;
};

bool is_under(std::string_view name, std::string_view parent) {
    return name == parent || (name.size() > parent.size() && name.starts_with(parent) && name[parent.size()] == '.');
}

Scope scope_of(const dsl::Condition& condition, const Figures& figures) {
    Scope out;
    for (const SpaceFigures& space : figures.spaces)
        if (condition.of.empty() || std::any_of(condition.of.begin(), condition.of.end(), [&](const std::string& name) { return is_under(space.counts.name, name); }))
            out.spaces.push_back(&space);
    for (const TierFigures& tier : figures.tiers)
        if (condition.of.empty() || std::find(condition.of.begin(), condition.of.end(), tier.name) != condition.of.end()) out.tiers.push_back(&tier);
    // A name that is a store's means the store alone.
    if (!condition.of.empty() && !out.tiers.empty()) out.spaces.clear();
    return out;
}

double sum_of(const std::vector<const SpaceFigures*>& spaces, std::uint64_t SpaceCounts::*what) {
    std::uint64_t sum = 0;
    for (const SpaceFigures* space : spaces) sum += space->counts.*what;
    return static_cast<double>(sum);
}

double sum_of(const std::vector<const TierFigures*>& tiers, std::uint64_t TierFigures::*what) {
    std::uint64_t sum = 0;
    for (const TierFigures* tier : tiers) sum += tier->*what;
    return static_cast<double>(sum);
}

double errors_of(const std::vector<const TierFigures*>& tiers, std::optional<StoreError> kind) {
    std::uint64_t sum = 0;
    for (const TierFigures* tier : tiers) sum += kind ? tier->errors[static_cast<std::size_t>(*kind)] : tier->error_sum();
    return static_cast<double>(sum);
}

Measure counted(double part) {
    Measure out;
    out.kind = Kind::count;
    out.part = part;
    return out;
}

Measure ratio(double part, double whole) {
    Measure out;
    out.kind = Kind::ratio;
    out.part = part;
    out.whole = whole;
    return out;
}

Measure level(double value, bool known = true) {
    Measure out;
    out.kind = Kind::level;
    out.part = value;
    out.known = known;
    return out;
}

// Fullest of the stores: one that is full is not helped by another one that is empty.
Measure memory_used(const Scope& scope, const StoreCapacities& capacities) {
    double most = 0;
    bool known = false;
    for (const TierFigures* tier : scope.tiers) {
        std::uint64_t used = tier->bytes, capacity = tier->capacity_bytes;
        for (const auto& [name, said] : capacities)
            if (name == tier->name) std::tie(used, capacity) = said;
        if (capacity == 0) continue;
        known = true;
        most = std::max(most, static_cast<double>(used) / static_cast<double>(capacity));
    }
    return level(most, known);
}

Measure latency(const Scope& scope, const Figures&, bool of_stores, double quantile) {
    Measure out;
    out.kind = quantile < 0 ? Kind::mean : Kind::quantile;
    out.quantile = quantile;
    if (of_stores)
        for (const TierFigures* tier : scope.tiers)
            for (const auto* one : {&tier->gets, &tier->puts, &tier->removes}) out.durations += *one;
    else
        for (const SpaceFigures* space : scope.spaces)
            for (const auto* one : {&space->gets, &space->puts}) out.durations += *one;
    return out;
}

}  // namespace

Measure measure(const dsl::Condition& condition, const Figures& figures, const StoreCapacities& capacities) {
    const Scope scope = scope_of(condition, figures);
    const bool of_stores = !condition.of.empty() && !scope.tiers.empty();
    const std::string_view m = condition.metric;
    const double hits = sum_of(scope.spaces, &SpaceCounts::hits) + sum_of(scope.spaces, &SpaceCounts::absent);
    const double misses = sum_of(scope.spaces, &SpaceCounts::misses), reads = hits + misses;
    if (m == "hit_rate") return ratio(hits, reads);
    if (m == "miss_rate") return ratio(misses, reads);
    if (m == "requests") return counted(reads + sum_of(scope.spaces, &SpaceCounts::puts) + sum_of(scope.spaces, &SpaceCounts::removes));
    if (m == "misses") return counted(misses);
    if (m == "loads") return counted(sum_of(scope.spaces, &SpaceCounts::loads));
    if (m == "load_errors") return counted(sum_of(scope.spaces, &SpaceCounts::load_errors));
    if (m == "compression_ratio") {
        double raw = 0, stored = 0;
        for (const SpaceFigures* space : scope.spaces) {
            raw += static_cast<double>(space->raw_bytes);
            stored += static_cast<double>(space->stored_bytes);
        }
        return ratio(raw - stored, raw);
    }
    if (m == "load_latency_p95") {
        Measure out;
        out.kind = Kind::quantile;
        out.quantile = 0.95;
        for (const SpaceFigures* space : scope.spaces) out.durations += space->loads;
        return out;
    }
    if (m == "invalidations") {
        std::uint64_t sum = 0;
        for (const auto& causes : figures.changes)
            for (const std::uint64_t n : causes) sum += n;
        return counted(static_cast<double>(sum));
    }
    if (m == "entries" || m == "bytes") {
        const bool bytes = m == "bytes";
        double sum = 0;
        if (of_stores) sum = sum_of(scope.tiers, bytes ? &TierFigures::bytes : &TierFigures::entries);
        else
            for (const SpaceFigures* space : scope.spaces) sum += static_cast<double>(bytes ? space->bytes : space->entries);
        return level(sum);
    }
    if (m == "errors") return counted(of_stores || condition.of.empty() ? errors_of(scope.tiers, {}) : sum_of(scope.spaces, &SpaceCounts::errors));
    if (m == "error_rate") {
        if (!of_stores && !condition.of.empty()) return ratio(sum_of(scope.spaces, &SpaceCounts::errors), reads + sum_of(scope.spaces, &SpaceCounts::errors));
        const double errors = errors_of(scope.tiers, {});
        return ratio(errors, errors + sum_of(scope.tiers, &TierFigures::hits) + sum_of(scope.tiers, &TierFigures::misses));
    }
    if (m == "timeouts") return counted(errors_of(scope.tiers, StoreError::timeout));
    if (m == "connection_failures") return counted(errors_of(scope.tiers, StoreError::io));
    if (m == "evictions") return counted(sum_of(scope.tiers, &TierFigures::evictions));
    if (m == "expirations") return counted(sum_of(scope.tiers, &TierFigures::expirations));
    if (m == "memory_used") return memory_used(scope, capacities);
    if (m == "latency_avg") return latency(scope, figures, of_stores, -1);
    if (m == "latency_p50") return latency(scope, figures, of_stores, 0.50);
    if (m == "latency_p95") return latency(scope, figures, of_stores, 0.95);
    if (m == "latency_p99") return latency(scope, figures, of_stores, 0.99);
    if (m == "breaker") {
        static constexpr std::array<const char*, 3> words{"closed", "open", "half_open"};
        Measure out;
        out.kind = Kind::state;
        std::uint64_t worst = 0;  // open counts most
        for (const TierFigures* tier : scope.tiers) worst = tier->breaker == 1 || worst == 1 ? 1 : std::max(worst, tier->breaker);
        out.word = words[std::min<std::size_t>(worst, 2)];
        return out;
    }
    return {};
}

}  // namespace larder::api
