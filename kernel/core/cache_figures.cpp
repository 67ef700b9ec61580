// kernel/core/cache_figures.cpp -- all counters as numbers of one moment.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/figures.hpp"
#include "kernel/core/packing.hpp"

#include <algorithm>

namespace larder {
namespace {

TierFigures figures_of(const Tier& tier, std::uint64_t now_ns) {
    TierFigures out;
    const larder_store_stats stats = tier.stats(UINT32_MAX);
    out.name = tier.store().name;
    out.plugin = tier.store().plugin;
    out.shared = tier.foreign();
    out.entries = stats.entries;
    out.bytes = stats.bytes;
    out.capacity_bytes = stats.capacity_bytes;
    out.evictions = stats.evictions;
    out.expirations = stats.expirations;
    const Counters& counted = tier.counters();
    out.hits = counted.sum(Tier::hits);
    out.misses = counted.sum(Tier::misses);
    out.bypassed = counted.sum(Tier::bypassed);
    for (std::size_t i = 0; i < out.errors.size(); ++i) out.errors[i] = counted.sum(Tier::error_kinds + i);
    out.breaker = static_cast<std::uint64_t>(tier.breaker().state(now_ns));
    out.breaker_opened = tier.breaker().opened();
    out.gets = tier.durations(Tier::Timed::get).figures();
    out.puts = tier.durations(Tier::Timed::put).figures();
    out.removes = tier.durations(Tier::Timed::remove).figures();
    out.ends = {stats.expired_used, stats.expired_unused, stats.evicted_used,
                stats.evicted_unused, stats.removed_used, stats.removed_unused};
    return out;
}

SourceFigures figures_of(const SourceRun& source, std::uint64_t now_ns) {
    SourceFigures out;
    out.name = source.handle.name;
    out.loaded = source.loaded.load();
    out.written = source.written.load();
    out.load_errors = source.load_errors.load();
    out.write_errors = source.write_errors.load();
    out.bypassed = source.bypassed.load();
    out.breaker = static_cast<std::uint64_t>(source.breaker.state(now_ns));
    out.breaker_opened = source.breaker.opened();
    out.loads = source.loads.figures();
    out.writes = source.writes.figures();
    return out;
}

SpaceFigures figures_of(const Space& space) {
    SpaceFigures out;
    const SpaceRuntime& run = *space.runtime;
    out.counts = counts_of(run);
    out.put_bytes = run.total(SpaceDetail::put_bytes);
    out.raw_bytes = run.total(SpaceDetail::raw_bytes);
    out.stored_bytes = run.total(SpaceDetail::stored_bytes);
    out.compressed = run.total(SpaceDetail::compressed);
    out.not_smaller = run.total(SpaceDetail::not_smaller);
    out.ttl_ms = space.ttl.count();
    if (space.codec != nullptr) out.codec = space.codec->name;
    else if (space.ns->compress && space.ns->compress->codec == "auto") out.codec = "auto";
    out.packing = run.packing->figures();
    out.gets = run.gets.figures();
    out.puts = run.puts.figures();
    out.loads = run.loads.figures();
    out.migrations = run.migrations.figures();
    out.demotes = space.demotes;
    out.demoted = run.demoted.load(std::memory_order_relaxed);
    out.demotions_lost = run.undemoted.load(std::memory_order_relaxed);
    out.demotions_overtaken = run.overtaken.load(std::memory_order_relaxed);
    out.migrates = !space.ns->accepts.empty();
    // What was asked for comes to the first tier; what one tier does not have, to the next.
    std::uint64_t reaches = out.counts.hits + out.counts.absent + out.counts.misses;
    std::uint64_t below = 0;
    for (std::size_t i = 1; i < space.tiers.size(); ++i) below += run.details.sum(std::min<std::size_t>(i, 7));
    for (std::size_t i = 0; i < space.tiers.size(); ++i) {
        SpaceTierFigures one;
        one.tier = space.tiers[i].tier->store().name;
        const std::uint64_t found = i == 0 ? out.counts.hits + out.counts.absent - std::min(out.counts.hits + out.counts.absent, below)
                                           : run.details.sum(std::min<std::size_t>(i, 7));
        one.hits = std::min(found, reaches);
        one.misses = reaches - one.hits;
        reaches = one.misses;
        const larder_store_stats stats = space.tiers[i].tier->stats(run.shelf);
        one.entries = stats.entries;
        one.bytes = stats.bytes;
        out.entries = space.demotes ? out.entries + stats.entries : std::max(out.entries, stats.entries);
        out.bytes += stats.bytes;
        out.tiers.push_back(std::move(one));
    }
    return out;
}

}  // namespace

SpaceCounts counts_of(const SpaceRuntime& r) {
    using C = SpaceCount;
    return {r.name, r.total(C::hits), r.total(C::misses), r.total(C::stale), r.total(C::absent), r.total(C::puts),
            r.total(C::removes), r.total(C::refused), r.total(C::errors), r.total(C::fenced), r.total(C::loads),
            r.total(C::load_errors), r.total(C::waits), r.total(C::damaged), r.total(C::dropped),
            r.total(C::migrated), r.total(C::unmigrated), r.total(SpaceDetail::warmed), r.total(SpaceDetail::withheld),
            r.total(SpaceDetail::stripped)};
}

Figures Cache::figures() const {
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    Figures out;
    out.mono_ns = impl_->clock.mono_ns();
    out.wall_ms = impl_->clock.wall_ms();
    for (const Space& space : s.spaces)
        if (space.keeps_entries()) out.spaces.push_back(figures_of(space));
    for (std::size_t i = 0; i < s.tiers.size(); ++i) {
        out.tiers.push_back(figures_of(*s.tiers[i], out.mono_ns));
        if (s.authorities[i] != nullptr) out.tiers.back().trusted = s.authorities[i]->trusted();
    }
    for (std::size_t i = 0; i < s.policy->rules.size(); ++i) {
        const dsl::Rule& rule = s.policy->rules[i];
        out.rules.push_back({rule.where.file, rule.head, rule.where.line, s.fired[i]->load(std::memory_order_relaxed)});
    }
    for (std::size_t scope = 0; scope < change_scope_words.size(); ++scope)
        for (std::size_t cause = 0; cause < change_cause_words.size(); ++cause)
            out.changes[scope][cause] = impl_->targets.sum(scope * change_cause_words.size() + cause);
    out.changing = impl_->changing.figures();
    out.records = impl_->records.size();
    out.bans = impl_->bans.list().size();
    for (const auto& source : s.sources) out.sources.push_back(figures_of(*source, out.mono_ns));
    if (impl_->behind != nullptr) out.behind = impl_->behind->figures();
    return out;
}

}  // namespace larder
