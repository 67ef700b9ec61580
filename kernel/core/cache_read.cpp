// kernel/core/cache_read.cpp -- lookup through the tiers, and the verdict on an entry.
//
// A hit in the first tier: read the key, one probe of the store, compare the mark with the epoch, look
// at the deadline, count. Everything else is off that path.
#include "kernel/core/cache_impl.hpp"

#include <algorithm>
#include <cstring>

namespace larder {

std::uint64_t Cache::Impl::deadline(const larder_call* call, std::uint64_t now_ns) const {
    if (call != nullptr && call->deadline_ns != 0) return call->deadline_ns;
    return now_ns + static_cast<std::uint64_t>(options.default_deadline.count()) * 1'000'000;
}

Verdict Cache::Impl::judge(const Space& space, const EntryKey& key, const Tier& tier, larder_bytes bytes,
                           std::uint64_t now_ns, std::uint64_t epoch, EnvelopeView& entry, std::uint64_t& stale_since_ns) {
    const bool foreign = tier.foreign();
    if (EnvelopeView::open(bytes, foreign, foreign, entry) != EnvelopeView::Verdict::good) return Verdict::damaged;
    if (entry.binding() != key.binding) return Verdict::damaged;
    const EnvelopeHead& head = entry.head();
    if (entry.schema() != space.schema || head.version != space.ns->version) return Verdict::gone;

    const std::uint64_t age_ms = head.age_ms(now_ns);
    if (head.hard_ms != 0 && age_ms >= head.hard_ms) return Verdict::gone;
    stale_since_ns = head.soft_ms != 0 && age_ms >= head.soft_ms ? head.created_ns + head.soft_ms * 1'000'000 : 0;

    const bool marks = tier.has(LARDER_STORE_CAP_MARK);
    const std::uint64_t mark = marks ? entry.load_mark() : 0;
    if (marks && mark == epoch) [[likely]] return stale_since_ns == 0 ? Verdict::live : Verdict::stale;

    const auto expired = [&](std::uint64_t at_ns) {
        if (stale_since_ns == 0 || at_ns < stale_since_ns) stale_since_ns = std::max<std::uint64_t>(at_ns, 1);
    };
    bool by_rule = false;
    Record own;
    if (marks && records.find(names.key(space.ns->name, key.canonical), own) && own.changed > mark) return Verdict::gone;
    const Digest digest = read_scopes(records, entry);
    if (!digest.complete || digest.drop != entry.drop_digest()) return Verdict::gone;
    if (digest.expire != entry.expire_digest()) {
        expired(digest.expired_at_ns);
        by_rule = true;
    }
    if (bans.epoch() != entry.ban_epoch()) return Verdict::gone;
    if (bans.number() != entry.ban_number()) {
        std::uint64_t at = 0;
        switch (bans.judge(space.runtime->number, key.canonical, entry.ban_number(), &at)) {
            case BanLog::Verdict::dropped: return Verdict::gone;
            case BanLog::Verdict::expired:
                expired(at);
                by_rule = true;
                break;
            case BanLog::Verdict::clear: break;
        }
    }
    // Only what no rule has expired is verified for good at this epoch.
    if (marks && !by_rule) entry.store_mark(epoch);
    return stale_since_ns == 0 ? Verdict::live : Verdict::stale;
}

Found Cache::Impl::lookup(const Space& space, const EntryKey& key, std::size_t from, std::size_t to, std::uint32_t flags,
                          std::uint64_t now_ns, std::uint64_t deadline_ns) {
    Found best;
    const std::uint64_t epoch = records.epoch();
    const std::uint64_t writes = stripe(key).writes.load(std::memory_order_acquire);
    const larder_key store_key = key.store_key(space.runtime->shelf.load(std::memory_order_acquire));
    for (std::size_t i = from; i < to; ++i) {
        Tier& tier = *space.tiers[i].tier;
        Found found;
        found.tier = i;
        const larder_status status = tier.get(store_key, flags, now_ns, deadline_ns, found.value);
        if (status != LARDER_OK) {
            if (status < 0 && status != LARDER_E_CLOSED) space.runtime->count(SpaceCount::errors);
            continue;
        }
        found.verdict = judge(space, key, tier, found.value.bytes(), now_ns, epoch, found.entry, found.stale_since_ns);
        switch (found.verdict) {
            case Verdict::live:
                if (i > 0) promote(space, key, found, writes, now_ns);
                return found;
            case Verdict::stale:
                if (!best.any()) best = std::move(found);
                break;
            case Verdict::damaged:
                space.runtime->count(SpaceCount::damaged);
                tier.remove(store_key, 0, now_ns, deadline_ns);
                break;
            case Verdict::gone: {
                space.runtime->count(SpaceCount::dropped);
                const std::uint64_t id = found.entry.head().id;
                found.value.reset();
                tier.remove(store_key, id, now_ns, deadline_ns);
                break;
            }
        }
    }
    return best;
}

Found Cache::Impl::present(const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    for (std::size_t i = 0; i < space.tiers.size(); ++i) {
        Found found;
        found.tier = i;
        found.epoch = records.epoch();
        Tier& tier = *space.tiers[i].tier;
        if (tier.get(key.store_key(space.runtime->shelf), LARDER_CALL_PEEK, now_ns, deadline_ns, found.value) != LARDER_OK) continue;
        found.verdict = judge(space, key, tier, found.value.bytes(), now_ns, found.epoch, found.entry, found.stale_since_ns);
        if (found.verdict != Verdict::live) continue;
        if ((found.entry.head().flags & envelope_absent) != 0) break;
        return found;
    }
    return {};
}

void Cache::Impl::promote(const Space& space, const EntryKey& key, const Found& found, std::uint64_t writes_before, std::uint64_t now_ns) {
    const EnvelopeHead& head = found.entry.head();
    const std::uint64_t age_ms = head.age_ms(now_ns);
    Stripe& s = stripe(key);
    const std::lock_guard lock(s.mutex);
    // A write came between: what was read may be older than what it left above.
    if (s.writes.load(std::memory_order_acquire) != writes_before) return;
    for (std::size_t i = 0; i < found.tier; ++i) {
        if (!space.tiers[i].tier->sync()) continue;
        larder_put put{};
        put.struct_size = sizeof put;
        put.value = found.value.bytes();
        put.version = head.id;
        put.ttl_ms = space.tiers[i].life_ms(head.hard_ms == 0 ? 0 : head.hard_ms - age_ms);
        space.tiers[i].tier->put(key.store_key(space.runtime->shelf), put, now_ns, 0);
    }
}

std::int64_t Cache::Impl::ttl_left(const EnvelopeHead& head, std::uint64_t now_ns) const {
    if (head.soft_ms == 0) return -1;
    const std::uint64_t age_ms = head.age_ms(now_ns);
    return age_ms >= head.soft_ms ? 0 : static_cast<std::int64_t>(head.soft_ms - age_ms);
}

larder_status Cache::Impl::take_value(const State& s, const Space& space, const EntryKey& key, Found& found, larder_value& out) {
    const EnvelopeHead& head = found.entry.head();
    const std::string_view payload = found.entry.payload();
    if (head.codec == 0) {
        out = found.value.give();
        out.data = payload.data();
        out.size = payload.size();
        return LARDER_OK;
    }
    const CodecHandle* codec = head.codec < s.by_codec.size() ? s.by_codec[head.codec] : nullptr;
    if (codec != nullptr && head.raw_size <= options.max_value_bytes) {
        std::string raw(head.raw_size, '\0');
        std::size_t size = raw.size();
        if (codec->table->decompress(codec->self, bytes_of(payload), raw.data(), &size) == LARDER_OK && size == raw.size()) {
            out = owned_value(std::move(raw));
            return LARDER_OK;
        }
    }
    space.runtime->count(SpaceCount::damaged);
    space.tiers[found.tier].tier->remove(key.store_key(space.runtime->shelf), head.id, clock.mono_ns(), 0);
    return LARDER_E_CORRUPT;
}

void Cache::Impl::slide(const Space& space, const EntryKey& key, const Found& found, std::uint64_t now_ns) {
    EnvelopeHead head = found.entry.head();
    const auto ttl = static_cast<std::uint64_t>(space.ttl.count());
    const std::uint64_t age_ms = head.age_ms(now_ns);
    const std::uint64_t wanted = std::min(age_ms + ttl, static_cast<std::uint64_t>(absolute_limit(space).count()));
    // Not at every hit: an eighth of the ttl is near enough, and most hits write nothing.
    if (wanted < head.soft_ms + ttl / 8) return;
    head.hard_ms = wanted + (head.hard_ms - head.soft_ms);
    head.soft_ms = wanted;
    touch_tiers(space, key, head, now_ns, 0);
}

larder_status Cache::Impl::touch_tiers(const Space& space, const EntryKey& key, const EnvelopeHead& head,
                                       std::uint64_t now_ns, std::uint64_t deadline_ns) {
    unsigned char patch[envelope_patch_size];
    encode_patch(head, patch);
    larder_touch touch{};
    touch.struct_size = sizeof touch;
    touch.patch_offset = envelope_patch_offset;
    touch.patch = {patch, sizeof patch};
    touch.if_version = head.id;
    const std::uint64_t age_ms = head.age_ms(now_ns);
    const std::uint64_t left_ms = head.hard_ms == 0 ? 0 : head.hard_ms - std::min(head.hard_ms - 1, age_ms);
    larder_status outcome = LARDER_MISS;
    for (std::size_t i = space.tiers.size(); i-- > 0;) {
        touch.ttl_ms = space.tiers[i].life_ms(left_ms);
        const larder_status status = space.tiers[i].tier->touch(key.store_key(space.runtime->shelf), touch, now_ns, deadline_ns);
        if (status == LARDER_OK) outcome = LARDER_OK;
        else if (outcome != LARDER_OK && status < 0) outcome = status;
    }
    return outcome;
}

void Cache::Impl::fill_item(const State& s, const Space& space, const EntryKey& key, Found& found, std::uint32_t flags,
                            std::uint64_t now_ns, larder_cache_get& item) {
    const EnvelopeHead head = found.entry.head();
    item.ttl_ms = ttl_left(head, now_ns);
    item.version = head.id;
    item.status = LARDER_OK;
    if (found.verdict == Verdict::stale) item.found |= LARDER_FOUND_STALE;
    if ((head.flags & envelope_absent) != 0) item.found |= LARDER_FOUND_ABSENT;
    if (found.verdict == Verdict::live && (head.flags & envelope_sliding) != 0) slide(space, key, found, now_ns);
    if ((flags & LARDER_GET_META) == 0) item.status = take_value(s, space, key, found, item.value);
}

void Cache::Impl::get_one(const State& s, larder_cache_get& item, const larder_call* call, bool sync_only) {
    const Space* space = s.space(item.ns);
    item.value = {};
    item.found = 0;
    item.ttl_ms = 0;
    item.version = 0;
    if (space == nullptr || !space->keeps_entries() || item.key.size > options.max_key_bytes) {
        item.status = LARDER_E_INVALID;
        return;
    }
    thread_local std::string buffer;
    EntryKey key;
    if (!make_key(*space, names, view(item.key), buffer, key)) {
        item.status = LARDER_E_INVALID;
        return;
    }
    const std::uint32_t flags = call != nullptr ? call->flags : 0;
    const std::uint64_t now = clock.mono_ns();
    // Taken before the look, so that a change during it is later than the point.
    FencePoint point{};
    if ((flags & LARDER_GET_FENCE) != 0) point = {records.epoch(), bans.number()};
    const std::size_t to = sync_only ? space->sync_tiers : space->tiers.size();
    Found found = lookup(*space, key, 0, to, flags & LARDER_CALL_PEEK, now, deadline(call, now));
    if (found.verdict == Verdict::live) [[likely]] {
        fill_item(s, *space, key, found, flags, now, item);
        if (item.status == LARDER_OK) [[likely]] {
            space->runtime->count((item.found & LARDER_FOUND_ABSENT) != 0 ? SpaceCount::absent : SpaceCount::hits);
            return;
        }
        item.status = LARDER_MISS;  // undecodable: counted as damaged, removed
    } else if (to < space->tiers.size()) {
        item.status = LARDER_PENDING;
        return;
    } else {
        item.status = LARDER_MISS;
    }
    space->runtime->count(SpaceCount::misses);
    if ((flags & LARDER_GET_FENCE) != 0) fences.remember(key.hash, call->client, point, now);
}

larder_status Cache::get_many(larder_cache_get* items, std::size_t n, const larder_call* call) {
    bool later = false;
    {
        const ReadGuard guard;
        const State& s = *impl_->state.get();
        for (std::size_t i = 0; i < n; ++i) {
            impl_->get_one(s, items[i], call, true);
            later |= items[i].status == LARDER_PENDING;
        }
    }
    if (!later) [[likely]] return LARDER_OK;
    const auto finish = [impl = impl_.get(), items, n](const larder_call* c) {
        const ReadGuard guard;
        const State& s = *impl->state.get();
        for (std::size_t i = 0; i < n; ++i)
            if (items[i].status == LARDER_PENDING) impl->get_one(s, items[i], c, false);
    };
    if (call == nullptr || call->done == nullptr) {
        finish(call);
        return LARDER_OK;
    }
    const bool taken = impl_->executor.post(true, [finish, copy = *call] {
        finish(&copy);
        copy.done(copy.done_ctx, LARDER_OK, nullptr);
    });
    if (taken) return LARDER_PENDING;
    for (std::size_t i = 0; i < n; ++i)
        if (items[i].status == LARDER_PENDING) items[i].status = LARDER_E_BUSY;
    return LARDER_OK;
}

namespace {

struct Visit {
    Cache::Impl* impl;
    const Space* space;
    const EntryKey* key;
    const Tier* tier;
    std::uint64_t now_ns;
    void (*fn)(void*, larder_bytes) noexcept;
    void* ctx;
    bool done = false;
};

}  // namespace

larder_status Cache::visit(std::uint32_t ns, std::string_view raw, const larder_call* call,
                           void (*fn)(void*, larder_bytes) noexcept, void* ctx) {
    {
        const ReadGuard guard;
        const State& s = *impl_->state.get();
        const Space* space = s.space(ns);
        if (space == nullptr || !space->keeps_entries() || raw.size() > impl_->options.max_key_bytes) return LARDER_E_INVALID;
        thread_local std::string buffer;
        EntryKey key;
        if (!make_key(*space, impl_->names, raw, buffer, key)) return LARDER_E_INVALID;
        if (space->sync_tiers > 0) {
            Visit v{impl_.get(), space, &key, space->tiers[0].tier, impl_->clock.mono_ns(), fn, ctx};
            // Judged in place; what is not a plain live hit takes the general path below.
            space->tiers[0].tier->visit(
                key.store_key(space->runtime->shelf), v.now_ns,
                [](void* context, larder_bytes bytes) noexcept {
                    Visit& visit = *static_cast<Visit*>(context);
                    EnvelopeView entry;
                    std::uint64_t since = 0;
                    if (visit.impl->judge(*visit.space, *visit.key, *visit.tier, bytes, visit.now_ns,
                                          visit.impl->records.epoch(), entry, since) != Verdict::live ||
                        entry.head().codec != 0 || (entry.head().flags & (envelope_absent | envelope_sliding)) != 0)
                        return;
                    visit.done = true;
                    visit.fn(visit.ctx, bytes_of(entry.payload()));
                },
                &v);
            if (v.done) [[likely]] {
                space->runtime->count(SpaceCount::hits);
                return LARDER_OK;
            }
        }
    }
    larder_cache_get item{};
    item.ns = ns;
    item.key = bytes_of(raw);
    larder_call plain{};
    plain.struct_size = sizeof plain;
    if (call != nullptr) plain = *call;
    plain.done = nullptr;
    get_many(&item, 1, &plain);
    if (item.status == LARDER_OK && (item.found & LARDER_FOUND_ABSENT) == 0) {
        fn(ctx, {item.value.data, item.value.size});
    } else if (item.status == LARDER_OK) {
        item.status = LARDER_MISS;
    }
    if (item.value.release != nullptr) item.value.release(&item.value);
    return item.status;
}

}  // namespace larder
