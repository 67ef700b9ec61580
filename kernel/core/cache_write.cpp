// kernel/core/cache_write.cpp -- put, remove, conditional writes, time limits.
//
// A write holds the stripe of its key while it goes through the tiers, from the bottom up: so two
// writers leave the same order in every tier, a conditional write reads and writes as one step, and
// the fence check of a fill is one step with its put.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/run_or_post.hpp"

#include <algorithm>

namespace larder {
namespace {

// `with` values become tags: a handful of short texts.
bool reasonable(const larder_pair* with, std::size_t count) {
    return count <= max_with_pairs && std::all_of(with, with + count, [](const larder_pair& pair) {
               return pair.name.size <= max_with_bytes && pair.value.size <= max_with_bytes;
           });
}

}  // namespace

Ms Cache::Impl::absolute_limit(const Space& space) const {
    Ms limit = default_absolute_limit;
    if (space.ns->ttl) {
        if (space.ns->ttl->at_most.count() > 0) return space.ns->ttl->at_most;
        limit = std::max(limit, space.ns->ttl->ttl);
        for (const dsl::DatedTtl& dated : space.ns->ttl->dated) limit = std::max(limit, dated.ttl);
    }
    return limit;
}

std::vector<ScopeId> unsaid_scopes(const State& s, const Space& space, const ScopeNames& names, std::string_view canonical, const Envelope& envelope) {
    std::vector<larder_pair> with;
    for (const auto& [name, text] : envelope.with) with.push_back({bytes_of(name), bytes_of(text)});
    FieldedKey key;
    ScopeList said;
    if (make_fields(space, names, canonical, key)) entry_scopes(s, space, names, key, with.data(), with.size(), said);
    std::vector<ScopeId> own;
    for (const ScopeId scope : envelope.scopes)
        if (std::find(said.ids().begin(), said.ids().end(), scope) == said.ids().end()) own.push_back(scope);
    return own;
}

Remade::Remade(const Space& space, Cache::Impl& impl, const Found& found, std::span<const ScopeId> more) {
    const EnvelopeView& entry = found.entry;
    for (const ScopeId scope : space.chain) scopes_.add(scope);
    for (const ScopeId scope : found.scopes) scopes_.add(scope);
    for (std::size_t i = 0; i < entry.head().scopes; ++i) scopes_.add(entry.scope(i));
    for (const ScopeId scope : more) scopes_.add(scope);
    entry.with(with_);
    envelope_.head = entry.head();
    if (found.verdict == Verdict::live) envelope_.head.mark = found.epoch;
    envelope_.dictionary = entry.dictionary();
    envelope_.cost_us = entry.cost_us();
    envelope_.scopes = scopes_.ids();
    envelope_.with = with_;
    envelope_.ban_epoch = impl.bans.epoch();
    envelope_.ban_number = found.ban_number;
    good_ = !scopes_.overflowed();
    if (good_ && !space.all_headed && space.authority == nullptr) {
        const Digest digest = stamp_scopes(impl.records, scopes_.ids());
        envelope_.drop_digest = digest.drop;
        envelope_.expire_digest = digest.expire;
        envelope_.schema = space.schema;
        good_ = digest.changed <= envelope_.head.mark;
    }
}

larder_status Cache::Impl::put_in(const SpaceTier& use, const Space& space, const EntryKey& key, const Envelope& envelope,
                                  std::string_view payload, std::uint32_t flags, std::uint64_t now_ns, std::uint64_t deadline_ns,
                                  std::uint64_t over) {
    thread_local std::string bytes;
    const EnvelopeHead& head = envelope.head;
    const std::uint64_t age_ms = head.age_ms(now_ns);
    const std::uint64_t left_ms = head.hard_ms == 0 ? 0 : head.hard_ms - std::min(age_ms, head.hard_ms - 1);
    larder_put put{};
    put.struct_size = sizeof put;
    put.flags = flags;
    put.version = put.if_version = head.id;
    if (over != 0) put.if_version = over;
    put.ttl_ms = use.life_ms(left_ms);
    if (use.tier->headed()) {
        put.flags |= LARDER_PUT_HEADED;
        encode_headed(envelope, envelope.scopes.subspan(space.chain.size()), key.hash, space.generation, !space.all_headed, put.ttl_ms == left_ms ? head.hard_ms : put.ttl_ms, payload, bytes);
    } else {
        Envelope whole = envelope;
        whole.binding = key.binding;
        whole.schema = space.schema;
        encode_envelope(whole, payload, bytes);
    }
    put.value = bytes_of(bytes);
    const larder_status status = use.tier->put(key.store_key(space.runtime->shelf.load(std::memory_order_acquire)), put, now_ns, deadline_ns);
    if (bytes.capacity() > (1u << 20)) std::string().swap(bytes);
    return status;
}

larder_status Cache::Impl::put_entry(const Space& space, const EntryKey& key, const Envelope& envelope, std::string_view payload,
                                     std::uint64_t now_ns, std::uint64_t deadline_ns, bool above_only) {
    if (space.demotes) return put_demoting(space, key, envelope, payload, now_ns, deadline_ns);
    larder_status outcome = LARDER_E_TOO_LARGE;
    bool failed = false, taken = false;
    for (std::size_t i = space.tiers.size(); i-- > 0;) {
        if (above_only && space.tiers[i].tier->foreign()) continue;
        const larder_status status = put_in(space.tiers[i], space, key, envelope, payload, 0, now_ns, deadline_ns);
        if (status == LARDER_OK) {
            taken = true;
            space.tiers[i].tier->unremoved().settle(key.binding);
            continue;
        }
        outcome = status;
        failed = true;
        // What is there now is older than what the other tiers hold.
        take_out(space.tiers[i], space, key, now_ns, deadline_ns);
    }
    if (failed) space.runtime->count(SpaceCount::errors);
    return taken ? LARDER_OK : outcome;
}

larder_status Cache::Impl::write_entry(const State& s, const Space& space, const FieldedKey& key, NewEntry& entry,
                                       std::uint64_t now_ns, std::uint64_t deadline_ns) {
    return space.below != nullptr ? write_far(s, space, key, entry, now_ns, deadline_ns) : write_near(s, space, key, entry, now_ns, deadline_ns);
}

larder_status Cache::Impl::write_near(const State& s, const Space& space, const FieldedKey& key, NewEntry& entry,
                                      std::uint64_t now_ns, std::uint64_t deadline_ns) {
    if (tape.on()) [[unlikely]] tape_put(space, key, entry, now_ns);
    std::string left;
    // The caller's view again when this returns: `left` is gone by then.
    const struct Restored {
        NewEntry& entry;
        const std::string_view value;
        ~Restored() { entry.value = value; }
    } restored{entry, entry.value};
    if (!space.ns->never_store.empty() && !entry.absent && !may_store(space, key, entry.value, left)) {
        entry.kept = false;
        // What stands there is older than what was to be put.
        if (const FencePoint* fence = entry.fence) end_load(space, key, fence->lease, now_ns);
        erase(space, key, now_ns, deadline_ns, {"never store", 0});
        return LARDER_E_REFUSED;
    }
    if (entry.value.size() > space.max_bytes) {
        space.runtime->count(SpaceCount::refused);
        return LARDER_E_TOO_LARGE;
    }
    const FencePoint point = entry.fence != nullptr ? *entry.fence : FencePoint{records.epoch(), bans.number()};
    ScopeList scopes;
    entry_scopes(s, space, names, key, entry.with, entry.with_count, scopes);
    if (scopes.overflowed()) {
        space.runtime->count(SpaceCount::refused);
        return LARDER_E_TOO_LARGE;
    }
    Digest digest;
    if (!space.all_headed && space.authority == nullptr) digest = stamp_scopes(records, scopes.ids());
    if (entry.fence != nullptr && overtaken(point, space, key, scopes.ids())) {
        space.runtime->count(SpaceCount::fenced);
        entry.kept = false;
        if (point.lease != 0 && space.authority != nullptr) space.authority->end_load(space.physical(*space.authority, key.canonical), point.lease, now_ns);
        return LARDER_OK;
    }
    const std::uint64_t count = stripe(key).writes.fetch_add(1, std::memory_order_acq_rel);

    Envelope envelope;
    EnvelopeHead& head = envelope.head;
    head.mark = point.epoch;
    head.id = entry.id = entry.id != 0 ? entry.id : space.all_headed ? headed_id(now_ns, count) : random.next();
    head.created_ns = now_ns;
    head.version = static_cast<std::uint16_t>(space.ns->version);
    head.raw_size = static_cast<std::uint32_t>(entry.value.size());
    if (entry.absent) {
        head.flags |= envelope_absent;
        head.soft_ms = static_cast<std::uint64_t>(space.ns->absent->count());
    } else if (entry.ttl_ms > 0) {
        head.flags |= envelope_dated;
        head.soft_ms = static_cast<std::uint64_t>(entry.ttl_ms);
        if (space.ns->ttl) head.soft_ms = std::min(head.soft_ms, static_cast<std::uint64_t>(absolute_limit(space).count()));
    } else if (entry.ttl_ms == 0) {
        head.soft_ms = static_cast<std::uint64_t>(entry_ttl(space, key, clock, random).count());
        if (space.ns->ttl && space.ns->ttl->sliding) head.flags |= envelope_sliding;
    } else {
        head.soft_ms = space.ns->ttl ? static_cast<std::uint64_t>(absolute_limit(space).count()) : 0;
    }
    head.hard_ms = head.soft_ms == 0 ? 0 : head.soft_ms + (entry.absent ? 0 : static_cast<std::uint64_t>(space.stale.count()));

    const Packed packed = entry.absent ? Packed{} : pack(space, entry.value);
    head.codec = packed.codec;
    envelope.dictionary = packed.dictionary;
    const std::string_view payload = entry.absent ? std::string_view{} : packed.codec != 0 ? packed.bytes : entry.value;
    head.stored_size = static_cast<std::uint32_t>(payload.size());

    std::vector<std::pair<std::string_view, std::string_view>> with;
    for (std::size_t i = 0; i < entry.with_count; ++i) with.emplace_back(view(entry.with[i].name), view(entry.with[i].value));
    envelope.with = with;
    envelope.scopes = scopes.ids();
    envelope.drop_digest = digest.drop;
    envelope.expire_digest = digest.expire;
    envelope.cost_us = entry.cost_us;
    envelope.ban_epoch = bans.epoch();
    envelope.ban_number = point.ban_number;

    constexpr std::size_t around = 64;  // about what a store keeps besides
    if (entry.absent && !absents.take(around + scopes.ids().size_bytes() + key.canonical.size(), space.capacity, head.hard_ms * 1'000'000, now_ns)) {
        space.runtime->count(SpaceCount::refused);
        return LARDER_E_TOO_LARGE;
    }
    const larder_status status = space.authority != nullptr ? put_shared(space, key, entry, envelope, payload, now_ns, deadline_ns)
                                                            : put_entry(space, key, envelope, payload, now_ns, deadline_ns, entry.fence != nullptr && entry.fence->newer);
    if (status == LARDER_OK) {
        space.runtime->count(SpaceCount::puts);
        space.runtime->count(SpaceDetail::put_bytes, entry.value.size());
    }
    return status;
}

bool Cache::Impl::set_one(const State& s, larder_cache_set& item, const larder_call* call, std::uint64_t now, const Tier::Then* later) {
    item.old = {};
    item.version = 0;
    item.kept = 1;
    const Space* space = s.space(item.ns);
    const std::uint64_t until = deadline(call, now);
    thread_local std::string buffer;
    FieldedKey key;
    const bool absent = (item.flags & LARDER_SET_ABSENT) != 0;
    if (space == nullptr || !space->keeps_entries() || item.key.size > options.max_key_bytes ||
        !make_key(*space, names, view(item.key), buffer, key) || (absent && !space->ns->absent) ||
        !reasonable(item.with, item.with_count)) {
        item.status = LARDER_E_INVALID;
        return false;
    }
    std::optional<FencePoint> fence;
    if ((item.flags & LARDER_SET_FENCED) != 0) fence = fences.take(key.hash, call != nullptr ? call->client : 0, now);
    if (fence && fence->at_ns != 0) {  // from its miss to its value the client loaded
        space->runtime->loads.add(now - std::min(now, fence->at_ns));
        log_miss(*space, key, now - std::min(now, fence->at_ns));
    }

    const std::lock_guard lock(stripe(key).mutex);
    constexpr std::uint32_t conditions = LARDER_SET_IF_ABSENT | LARDER_SET_IF_PRESENT | LARDER_SET_IF_VERSION |
                                         LARDER_SET_KEEP_TTL | LARDER_SET_RETURN_OLD;
    std::int64_t ttl = item.ttl_ms;
    std::optional<std::uint64_t> replaces;
    Found found;
    if ((item.flags & conditions) != 0) {
        if (space->authority != nullptr) {
            // Judged there, and written only over what was judged.
            std::uint64_t stands = 0;
            larder_status status = LARDER_MISS;
            found = present_shared(s, space->below != nullptr ? *space->below : *space, key, now, until, stands, status);
            if (status < 0) {
                item.status = status;
                return false;
            }
            replaces = stands;
        } else {
            found = present(s, *space, key, now, until);
        }
        // What the caller will not get to read is not there for it, either.
        if (found.any()) found = readable(*space, key, std::move(found));
        const bool there = found.any();
        const std::uint64_t id = there ? found.entry.head().id : 0;
        if (there && (item.flags & LARDER_SET_KEEP_TTL) != 0) ttl = ttl_left(found.entry.head(), now);
        if (there && (item.flags & LARDER_SET_RETURN_OLD) != 0 && take_value(s, *space, key, found, item.old) == LARDER_PENDING) {
            fetch_dictionaries(*space);
            take_value(s, *space, key, found, item.old);
        }
        item.version = id;
        if ((item.flags & LARDER_SET_IF_ABSENT) != 0 && (there || found.newer)) item.status = LARDER_EXISTS;
        else if ((item.flags & LARDER_SET_IF_PRESENT) != 0 && !there) item.status = LARDER_MISS;
        else if ((item.flags & LARDER_SET_IF_VERSION) != 0 && id != item.if_version) item.status = LARDER_E_CONFLICT;
        else item.status = LARDER_OK;
        if (item.status != LARDER_OK) return false;
    }
    NewEntry entry;
    entry.value = view(item.value);
    entry.ttl_ms = ttl;
    entry.absent = absent;
    entry.with = item.with;
    entry.with_count = item.with_count;
    entry.fence = fence && !replaces ? &*fence : nullptr;
    entry.replaces = replaces;
    if (replaces && found.any()) entry.judged = &found;
    entry.later = later;
    const larder_status status = write_entry(s, *space, key, entry, now, until);
    item.version = entry.id;
    if (status == LARDER_PENDING) return true;
    item.status = status;
    item.kept = entry.kept ? 1 : 0;
    return false;
}

void Cache::Impl::erase(const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns, const Cause& cause) {
    SharedChanges changes(*this, *state.get());
    change_own_scope(space, key, false, cause);
    SharedChanges::remove(space, key.canonical);
    stripe(key).writes.fetch_add(1, std::memory_order_seq_cst);
    if (space.authority != nullptr) {
        forget_above(space, key, now_ns);
        changes.send(now_ns, deadline_ns);
        return;
    }
    if (space.demotes) demotions->moved(key.canonical);
    for (std::size_t i = space.tiers.size(); i-- > 0;) take_out(space.tiers[i], space, key, now_ns, deadline_ns);
    if (space.demotes) demotions->moved(key.canonical);
}

void Cache::Impl::take_out(const SpaceTier& use, const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    const larder_status status = use.tier->remove(key.store_key(space.runtime->shelf), 0, now_ns, deadline_ns);
    if (use.tier->headed()) return;
    if (status < 0) use.tier->unremoved().add(key.binding, now_ns);
    else use.tier->unremoved().settle(key.binding);
}

bool Cache::Impl::remove_one(const Space& space, const EntryKey& key, const larder_call* call, const Cause& cause) {
    const std::uint64_t now = clock.mono_ns(), until = deadline(call, now);
    const std::lock_guard lock(stripe(key).mutex);
    const bool there = present(*state.get(), space.below != nullptr ? *space.below : space, key, now, until).any();
    erase(space, key, now, until, cause);
    if (cause.client != 0) fences.forget(key.hash, cause.client);
    space.runtime->count(SpaceCount::removes);
    if (tape.on()) [[unlikely]] tape_key(TapedKind::remove, space, key, 0, now);
    return there;
}

larder_status Cache::Impl::set_life(const Space& space, const EntryKey& key, const Found& found, std::int64_t ttl_ms,
                                    std::uint64_t now_ns, std::uint64_t deadline_ns) {
    if (tape.on()) [[unlikely]] tape_key(TapedKind::life, space, key, ttl_ms, now_ns);
    EnvelopeHead head = found.entry.head();
    const std::uint64_t age_ms = head.age_ms(now_ns);
    const std::uint64_t stale = head.hard_ms > head.soft_ms ? head.hard_ms - head.soft_ms : static_cast<std::uint64_t>(space.stale.count());
    if (ttl_ms < 0) {
        head.soft_ms = head.hard_ms = 0;
    } else {
        head.soft_ms = age_ms + static_cast<std::uint64_t>(ttl_ms);
        head.hard_ms = head.soft_ms + stale;
    }
    return touch_tiers(space, key, head, now_ns, deadline_ns);
}

namespace {

bool may_wait(const State& s, std::uint32_t ns) {
    const Space* space = s.space(ns);
    return space != nullptr && (!space->all_sync() || space->source != nullptr);
}

bool may_wait(Cache::Impl& impl, std::uint32_t ns) {
    const ReadGuard guard;
    return may_wait(*impl.state.get(), ns);
}

bool any_may_wait(Cache::Impl& impl, const larder_cache_set* items, std::size_t n) {
    const ReadGuard guard;
    const State& s = *impl.state.get();
    constexpr std::uint32_t conditions = LARDER_SET_IF_ABSENT | LARDER_SET_IF_PRESENT | LARDER_SET_IF_VERSION | LARDER_SET_KEEP_TTL | LARDER_SET_RETURN_OLD;
    return std::any_of(items, items + n, [&](const larder_cache_set& item) {
        const Space* const space = s.space(item.ns);
        if (space == nullptr || !space->demotes || (item.flags & conditions) != 0) return may_wait(s, item.ns);
        return impl.may_wait_to_put(*space, view(item.key));
    });
}

template <class Item>
bool any_may_wait(Cache::Impl& impl, const Item* items, std::size_t n) {
    const ReadGuard guard;
    return std::any_of(items, items + n, [&](const Item& item) { return may_wait(*impl.state.get(), item.ns); });
}

}  // namespace

larder_status Cache::set_many(larder_cache_set* items, std::size_t n, const larder_call* call) {
    if (detail::sample_now()) [[unlikely]] return impl_->measured_set(*this, items, n, call);
    if (impl_->sourced.load(std::memory_order_relaxed)) [[unlikely]]
        if (const auto status = impl_->set_sourced(*this, {items, n}, call)) return *status;
    if (const larder_status begun = impl_->set_shared({items, n}, call); begun != LARDER_E_UNSUPPORTED) return begun;
    return run_or_post(*impl_, any_may_wait(*impl_, items, n), call, [impl = impl_.get(), items, n](const larder_call* c) {
        const ReadGuard guard;
        const State& s = *impl->state.get();
        const std::uint64_t now = impl->clock.mono_ns();
        for (std::size_t i = 0; i < n; ++i) impl->set_one(s, items[i], c, now);
        return larder_status{LARDER_OK};
    });
}

larder_status Cache::remove_many(larder_cache_key* items, std::size_t n, const larder_call* call) {
    if (impl_->sourced.load(std::memory_order_relaxed)) [[unlikely]]
        if (const auto status = impl_->remove_sourced({items, n}, call)) return *status;
    return run_or_post(*impl_, any_may_wait(*impl_, items, n), call, [impl = impl_.get(), items, n](const larder_call* c) {
        const ReadGuard guard;
        const State& s = *impl->state.get();
        for (std::size_t i = 0; i < n; ++i) {
            const Space* space = s.space(items[i].ns);
            EntryKey key;
            if (space == nullptr || !space->keeps_entries() || !find_key(*space, impl->names, view(items[i].key), key)) {
                items[i].status = LARDER_E_INVALID;
                continue;
            }
            const Cause cause{"DEL", c != nullptr ? c->client : 0};
            items[i].status = impl->remove_one(*space, key, c, cause) ? LARDER_OK : LARDER_MISS;
        }
        return larder_status{LARDER_OK};
    });
}

larder_status Cache::update(std::uint32_t ns, std::string_view raw, larder_update_fn fn, void* ctx, const larder_call* call) {
    return run_or_post(*impl_, may_wait(*impl_, ns), call, [this, ns, raw, fn, ctx](const larder_call* c) -> larder_status {
        larder_call plain{};
        plain.struct_size = sizeof plain;
        if (c != nullptr) plain = *c;
        plain.done = nullptr;
        plain.flags = 0;
        const std::uint64_t until = impl_->deadline(c, impl_->clock.mono_ns());
        for (;;) {
            larder_cache_get was{};
            was.ns = ns;
            was.key = bytes_of(raw);
            if (!impl_->get_far(was, until)) get_many(&was, 1, &plain);
            const Pinned old(was.value);
            if (was.status < 0) return was.status;
            const bool present = was.status == LARDER_OK && (was.found & LARDER_FOUND_ABSENT) == 0;
            larder_value replacement{};
            std::int64_t ttl = present ? was.ttl_ms : 0;
            const larder_status wish = fn(ctx, present ? larder_bytes{was.value.data, was.value.size} : larder_bytes{nullptr, 0}, &replacement, &ttl);
            Pinned wanted(replacement);
            if (wish == LARDER_EXISTS) return LARDER_OK;
            if (wish != LARDER_OK && wish != LARDER_MISS) return wish;
            if (wish == LARDER_MISS) {
                if (!present) return LARDER_OK;
                larder_cache_key gone{ns, LARDER_OK, bytes_of(raw)};
                remove_many(&gone, 1, &plain);
                return LARDER_OK;
            }
            larder_cache_set item{};
            item.ns = ns;
            item.key = bytes_of(raw);
            item.value = wanted.bytes();
            item.flags = LARDER_SET_IF_VERSION;
            item.if_version = present ? was.version : 0;
            item.ttl_ms = present && ttl == was.ttl_ms ? 0 : ttl;
            if (present && ttl == was.ttl_ms) item.flags |= LARDER_SET_KEEP_TTL;
            set_many(&item, 1, &plain);
            if (item.status != LARDER_E_CONFLICT) return item.status;
            if (impl_->clock.mono_ns() >= until) return LARDER_E_TIMEOUT;
        }
    });
}

namespace {

// Finds the live entry of `raw` and hands it to fn with its stripe held.
template <class Fn>
larder_status with_live(Cache::Impl& impl, std::uint32_t ns, std::string_view raw, const larder_call* call, Fn&& fn) {
    const ReadGuard guard;
    const State& s = *impl.state.get();
    const Space* space = s.space(ns);
    EntryKey key;
    if (space == nullptr || !space->keeps_entries() || !find_key(*space, impl.names, raw, key)) return LARDER_E_INVALID;
    const std::uint64_t now = impl.clock.mono_ns(), until = impl.deadline(call, now);
    const std::lock_guard lock(impl.stripe(key).mutex);
    const Space& where = space->below != nullptr ? *space->below : *space;
    Found found = impl.present(s, where, key, now, until);
    if (!found.any()) return LARDER_MISS;
    const larder_status status = fn(s, where, key, found, now, until);
    if (space->below != nullptr) impl.forget_copies(*space, key, now, until);
    return status;
}

}  // namespace

larder_status Cache::expire(std::uint32_t ns, std::string_view key, std::int64_t ttl_ms, std::uint32_t flags, const larder_call* call) {
    return run_or_post(*impl_, may_wait(*impl_, ns), call, [this, ns, key, ttl_ms, flags](const larder_call* c) {
        return with_live(*impl_, ns, key, c, [&](const State&, const Space& space, const EntryKey& k, Found& found, std::uint64_t now, std::uint64_t until) -> larder_status {
            const std::int64_t left = impl_->ttl_left(found.entry.head(), now);
            const bool none = left < 0;
            if ((flags & LARDER_EXPIRE_IF_NONE) != 0 && !none) return LARDER_EXISTS;
            if ((flags & LARDER_EXPIRE_IF_ANY) != 0 && none) return LARDER_EXISTS;
            if ((flags & LARDER_EXPIRE_IF_LATER) != 0 && (none || ttl_ms <= left)) return LARDER_EXISTS;
            if ((flags & LARDER_EXPIRE_IF_SOONER) != 0 && !none && ttl_ms >= left) return LARDER_EXISTS;
            if (ttl_ms <= 0) {
                found.value.reset();
                impl_->erase(space, k, now, until, {"EXPIRE", c != nullptr ? c->client : 0});
                return LARDER_OK;
            }
            std::int64_t ttl = ttl_ms;
            if (space.ns->ttl) ttl = std::min<std::int64_t>(ttl, impl_->absolute_limit(space).count());
            return impl_->set_life(space, k, found, ttl, now, until);
        });
    });
}

larder_status Cache::persist(std::uint32_t ns, std::string_view key, const larder_call* call) {
    return run_or_post(*impl_, may_wait(*impl_, ns), call, [this, ns, key](const larder_call* c) {
        return with_live(*impl_, ns, key, c, [&](const State&, const Space& space, const EntryKey& k, Found& found, std::uint64_t now, std::uint64_t until) -> larder_status {
            const std::int64_t left = impl_->ttl_left(found.entry.head(), now);
            if (!space.ns->ttl) return left < 0 ? larder_status{LARDER_EXISTS} : impl_->set_life(space, k, found, -1, now, until);
            return impl_->set_life(space, k, found, space.ttl.count(), now, until);
        });
    });
}

larder_status Cache::add_dependency(std::uint32_t ns, std::string_view key, std::uint32_t on_ns, std::string_view on_key, const larder_call* call) {
    return with_live(*impl_, ns, key, call, [&](const State& s, const Space& space, const EntryKey& k, Found& found, std::uint64_t now, std::uint64_t until) -> larder_status {
        const Space* on = s.space(on_ns);
        std::string buffer;
        FieldedKey other;
        if (on == nullptr || !on->keeps_entries() || !make_key(*on, impl_->names, on_key, buffer, other)) return LARDER_E_INVALID;
        // The same entry with more scopes: the other's key and all that can drop the other.
        ScopeList others;
        entry_scopes(s, *on, impl_->names, other, nullptr, 0, others);
        others.add(impl_->names.key(on->ns->name, other.canonical));
        others.add(impl_->names.bans_of(on->ns->name));
        if (others.overflowed()) return LARDER_E_TOO_LARGE;
        Remade entry(space, *impl_, found, others.ids());
        if (entry.envelope().scopes.size() == max_scopes && !entry.good()) return LARDER_E_TOO_LARGE;
        if (!entry.good() || impl_->overtaken({found.epoch, found.ban_number}, *on, other, others.ids())) return LARDER_MISS;
        const std::uint64_t count = impl_->stripe(k).writes.fetch_add(1, std::memory_order_acq_rel);
        entry.rename(space.all_headed ? headed_id(found.entry.head().created_ns, count) : impl_->random.next());
        if (space.authority != nullptr) {
            Cache::Impl::NewEntry same;
            same.replaces = found.entry.head().id;
            same.judged = &found;
            Envelope envelope = entry.envelope();
            const std::vector<ScopeId> own = unsaid_scopes(s, space, impl_->names, k.canonical, envelope);
            same.own = own;
            return impl_->put_shared(space, k, same, envelope, found.entry.payload(), now, until);
        }
        return impl_->put_entry(space, k, entry.envelope(), found.entry.payload(), now, until);
    });
}

}  // namespace larder
