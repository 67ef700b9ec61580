// kernel/core/cache_demote.cpp -- entries of a namespace that demotes: in the first tier until it lets them go.
//
//   write   the first tier; below, what an earlier one left there is removed, where one may lie there
//   evicted the entry waits (demotion.hpp) and is then put into the second tier, unless anything came between
//   read    as everywhere: what lies below is copied up, and stays there. Evicted again it is found to lie there already
//
// Such a namespace has no authority: all its tiers are this process's, and its records say what is valid in each of them.
// So a drop that comes at any moment is known to whoever reads the entry later, wherever it has got to: what is brought down
// is stamped under the records as they are then, and only if nothing it carries has changed since it was judged.
//
// A store that refuses an entry in the first tier (it is too large for it) does not refuse it: it goes to the second.
#include "kernel/core/cache_impl.hpp"

#include <algorithm>

namespace larder {

larder_status Cache::Impl::put_demoting(const Space& space, const EntryKey& key, const Envelope& envelope, std::string_view payload,
                                        std::uint64_t now_ns, std::uint64_t deadline_ns) {
    demotions->moved(key.canonical);
    if (demotions->may_be_below(key.canonical))
        for (std::size_t i = space.tiers.size(); --i > 0;) take_out(space.tiers[i], space, key, now_ns, deadline_ns);
    larder_status status = put_in(space.tiers[0], space, key, envelope, payload, 0, now_ns, deadline_ns);
    if (status != LARDER_OK) {
        take_out(space.tiers[0], space, key, now_ns, deadline_ns);
        status = put_below(space, key, envelope, payload, now_ns, deadline_ns);
    }
    demotions->moved(key.canonical);
    if (status != LARDER_OK) space.runtime->count(SpaceCount::errors);
    return status;
}

larder_status Cache::Impl::put_below(const Space& space, const EntryKey& key, const Envelope& envelope, std::string_view payload,
                                     std::uint64_t now_ns, std::uint64_t deadline_ns) {
    demotions->goes_below(key.canonical);
    const SpaceTier& next = space.tiers[1];
    const larder_status status = put_in(next, space, key, envelope, payload, 0, now_ns, deadline_ns);
    if (status == LARDER_OK) next.tier->unremoved().settle(key.binding);
    else take_out(next, space, key, now_ns, deadline_ns);
    return status;
}

bool Cache::Impl::may_wait_to_put(const Space& space, std::string_view raw) {
    if (!space.demotes) return !space.all_sync() || space.source != nullptr;
    EntryKey key;
    return space.source != nullptr || !find_key(space, names, raw, key) || demotions->may_be_below(key.canonical);
}

void Cache::Impl::count_lost(std::uint32_t shelf) {
    const ReadGuard guard;
    const State* const s = state.get();
    if (s == nullptr) return;
    for (const Space& space : s->spaces)
        if (space.demotes && space.runtime->shelf.load(std::memory_order_relaxed) == shelf) space.runtime->undemoted.fetch_add(1, std::memory_order_relaxed);
}

void Cache::Impl::demote(Demotions::Victim& victim) {
    const ReadGuard guard;
    const State* const s = state.get();
    if (s == nullptr || stopping.load()) return;
    const auto at = std::find_if(s->spaces.begin(), s->spaces.end(), [&](const Space& space) {
        return space.demotes && space.runtime->shelf.load(std::memory_order_acquire) == victim.shelf;
    });
    EntryKey key;
    if (at == s->spaces.end() || !make_canonical_key(*at, names, victim.canonical, key)) return;
    const Space& space = *at;
    SpaceRuntime& run = *space.runtime;
    const std::lock_guard lock(stripe(key).mutex);
    if (!demotions->is_as_it_was(victim)) {
        run.overtaken.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    const std::uint64_t now = clock.mono_ns(), until = deadline(nullptr, now);
    Found found;
    found.epoch = records.epoch();
    found.ban_number = bans.number();
    found.value = std::move(victim.value);
    found.verdict = judge(space, key, *space.tiers[0].tier, found.value.bytes(), now, found.epoch, found.entry, found.stale_since_ns);
    if (found.verdict != Verdict::live) {
        run.overtaken.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    const std::uint64_t id = found.entry.head().id;
    if (demotions->may_be_below(key.canonical)) {
        Found there;
        const SpaceTier& next = space.tiers[1];
        if (next.tier->get(key.store_key(victim.shelf), LARDER_CALL_PEEK, now, until, there.value) == LARDER_OK &&
            judge(space, key, *next.tier, there.value.bytes(), now, found.epoch, there.entry, there.stale_since_ns) == Verdict::live &&
            there.entry.head().id == id)
            return;  // it came from there
    }
    const Remade entry(space, *this, found);
    const bool placed = entry.good() && put_below(space, key, entry.envelope(), found.entry.payload(), now, until) == LARDER_OK;
    (placed ? run.demoted : entry.good() ? run.undemoted : run.overtaken).fetch_add(1, std::memory_order_relaxed);
}

}  // namespace larder
