// kernel/core/cache_load.cpp -- get_or_load: one loader per key, stale answers, the load fence.
//
// The fence point is taken before the loader runs. What it brings is kept only if none of the entry's
// scopes changed after that point; it goes to its callers in any case.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/mutant.hpp"

#include <algorithm>

namespace larder {
namespace {

struct LoadJob {
    std::string raw, canonical;  // canonical: what its flight was boarded under
    std::uint32_t ns = 0;
    Loader loader;
    std::shared_ptr<Tier> ramp;  // whose ramp it takes part in; null: none
    bool newer = false;  // FencePoint::newer
};

Loaded run_loader(const Loader& loader) {
    try {
        return loader();
    } catch (...) {
        return {LARDER_E_EXCEPTION, {}, 0, {}};
    }
}

// How much this node has been told of what others change.
std::uint64_t told_of(const Space& space) { return space.authority != nullptr ? space.authority->asking() : 0; }

// What another node fills while this one waits for it, where the policy says `coalesce`.
std::optional<Loaded> loaded_elsewhere(Cache::Impl& impl, const LoadJob& job, std::uint64_t& told) {
    Ms patience{0};
    {
        const ReadGuard guard;
        const Space* space = impl.state.get()->space(job.ns);
        if (space != nullptr && space->authority != nullptr && space->authority->trusted()) patience = space->ns->coalesce_wait.value_or(Ms{0});
    }
    if (patience.count() == 0) return std::nullopt;
    impl.wait_for_fill(job.canonical, job.ns, patience);
    const ReadGuard guard;
    const State& s = *impl.state.get();
    const Space* space = s.space(job.ns);
    std::string buffer;
    FieldedKey key;
    if (space == nullptr || !make_key(*space, impl.names, job.raw, buffer, key)) return std::nullopt;
    told = told_of(*space);
    const std::uint64_t now = impl.clock.mono_ns();
    Found found = impl.lookup(s, *space, key, 0, now, impl.deadline(nullptr, now));
    if (found.verdict != Verdict::live) return std::nullopt;
    larder_cache_get item{};
    impl.fill_item_here(s, *space, key, found, 0, now, item);
    Pinned value(item.value);
    if (item.status != LARDER_OK) return std::nullopt;
    if ((item.found & LARDER_FOUND_ABSENT) != 0) return Loaded{LARDER_MISS, {}, 0, {}};
    return Loaded{LARDER_OK, std::string(view(value.bytes())), 0, {}};
}

}  // namespace

// Loads as the leader of `flight` and lands it. Where other nodes may have invalidated what it brought while it
// was loaded, only the shared store knows, and says so when it takes it or does not.
static std::shared_ptr<const Loaded> fly(Cache::Impl& impl, const LoadJob& job, const std::shared_ptr<Flight>& flight, std::uint64_t until,
                                         Cache::Impl::Ahead* ahead = nullptr) {
    std::optional<Ramp::Place> place;
    if (job.ramp != nullptr) place.emplace(job.ramp->ramp(), until);
    const std::uint64_t began = impl.clock.fine_ns();
    FencePoint point = flight->began;
    point.newer = job.newer;
    // Of a copy of what is in the far tier, or will be: of the nearer one.
    FencePoint copy_point = point;
    std::optional<Loaded> far;
    std::uint64_t far_id = 0;
    {
        const ReadGuard guard;
        const State& s = *impl.state.get();
        const Space* space = s.space(job.ns);
        std::string buffer;
        FieldedKey key;
        if (space != nullptr && space->authority != nullptr && make_key(*space, impl.names, job.raw, buffer, key)) {
            const std::uint64_t now = impl.clock.mono_ns();
            const std::uint64_t by = impl.deadline(nullptr, now);
            if (space->below != nullptr) {
                copy_point.lease = impl.begin_copy(s, *space, key, now, by);
                // Who makes it anew wants what its source has.
                if (ahead == nullptr) far = impl.load_far(s, *space, key, now, by, far_id);
            }
            if (!far && (space->source == nullptr || !space->source->far_only)) point.lease = impl.begin_load(s, *space, key, now, by);
        }
    }
    std::uint64_t told = 0;
    if (std::optional<Loaded> filled = point.lease == 0 && !far ? loaded_elsewhere(impl, job, told) : std::nullopt) {
        auto theirs = std::make_shared<Loaded>(std::move(*filled));
        impl.flights.leave(job.ns, job.canonical, flight);
        flight->land(theirs, true, told);
        return theirs;
    }
    const std::uint64_t load_began = impl.clock.fine_ns();
    const bool from_far = far.has_value();
    auto loaded = std::make_shared<Loaded>(from_far ? std::move(*far) : run_loader(job.loader));
    const std::uint64_t load_took = impl.clock.fine_ns() - load_began;
    bool sure = true;
    const ReadGuard guard;
    const State& s = *impl.state.get();
    const Space* space = s.space(job.ns);
    std::string buffer;
    FieldedKey key;
    if (space != nullptr && space->keeps_entries() && make_key(*space, impl.names, job.raw, buffer, key)) {
        const bool negative = loaded->status == LARDER_MISS && space->ns->absent.has_value();
        if (from_far) {
            space->runtime->count_tier_hit(space->tiers.size());
        } else if (space->source == nullptr || !space->source->far_only) {
            space->runtime->count(loaded->status < 0 ? SpaceCount::load_errors : SpaceCount::loads);
            space->runtime->loads.add(load_took);
            impl.log_miss(*space, key, load_took);
        }
        // Beside the miss itself: what it cost.
        if (impl.accesses.on() && !from_far) [[unlikely]]
            impl.note_access(*space, key, LARDER_ACCESS_MISS, 0, static_cast<std::uint32_t>(std::min<std::uint64_t>(load_took / 1000, UINT32_MAX)));
        if (loaded->status == LARDER_OK || negative) {
            std::vector<larder_pair> with;
            for (const auto& [name, value] : loaded->with) with.push_back({bytes_of(name), bytes_of(value)});
            Cache::Impl::NewEntry entry;
            entry.value = loaded->value;
            entry.ttl_ms = loaded->ttl_ms;
            entry.absent = negative;
            entry.with = with.data();
            entry.with_count = with.size();
            entry.fence = &point;
            const std::uint64_t now = impl.clock.mono_ns();
            entry.cost_us = static_cast<std::uint32_t>(std::min<std::uint64_t>((impl.clock.fine_ns() - began) / 1000, UINT32_MAX));
            const std::lock_guard lock(impl.stripe(key).mutex);
            told = told_of(*space);
            const std::uint64_t by = impl.deadline(nullptr, now);
            bool far_has_it = from_far;
            larder_status written = LARDER_OK;
            if (!from_far && space->below != nullptr) {
                written = impl.write_entry(s, *space, key, entry, now, by);
                far_has_it = entry.sure;
            }
            if (space->below == nullptr) {
                written = impl.write_entry(s, *space, key, entry, now, by);
            } else if (far_has_it) {
                // By the lease from before the look: who wrote meanwhile has taken it away.
                Cache::Impl::NewEntry copy = entry;
                copy.fence = &copy_point;
                copy.kept = true;
                if (from_far) copy.id = far_id;
                impl.write_near(s, *space, key, copy, now, by);
                entry.sure = copy.sure;
            }
            if (ahead != nullptr) {
                ahead->kept = written == LARDER_OK && entry.kept;
                ahead->cost_us = load_took / 1000;
                ahead->bytes = loaded->value.size();
            }
            sure = space->authority == nullptr || entry.sure;
        } else {
            if (copy_point.lease != 0 && space->authority != nullptr)
                space->authority->end_load(space->physical(*space->authority, key.canonical), copy_point.lease, impl.clock.mono_ns());
            impl.end_load(*space, key, point.lease, impl.clock.mono_ns());
        }
    }
    // Also when a new policy has no such namespace or key any more: a flight that stayed would be joined.
    impl.flights.leave(job.ns, job.canonical, flight);
    flight->land(loaded, sure, told);
    return loaded;
}

static void answer(larder_cache_get& out, const Loaded& loaded) {
    out.status = loaded.status;
    if (loaded.status == LARDER_OK) out.value = owned_value(loaded.value);
}

// What was found stale, once more after a load that failed. Of the shared tier it was judged by numbers that came with
// it: those hold as long as nothing that concerns the entry has changed, or is doubted, since `before`.
static bool still_stale(Cache::Impl& impl, const State& s, const Space& space, const FieldedKey& key, const Found& stale, const FencePoint& before,
                        std::uint64_t now_ns) {
    if (space.authority != nullptr && stale.tier == space.authority_tier) {
        ScopeList scopes;
        entry_scopes(s, space, impl.names, key, nullptr, 0, scopes);
        return !scopes.overflowed() && !space.authority->doubts(scopes.ids()) && !impl.overtaken(before, space, key, scopes.ids());
    }
    EnvelopeView entry;
    std::uint64_t since = 0;
    const Verdict verdict = impl.judge(space, key, *space.tiers[stale.tier].tier, stale.value.bytes(), now_ns, impl.records.epoch(), entry, since);
    return verdict == Verdict::stale || verdict == Verdict::live;
}

// False: what it waited for may be older than the call itself; a load that begins from now on is not.
static bool get_or_load_once(Cache::Impl& impl, larder_cache_get& out, const Loader& loader, std::uint64_t called_ns, std::uint64_t until, bool again, bool counted) {
    const std::uint64_t now = impl.clock.mono_ns();
    LoadJob job{std::string(view(out.key)), {}, out.ns, loader, nullptr, false};
    FlightTable::Boarding boarding;
    Found stale;
    Ms revalidating{0}, on_error{0}, patience{0};
    std::uint64_t told = 0;
    const FencePoint before{impl.records.epoch(), impl.bans.number(), 0, now};
    {
        const ReadGuard guard;
        const State& s = *impl.state.get();
        const Space* space = s.space(out.ns);
        std::string buffer;
        FieldedKey key;
        out.value = {};
        out.found = 0;
        if (space == nullptr || !space->keeps_entries() || view(out.key).size() > impl.options.max_key_bytes ||
            !make_key(*space, impl.names, view(out.key), buffer, key)) {
            out.status = LARDER_E_INVALID;
            return true;
        }
        told = told_of(*space);
        Found found = impl.lookup(s, *space, key, 0, now, until);
        if (found.verdict == Verdict::live) {
            impl.fill_item_here(s, *space, key, found, 0, now, out);
            if (out.status == LARDER_OK) {
                space->runtime->count((out.found & LARDER_FOUND_ABSENT) != 0 ? SpaceCount::absent : SpaceCount::hits);
                impl.tape_answer(*space, key, out, 0, now);
                impl.note_hit(*space, key);
                if ((out.found & LARDER_FOUND_ABSENT) != 0) out.status = LARDER_MISS;
                return true;
            }
        }
        job.newer = found.newer;
        if (!again && !counted) {
            space->runtime->count(SpaceCount::misses);
            impl.note_miss(*space, key);
        }
        const auto tape_outcome = [&](Cache::Impl::TapedOutcome outcome) {
            if (!again && !counted && impl.tape.on()) [[unlikely]] impl.tape_get(*space, key, outcome, LARDER_GET_FENCE | LARDER_GET_STALE, 0, 0, now);
        };
        job.canonical = key.canonical;
        revalidating = space->ns->stale_while_revalidating.value_or(Ms{0});
        on_error = space->ns->stale_on_error.value_or(Ms{0});
        patience = space->ns->coalesce_wait.value_or(Ms{0});
        if (found.verdict == Verdict::stale) stale = std::move(found);

        const auto within = [&](Ms window) {
            return stale.any() && window.count() > 0 &&
                   now - std::min(now, stale.stale_since_ns) < static_cast<std::uint64_t>(window.count()) * 1'000'000;
        };
        if (!space->tiers.empty()) job.ramp = space->tiers.back().tier->shared_from_this();
        // After an outage, when others have all the places: what is good enough on error is good enough now.
        if ((within(revalidating) || within(on_error)) && job.ramp->ramp().full(now)) {
            impl.fill_item_here(s, *space, key, stale, 0, now, out);
            if (out.status == LARDER_OK) {
                space->runtime->count(SpaceCount::stale);
                tape_outcome(Cache::Impl::TapedOutcome::stale);
                return true;
            }
        }

        const FencePoint point{impl.records.epoch(), impl.bans.number(), 0, now};
        boarding = impl.flights.board(out.ns, key.canonical, point, [&](const FencePoint& began) {
            if (mutant(Mutant::joins_old_flight)) return true;
            if (began.epoch == point.epoch && began.ban_number == point.ban_number) return true;
            // Something was dropped since that flight began: was it this key?
            ScopeList scopes;
            entry_scopes(s, *space, impl.names, key, nullptr, 0, scopes);
            return !impl.overtaken(began, *space, key, scopes.ids());
        });

        if (within(revalidating)) {
            // RFC 5861: the stale answer now, the fresh one behind it.
            impl.fill_item_here(s, *space, key, stale, 0, now, out);
            if (out.status == LARDER_OK) {
                space->runtime->count(SpaceCount::stale);
                tape_outcome(Cache::Impl::TapedOutcome::stale);
                if (boarding.leads && !impl.executor.post(true, [&impl, job, flight = boarding.flight, until] { fly(impl, job, flight, until); })) {
                    impl.flights.leave(job.ns, job.canonical, boarding.flight);
                    boarding.flight->land(std::make_shared<Loaded>(Loaded{LARDER_E_BUSY, {}, 0, {}}));
                }
                return true;
            }
        }
        tape_outcome(Cache::Impl::TapedOutcome::miss);
        if (!boarding.leads) space->runtime->count(SpaceCount::waits);
    }

    std::shared_ptr<const Loaded> loaded;
    if (boarding.leads) {
        loaded = fly(impl, job, boarding.flight, until);
    } else {
        const std::uint64_t longest = patience.count() > 0 ? std::min(until, called_ns + static_cast<std::uint64_t>(patience.count()) * 1'000'000) : until;
        loaded = boarding.flight->wait(std::chrono::nanoseconds(longest > now ? longest - now : 0));
        // It began before this call did, and so may have what another node invalidated before: once more, then
        // it is a load that began later.
        if (loaded != nullptr && !(boarding.flight->sure && told <= boarding.flight->told) && !again && !mutant(Mutant::joins_old_flight)) return false;
        if (loaded == nullptr) {  // by itself, kept nowhere
            const std::uint64_t began = impl.clock.fine_ns();
            loaded = std::make_shared<Loaded>(run_loader(loader));
            const ReadGuard guard;
            if (const Space* space = impl.state.get()->space(out.ns)) {
                space->runtime->count(loaded->status < 0 ? SpaceCount::load_errors : SpaceCount::loads);
                space->runtime->loads.add(impl.clock.fine_ns() - began);
            }
        }
    }
    if (loaded->status < 0 && stale.any() && on_error.count() > 0) {
        const ReadGuard guard;
        const State& s = *impl.state.get();
        const Space* space = s.space(out.ns);
        std::string buffer;
        FieldedKey key;
        const std::uint64_t then = impl.clock.mono_ns();
        if (space != nullptr && space->keeps_entries() && make_key(*space, impl.names, job.raw, buffer, key) &&
            then - std::min(then, stale.stale_since_ns) < static_cast<std::uint64_t>(on_error.count()) * 1'000'000) {
            // Dropped while the loader ran: what was stale is gone, and gone is not served even on error.
            if (still_stale(impl, s, *space, key, stale, before, then)) {
                impl.fill_item_here(s, *space, key, stale, 0, then, out);
                if (out.status == LARDER_OK) {
                    out.found |= LARDER_FOUND_STALE;
                    space->runtime->count(SpaceCount::stale);
                    return true;
                }
            }
        }
    }
    answer(out, *loaded);
    return true;
}

void Cache::get_or_load(larder_cache_get& out, const Loader& loader, const larder_call* call) {
    const std::uint64_t now = impl_->clock.mono_ns(), until = impl_->deadline(call, now);
    if (!get_or_load_once(*impl_, out, loader, now, until, false, false)) get_or_load_once(*impl_, out, loader, now, until, true, false);
}

Cache::Impl::Ahead Cache::Impl::load_ahead(std::uint32_t ns, std::string_view raw, const Loader& loader, std::uint64_t until_ns) {
    Ahead out;
    LoadJob job{std::string(raw), {}, ns, loader, nullptr, false};
    FlightTable::Boarding boarding;
    {
        const ReadGuard guard;
        const Space* space = state.get()->space(ns);
        std::string buffer;
        FieldedKey key;
        if (space == nullptr || !space->keeps_entries() || raw.size() > options.max_key_bytes || !make_key(*space, names, raw, buffer, key)) {
            out.status = LARDER_E_INVALID;
            return out;
        }
        job.canonical = key.canonical;
        if (!space->tiers.empty()) job.ramp = space->tiers.back().tier->shared_from_this();
        boarding = flights.board(ns, key.canonical, {records.epoch(), bans.number(), 0, clock.mono_ns()}, [](const FencePoint&) { return true; });
    }
    out.flying = !boarding.leads;
    if (boarding.leads) out.status = fly(*this, job, boarding.flight, until_ns, &out)->status;
    return out;
}

void Cache::Impl::load_missed(larder_cache_get& out, const Loader& loader, const larder_call* call) {
    const std::uint64_t now = clock.mono_ns(), until = deadline(call, now);
    if (!get_or_load_once(*this, out, loader, now, until, false, true)) get_or_load_once(*this, out, loader, now, until, true, true);
}

}  // namespace larder
