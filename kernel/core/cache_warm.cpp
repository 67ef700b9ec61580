// kernel/core/cache_warm.cpp -- one entry made before anybody asks for it, and who asks for what.
//
// It is a load as any other: one at a time for each key, fenced, the source's breaker in front of it, no error
// kept. What is there already, and lasts, is left as it is.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/noted_misses.hpp"

#include <algorithm>

namespace larder {

namespace {
thread_local std::uint64_t misses_of_thread = 0;
}  // namespace

std::uint64_t detail::noted_misses() noexcept { return misses_of_thread; }

namespace {

std::shared_ptr<SourceRun> source_run(const State& s, std::string_view name) {
    for (const auto& run : s.sources)
        if (run->handle.name == name && run->handle.load != nullptr) return run;
    return nullptr;
}

// What loads it; null: nothing does.
std::shared_ptr<const SourceUse> use_of(const State& s, const Space& space, const WarmAsk& ask) {
    if (ask.source.empty()) return space.source != nullptr && space.source->loads() ? space.source : nullptr;
    auto run = source_run(s, ask.source);
    if (run == nullptr) return nullptr;
    auto use = std::make_shared<SourceUse>();
    use->run = std::move(run);
    use->ns = space.runtime->number;
    use->space = space.ns->name;
    use->key = *space.ns->key;
    use->field_names.assign(space.ns->parameters.begin(), space.ns->parameters.begin() + space.ns->fields);
    use->address = ask.address;
    for (const larder_pair& option : ask.options) use->options.emplace_back(view(option.name), view(option.value));
    use->ttl_ms = space.ttl.count();
    return use;
}

}  // namespace

Warmed Cache::warm(const WarmAsk& ask, const larder_call* call) {
    Impl& impl = *impl_;
    Warmed out;
    const std::uint64_t now = impl.clock.mono_ns(), until = impl.deadline(call, now);
    std::shared_ptr<const SourceUse> use;
    std::string canonical;
    std::uint64_t hash = 0;
    {
        const ReadGuard guard;
        const State& s = *impl.state.get();
        const Space* space = s.space(ask.ns);
        std::string buffer;
        FieldedKey key;
        if (space == nullptr || !space->keeps_entries() || ask.key.size() > impl.options.max_key_bytes ||
            !make_key(*space, impl.names, ask.key, buffer, key)) {
            out.status = LARDER_E_INVALID;
            return out;
        }
        use = use_of(s, *space, ask);
        if (use == nullptr) {
            out.status = LARDER_E_CONFIG;
            return out;
        }
        if (!ask.force) {
            const Found found = impl.lookup(s, *space, key, LARDER_CALL_PEEK, now, until);
            const std::int64_t left = found.verdict == Verdict::live ? impl.ttl_left(found.entry.head(), now) : 0;
            if (left < 0 || left > ask.lasting.count()) {
                out.is = Warmed::Is::fresh;
                return out;
            }
        }
        canonical = key.canonical;
        hash = key.hash;
    }
    const Impl::Ahead done = impl.load_ahead(ask.ns, ask.key, [&] { return impl.load_from(*use, canonical, until, &ask); }, until);
    out.took_us = done.cost_us;
    out.bytes = done.bytes;
    out.status = done.status;
    if (done.flying) out.is = Warmed::Is::flying;
    else if (done.status < 0) out.is = Warmed::Is::failed;
    else if (done.status == LARDER_MISS) out.is = Warmed::Is::absent;
    else out.is = done.kept ? Warmed::Is::loaded : Warmed::Is::lost;
    if (out.is != Warmed::Is::loaded) return out;
    const ReadGuard guard;
    const Space* space = impl.state.get()->space(ask.ns);
    EntryKey key;
    if (space == nullptr || !find_key(*space, impl.names, ask.key, key)) return out;
    space->runtime->count(SpaceDetail::warmed);
    if (ask.reason == LARDER_WARM_PREDICTED && impl.accesses.on()) {
        impl.accesses.watch(hash, impl.clock.wall_ms() + static_cast<std::uint64_t>(space->ttl.count() == 0 ? default_absolute_limit.count() : space->ttl.count()));
        impl.note_access(*space, key, LARDER_ACCESS_PRELOADED, 0, static_cast<std::uint32_t>(std::min<std::uint64_t>(done.cost_us, UINT32_MAX)));
    }
    return out;
}

bool Cache::has_source(std::uint32_t ns, std::string_view source) const {
    const ReadGuard guard;
    const State& s = *impl_->state.get();
    const Space* space = s.space(ns);
    if (space == nullptr || !space->keeps_entries()) return false;
    return source.empty() ? space->source != nullptr && space->source->loads() : source_run(s, source) != nullptr;
}

AccessSamples& Cache::accesses() { return impl_->accesses; }

void Cache::Impl::note_access(const Space& space, const EntryKey& key, std::uint32_t what, std::uint32_t weight, std::uint32_t cost_us) const {
    const std::uint64_t now_ms = clock.wall_ms();
    if (what == LARDER_ACCESS_MISS) ++misses_of_thread;
    if (what == LARDER_ACCESS_FIRST_HIT && !accesses.seen(key.hash, now_ms)) return;
    accesses.add(space.runtime->number, what, space.ns->key->raw(key.canonical), key.hash, weight, cost_us, now_ms);
}

void Cache::Impl::note_measured(std::uint32_t ns, std::string_view raw) {
    const ReadGuard guard;
    const Space* space = state.get()->space(ns);
    EntryKey key;
    if (space == nullptr || !space->keeps_entries() || !find_key(*space, names, raw, key)) return;
    // With the key as it was asked for: on a hit nothing is allocated.
    accesses.add(space->runtime->number, LARDER_ACCESS_HIT, raw, key.hash, detail::sample_every, 0, clock.wall_ms());
}

}  // namespace larder
