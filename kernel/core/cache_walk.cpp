// kernel/core/cache_walk.cpp -- walks over what is there: scan, count, expired keys, reclaim, the sweep.
//
// A cursor is (walk position, store cursor): the upper 16 bits say which pair of namespace and tier, the
// lower 48 are the store's. A pair that has gone by a reload ends the walk early, which SCAN allows for
// keys that are not there from beginning to end. Behind those come the shared stores, each walked once for all
// namespaces (shared_walk.hpp); what is in memory above one is there, too, and is not walked. Of two of them a key may be
// told by both: the farther one has all, the nearer one copies, and what was written while the other was away.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/redis_glob.hpp"
#include "kernel/core/shared_walk.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <map>

namespace larder {
namespace {

constexpr unsigned store_bits = 48;
constexpr std::uint64_t store_mask = (std::uint64_t{1} << store_bits) - 1;

bool walks(const Authority* authority) { return authority != nullptr && authority->tier().has(LARDER_STORE_CAP_SCAN); }

// Of ns, if one is named.
std::vector<std::shared_ptr<Authority>> shared_stops(const State& s, std::uint32_t ns) {
    std::vector<std::shared_ptr<Authority>> found;
    const Space* const only = ns == LARDER_NS_NONE ? nullptr : s.space(ns);
    for (const auto& authority : s.authorities)
        if (walks(authority.get()) && (only == nullptr || only->authority == authority.get() ||
                                       (only->below != nullptr && only->below->authority == authority.get())))
            found.push_back(authority);
    return found;
}

struct Stop {  // one namespace in one tier
    const Space* space = nullptr;
    Tier* tier = nullptr;
};

std::vector<Stop> stops(const State& s, std::uint32_t ns) {
    std::vector<Stop> found;
    for (const Space& space : s.spaces) {
        if (!space.keeps_entries() || (ns != LARDER_NS_NONE && space.runtime->number != ns)) continue;
        for (const SpaceTier& use : space.tiers)
            if (use.tier->has(LARDER_STORE_CAP_SCAN) && !use.tier->foreign()) found.push_back({&space, use.tier});
    }
    return found;
}

// One call of a store's scan: the keys it showed, copied out of its locks.
std::vector<std::string> scan_keys(const Stop& stop, std::uint64_t& cursor, std::uint32_t count, std::uint64_t deadline_ns,
                                   std::uint32_t flags = 0) {
    std::vector<std::string> keys;
    larder_scan walk{};
    walk.struct_size = sizeof walk;
    walk.ns = stop.space->runtime->shelf;
    walk.cursor = cursor;
    walk.count = count;
    walk.flags = flags;
    walk.ctx = &keys;
    walk.on_key = [](void* ctx, const larder_key* key, std::uint64_t, std::int64_t) noexcept -> std::int32_t {
        static_cast<std::vector<std::string>*>(ctx)->emplace_back(key->data, key->size);
        return 0;
    };
    cursor = stop.tier->scan(walk, deadline_ns) == LARDER_OK ? walk.cursor : 0;
    return keys;
}

Verdict look(Cache::Impl& impl, const Stop& stop, const std::string& canonical, bool& absent, bool remove_gone) {
    EntryKey key;
    if (!make_canonical_key(*stop.space, impl.names, canonical, key)) return Verdict::gone;
    const std::uint64_t now = impl.clock.mono_ns(), epoch = impl.records.epoch();
    const larder_key store_key = key.store_key(stop.space->runtime->shelf);
    Pinned value;
    if (stop.tier->get(store_key, LARDER_CALL_PEEK, now, 0, value) != LARDER_OK) return Verdict::gone;
    EnvelopeView entry;
    std::uint64_t since = 0;
    const Verdict verdict = impl.judge(*stop.space, key, *stop.tier, value.bytes(), now, epoch, entry, since);
    absent = (verdict == Verdict::live || verdict == Verdict::stale) && (entry.head().flags & envelope_absent) != 0;
    if (remove_gone && verdict == Verdict::gone) stop.tier->remove(store_key, entry.head().id, now, 0);
    return verdict;
}

std::uint64_t live_ones(Cache::Impl& impl, const Stop& stop, std::uint64_t until) {
    std::uint64_t live = 0, cursor = 0;
    do {
        for (const std::string& canonical : scan_keys(stop, cursor, 256, until)) {
            bool absent = false;
            if (look(impl, stop, canonical, absent, false) == Verdict::live && !absent) ++live;
        }
    } while (cursor != 0);
    return live;
}

// Of an entry that can be read; 0: it cannot.
std::uint32_t version_of(Cache::Impl& impl, const Stop& stop, const std::string& canonical) {
    EntryKey key;
    if (!make_canonical_key(*stop.space, impl.names, canonical, key)) return 0;
    const std::uint64_t now = impl.clock.mono_ns();
    Found found;
    if (stop.tier->get(key.store_key(stop.space->runtime->shelf), LARDER_CALL_PEEK, now, 0, found.value) != LARDER_OK) return 0;
    found.verdict = impl.judge(*stop.space, key, *stop.tier, found.value.bytes(), now, impl.records.epoch(), found.entry, found.stale_since_ns);
    return found.any() ? found.entry.head().version : 0;
}

// True: it was of no use any more, and has gone. With its writers shut out, so that no entry put meanwhile goes.
bool remove_if_gone(Cache::Impl& impl, const Stop& stop, const std::string& canonical) {
    EntryKey key;
    if (!make_canonical_key(*stop.space, impl.names, canonical, key)) return false;
    const std::lock_guard lock(impl.stripe(key).mutex);
    bool absent = false;
    if (look(impl, stop, canonical, absent, false) != Verdict::gone) return false;
    stop.tier->remove(key.store_key(stop.space->runtime->shelf), 0, impl.clock.mono_ns(), 0);
    return true;
}

// One step of Cache::scan. `budget` is what is left of the keys it may look at.
larder_status scan_shared(Cache::Impl& impl, const std::shared_ptr<Authority>& authority, larder_cache_scan& scan, std::uint64_t& cursor,
                          std::uint32_t& budget, std::uint64_t until) {
    constexpr std::uint32_t fewest = 100;  // a round trip each: of another namespace most may be
    std::vector<std::pair<std::uint32_t, std::string>> found;
    SharedWalk::Options what;
    what.ns = scan.ns;
    what.reads = true;
    what.on_entry = [&](const Space& space, std::string_view canonical, const SharedItem& item) {
        if (item.found.verdict == Verdict::live && (item.found.entry.head().flags & envelope_absent) == 0)
            found.emplace_back(space.runtime->number, space.ns->key->raw(canonical));
    };
    SharedWalk walk(impl, authority, std::move(what));
    walk.go_to(cursor);
    const larder_status status = walk.step(std::max(budget, fewest), until);
    if (status != LARDER_OK) return status;
    cursor = walk.cursor();
    if ((cursor & ~store_mask) != 0) return LARDER_E_INTERNAL;
    const std::string_view glob = view(scan.glob);
    for (const auto& [ns, raw] : found)
        if (glob.empty() || redis_glob_match(glob, raw)) scan.on_key(scan.ctx, ns, bytes_of(raw));
    budget -= std::min<std::uint32_t>(budget, static_cast<std::uint32_t>(std::max<std::size_t>(found.size(), 10)));
    return LARDER_OK;
}

}  // namespace

larder_status Cache::scan(larder_cache_scan* scan, const larder_call* call) {
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    if (scan->ns != LARDER_NS_NONE && s.space(scan->ns) == nullptr) return LARDER_E_INVALID;
    std::vector<Stop> all = stops(s, scan->ns);
    all.erase(std::remove_if(all.begin(), all.end(), [](const Stop& one) { return one.space->authority != nullptr && one.space->authority->tier().has(LARDER_STORE_CAP_SCAN); }), all.end());
    const std::vector<std::shared_ptr<Authority>> shared = shared_stops(s, scan->ns);
    std::uint64_t at = scan->cursor >> store_bits;
    std::uint64_t cursor = scan->cursor & store_mask;
    const std::uint64_t until = impl_->deadline(call, impl_->clock.mono_ns());
    const std::string_view glob = view(scan->glob);
    std::uint32_t budget = scan->count == 0 ? 10 : scan->count;
    while (at < all.size() + shared.size() && budget > 0) {
        if (at >= all.size()) {
            const larder_status status = scan_shared(*impl_, shared[at - all.size()], *scan, cursor, budget, until);
            if (status != LARDER_OK) return status;
            if (cursor == 0) ++at;
            continue;
        }
        const Stop& stop = all[at];
        const std::vector<std::string> keys = scan_keys(stop, cursor, budget, until);
        for (const std::string& canonical : keys) {
            bool absent = false;
            if (look(*impl_, stop, canonical, absent, false) != Verdict::live || absent) continue;
            const std::string raw = stop.space->ns->key->raw(canonical);
            if (!glob.empty() && !redis_glob_match(glob, raw)) continue;
            scan->on_key(scan->ctx, stop.space->runtime->number, bytes_of(raw));
        }
        budget -= std::min<std::uint32_t>(budget, static_cast<std::uint32_t>(std::max<std::size_t>(keys.size(), 1)));
        if ((cursor & ~store_mask) != 0) return LARDER_E_INTERNAL;  // a store cursor must fit 48 bits
        if (cursor == 0) ++at;
    }
    scan->cursor = at < all.size() + shared.size() ? (at << store_bits) | cursor : 0;
    return LARDER_OK;
}

// A store's count has entries in it whose time is over and whose memory is not back yet. A few are looked at one by
// one, where that touches this process alone; of many the store's count is near enough.
larder_status Cache::count(std::uint32_t ns, std::uint64_t* out, const larder_call* call) {
    constexpr std::uint64_t few = 1000;
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    if (ns != LARDER_NS_NONE && s.space(ns) == nullptr) return LARDER_E_INVALID;
    *out = 0;
    std::vector<std::pair<Stop, std::uint64_t>> fullest;  // tiers hold copies of the same entries
    for (const Space& space : s.spaces) {
        if (!space.keeps_entries() || (ns != LARDER_NS_NONE && space.runtime->number != ns)) continue;
        std::pair<Stop, std::uint64_t> most{{&space, nullptr}, 0};
        for (const SpaceTier& use : space.tiers) {
            const std::uint64_t entries = use.tier->stats(space.runtime->shelf).entries;
            if (space.demotes && entries > 0) {  // its tiers hold mostly others
                *out += entries;
                fullest.push_back({{&space, use.tier}, entries});
            } else if (entries > most.second) {
                most = {{&space, use.tier}, entries};
            }
        }
        if (space.below != nullptr) {
            const SpaceTier& far = space.below->tiers.front();
            if (const std::uint64_t entries = far.tier->stats(space.runtime->shelf).entries; entries > most.second) most = {{space.below.get(), far.tier}, entries};
        }
        *out += most.second;
        if (most.second > 0) fullest.push_back(most);
    }
    if (*out > few) return LARDER_OK;
    const std::uint64_t until = impl_->deadline(call, impl_->clock.mono_ns());
    for (const auto& [stop, entries] : fullest)
        if (!walks(stop.space->authority) && stop.tier->has(LARDER_STORE_CAP_SCAN) && !stop.tier->foreign())
            *out -= entries - std::min(entries, live_ones(*impl_, stop, until));
    return LARDER_OK;
}

std::vector<std::string> Cache::expired_keys(std::uint32_t ns, std::size_t limit) {
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    std::vector<std::string> found;
    for (const Stop& stop : stops(s, ns)) {
        std::uint64_t cursor = 0;
        do {
            for (const std::string& canonical : scan_keys(stop, cursor, 256, 0, LARDER_SCAN_LAPSED)) {
                bool absent = false;
                if (found.size() >= limit) return found;
                if (look(*impl_, stop, canonical, absent, false) != Verdict::live)
                    found.push_back(stop.space->ns->name + ":" + stop.space->ns->key->raw(canonical));
            }
        } while (cursor != 0 && found.size() < limit);
    }
    return found;
}

larder_status Cache::reclaim(std::uint32_t ns, std::uint64_t* removed, const larder_call* call) {
    *removed = 0;
    const std::uint64_t until = impl_->deadline(call, impl_->clock.mono_ns());
    std::uint64_t cursor = 0;
    for (std::size_t at = 0;;) {
        const ReadGuard guard;  // of one step: a reload does not wait for the walk
        const State& s = *impl_->state.get();
        if (ns != LARDER_NS_NONE && s.space(ns) == nullptr) return LARDER_E_INVALID;
        const std::vector<Stop> all = stops(s, ns);
        if (at >= all.size()) break;
        if (impl_->clock.mono_ns() >= until) return LARDER_E_TIMEOUT;
        for (const std::string& canonical : scan_keys(all[at], cursor, 256, until, LARDER_SCAN_LAPSED))
            if (remove_if_gone(*impl_, all[at], canonical)) ++*removed;
        if (cursor == 0) ++at;
    }
    std::vector<std::shared_ptr<Authority>> shared;
    {
        const ReadGuard guard;
        shared = shared_stops(*impl_->state.get(), ns);
    }
    for (const auto& authority : shared) {
        SharedWalk::Options what;
        what.ns = ns;
        what.reads = what.removes = true;
        SharedWalk walk(*impl_, authority, std::move(what));
        const std::uint64_t before = *removed;
        do {
            if (impl_->clock.mono_ns() >= until) return LARDER_E_TIMEOUT;
            const larder_status status = walk.step(256, until);
            *removed = before + walk.removed();
            if (status != LARDER_OK) return status;
        } while (!walk.ended());
    }
    return LARDER_OK;
}

// Copies of one entry stand in several tiers: of each version, the tier that has most.
std::string Cache::Impl::versions_json() {
    const ReadGuard guard;
    const State& s = *state.get();
    constexpr std::uint64_t most_ns = 250'000'000;
    const std::uint64_t until = clock.fine_ns() + most_ns;
    bool whole = true;
    using Versions = std::map<std::uint32_t, std::uint64_t>;
    std::map<std::uint32_t, Versions> shared;
    for (const auto& authority : shared_stops(s, LARDER_NS_NONE)) {
        SharedWalk::Options what;
        what.reads = true;
        std::map<std::uint32_t, Versions> here;
        what.on_entry = [&](const Space& space, std::string_view, const SharedItem& item) {
            if (item.found.any()) ++here[space.runtime->number][item.found.entry.head().version];
        };
        SharedWalk walk(*this, authority, std::move(what));
        do whole = whole && walk.step(256, until) == LARDER_OK && (walk.ended() || clock.fine_ns() < until);
        while (whole && !walk.ended());
        for (const auto& [ns, versions] : here)
            for (const auto& [version, entries] : versions) shared[ns][version] = std::max(shared[ns][version], entries);
    }
    boost::json::object spaces;
    for (const Space& space : s.spaces) {
        if (!space.keeps_entries()) continue;
        Versions kept = shared[space.runtime->number];
        for (const Stop& stop : stops(s, space.runtime->number)) {
            Versions here;
            std::uint64_t cursor = 0;
            do {
                for (const std::string& canonical : scan_keys(stop, cursor, 256, 0))
                    if (const std::uint32_t version = version_of(*this, stop, canonical); version != 0) ++here[version];
                whole = whole && (cursor == 0 || clock.fine_ns() < until);
            } while (cursor != 0 && whole);
            for (const auto& [version, entries] : here) kept[version] = std::max(kept[version], entries);
        }
        boost::json::object entries, migrated;
        for (const auto& [version, n] : kept) entries[std::to_string(version)] = n;
        {
            const std::lock_guard lock(space.runtime->migrated_mutex);
            for (const auto& [version, n] : space.runtime->migrated_from) migrated[std::to_string(version)] = n;
        }
        spaces[space.ns->name] = boost::json::object{{"version", space.ns->version}, {"entries", std::move(entries)}, {"migrated", std::move(migrated)}};
    }
    return boost::json::serialize(boost::json::object{{"versions", std::move(spaces)}, {"counted", whole ? "exact" : "at least"}});
}

// Memory of entries that nobody asks for again comes back by their ttl, by eviction, and by this: a
// slow walk that looks at about a thousand keys a second.
void Cache::Impl::start_sweep() {
    sweep_timer = executor.after(std::chrono::seconds(1), [this] {
        if (stopping.load()) return;
        sweep_some();
        if (options.sweep != 0 && !sweep.over_shared.exchange(true) && !executor.post(true, [this] {
                if (!stopping.load()) sweep_shared();
                sweep.over_shared.store(false);
            }))
            sweep.over_shared.store(false);
        if (!stopping.load()) start_sweep();
    });
}

// Shared stores are counted in the same way, for figures that nobody else has; what was dropped there goes by its
// ttl or by the store's eviction, and by this where it is wanted.
void Cache::Impl::sweep_shared() {
    std::vector<std::shared_ptr<Authority>> now;
    {
        const ReadGuard guard;
        const State* const s = state.get();
        if (s == nullptr) return;  // stores may take long to start, and the first policy comes after them
        now = shared_stops(*s, LARDER_NS_NONE);
    }
    auto& walks = sweep.shared;
    walks.erase(std::remove_if(walks.begin(), walks.end(), [&](const auto& walk) { return std::find(now.begin(), now.end(), walk->authority()) == now.end(); }), walks.end());
    for (const auto& authority : now) {
        const auto mine = [&](const auto& walk) { return walk->authority() == authority; };
        if (std::any_of(walks.begin(), walks.end(), mine)) continue;
        SharedWalk::Options what;
        what.reads = what.removes = options.sweep_removes;
        what.most_bytes = 1u << 20;
        walks.push_back(std::make_shared<SharedWalk>(*this, authority, std::move(what)));
    }
    for (const auto& walk : walks) {
        const std::uint64_t until = clock.mono_ns() + 1'000'000'000;
        if (walk->refused() || walk->step(options.sweep, until) != LARDER_OK || !walk->ended()) continue;
        std::map<std::uint32_t, std::uint64_t> entries;
        const ReadGuard guard;
        for (const Space& space : state.get()->spaces)
            if (const auto seen = walk->seen().find(space.runtime->number); seen != walk->seen().end()) entries[space.runtime->shelf] = seen->second;
        walk->authority()->tier().walked(std::move(entries));
    }
}

void Cache::Impl::sweep_some() {
    const ReadGuard guard;
    const State* s = state.get();
    if (s == nullptr) return;
    const std::vector<Stop> all = stops(*s, LARDER_NS_NONE);
    if (all.empty()) return;
    for (int looked = 0; looked < 1024;) {
        if (sweep.space >= all.size()) {
            sweep.space = 0;
            sweep.cursor = 0;
        }
        const std::vector<std::string> keys = scan_keys(all[sweep.space], sweep.cursor, 128, 0);
        for (const std::string& canonical : keys) {
            bool absent = false;
            look(*this, all[sweep.space], canonical, absent, true);
        }
        looked += static_cast<int>(keys.size()) + 64;
        if (sweep.cursor == 0) ++sweep.space;
    }
}

}  // namespace larder
