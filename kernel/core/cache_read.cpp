// kernel/core/cache_read.cpp -- lookup through the tiers, and what a caller gets of what is found.
//
// A hit in the first tier: read the key, one probe of the store, compare the mark with the epoch, look
// at the deadline, count. Everything else is off that path.
#include "kernel/core/cache_impl.hpp"
#include "kernel/core/mutant.hpp"
#include "kernel/core/shared_envelope.hpp"

#include <algorithm>
#include <cstring>

namespace larder {

std::uint64_t Cache::Impl::deadline(const larder_call* call, std::uint64_t now_ns) const {
    if (call != nullptr && call->deadline_ns != 0) return call->deadline_ns;
    return now_ns + static_cast<std::uint64_t>(options.default_deadline.count()) * 1'000'000;
}

bool Cache::Impl::weigh(Search& search, const Space& space, const EntryKey& key, std::size_t i, larder_status status, Pinned value) {
    Tier& tier = *space.tiers[i].tier;
    if (status != LARDER_OK) {
        if (status < 0 && status != LARDER_E_CLOSED) space.runtime->count(SpaceCount::errors);
        return false;
    }
    Found found;
    found.tier = i;
    found.epoch = search.began.epoch;
    found.ban_number = search.began.ban_number;
    found.value = std::move(value);
    found.verdict = judge(space, key, tier, found.value.bytes(), search.now_ns, search.began.epoch, found.entry, found.stale_since_ns);
    if (found.any()) {
        if (!bring_up(space, key, found)) return false;
        if (found.replaces != 0 && !search.peek) write_back(space, key, found, search.now_ns, search.deadline_ns);
    }
    switch (found.verdict) {
        case Verdict::live:
            if (i > 0) {
                space.runtime->count_tier_hit(i);
                if (!search.peek) promote(space, key, found, search.began.writes, search.now_ns);
            }
            search.best = std::move(found);
            return true;
        case Verdict::stale:
            if (!search.best.any()) search.best = std::move(found);
            break;
        case Verdict::damaged:
            space.runtime->count(SpaceCount::damaged);
            tier.remove(key.store_key(space.runtime->shelf), 0, search.now_ns, search.deadline_ns);
            break;
        case Verdict::gone: {
            if (tier.foreign() && found.entry.head().version > space.ns->version) {
                search.best.newer = !search.best.any();  // others read it
                break;
            }
            space.runtime->count(SpaceCount::dropped);
            const std::uint64_t id = found.entry.head().id;
            found.value.reset();
            tier.remove(key.store_key(space.runtime->shelf), id, search.now_ns, search.deadline_ns);
            break;
        }
    }
    return false;
}

void Cache::Impl::look_on(Search& search, const State& s, const Space& space, const EntryKey& key, std::size_t from, std::size_t to, std::uint32_t flags) {
    const larder_key store_key = key.store_key(space.runtime->shelf.load(std::memory_order_acquire));
    detail::went_below = true;
    for (std::size_t i = from; i < to; ++i) {
        if (space.authority != nullptr && i == space.authority_tier) {
            if (look_at_shared(search, s, space, key)) return;
            continue;
        }
        Pinned value;
        const larder_status status = space.tiers[i].tier->get(store_key, flags, search.now_ns, search.deadline_ns, value);
        if (weigh(search, space, key, i, status, std::move(value))) return;
    }
}

Found Cache::Impl::lookup(const State& s, const Space& space, const EntryKey& key, std::uint32_t flags, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    Search search{moment(space, key), now_ns, deadline_ns, (flags & LARDER_CALL_PEEK) != 0};
    look_on(search, s, space, key, 0, space.tiers.size(), flags);
    return std::move(search.best);
}

Found Cache::Impl::present(const State& s, const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    if (space.authority != nullptr) {
        std::uint64_t id = 0;
        larder_status status = LARDER_MISS;
        return present_shared(s, space, key, now_ns, deadline_ns, id, status);
    }
    for (std::size_t i = 0; i < space.tiers.size(); ++i) {
        Found found;
        found.tier = i;
        found.epoch = records.epoch();
        found.ban_number = bans.number();
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
    Stripe& s = stripe(key);
    // Who writes may hold it while the store answers, and this may be the store's thread: it does not wait.
    const std::unique_lock lock(s.mutex, std::try_to_lock);
    if (!lock) return;
    // A write came between: what was read may be older than what it left above.
    if (s.writes.load(std::memory_order_acquire) != writes_before && !mutant(Mutant::late_fill)) return;
    Remade entry(space, *this, found);
    if (!entry.good()) return;
    if (mutant(Mutant::fresh_life)) entry.born(now_ns);
    for (std::size_t i = 0; i < found.tier; ++i)
        if (space.tiers[i].tier->sync() && (space.authority == nullptr || space.tiers[i].tier->headed()))
            put_in(space.tiers[i], space, key, entry.envelope(), found.entry.payload(), 0, now_ns, 0);
    // A push does not wait for the stripe: it counts, and then takes away what it finds.
    if (space.authority != nullptr && s.writes.load(std::memory_order_seq_cst) != writes_before && !mutant(Mutant::late_fill)) forget_above(space, key, now_ns);
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
    const larder_status status = unpack(s, space, found, out);
    if (status == LARDER_OK || status == LARDER_PENDING) return status;
    if (status == LARDER_E_CORRUPT) space.runtime->count(SpaceCount::damaged);
    // Another node may know its codec, and this may be the store's own thread.
    if (space.authority == nullptr || found.tier != space.authority_tier) space.tiers[found.tier].tier->remove(key.store_key(space.runtime->shelf), head.id, clock.mono_ns(), 0);
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
    if (space.authority == nullptr) {
        touch_tiers(space, key, head, now_ns, 0);
        return;
    }
    // This may be the store's thread, which must not wait for itself. One at a time: until the store has said so
    // every hit finds the old life.
    std::atomic<bool>& sliding = stripe(key).sliding;
    if (sliding.exchange(true)) return;
    const auto later = [this, &sliding, head, ns = space.runtime->number, canonical = std::string(key.canonical)] {
        const ReadGuard guard;
        const Space* const there = state.get()->space(ns);
        EntryKey again;
        if (there != nullptr && there->authority != nullptr && make_canonical_key(*there, names, canonical, again)) {
            const std::uint64_t then_ns = clock.mono_ns();
            touch_tiers(*there, again, head, then_ns, deadline(nullptr, then_ns));
        }
        sliding.store(false);
    };
    if (!executor.post(true, later)) sliding.store(false);
}

larder_status Cache::Impl::touch_tiers(const Space& space, const EntryKey& key, const EnvelopeHead& head,
                                       std::uint64_t now_ns, std::uint64_t deadline_ns, bool must) {
    unsigned char patch[envelope_patch_size], shared_patch[shared_patch_size];
    encode_patch(head, patch);
    const std::uint64_t age_ms = head.age_ms(now_ns);
    const std::uint64_t left_ms = head.hard_ms == 0 ? 0 : head.hard_ms - std::min(head.hard_ms - 1, age_ms);
    const larder_key store_key = key.store_key(space.runtime->shelf);
    larder_status outcome = LARDER_MISS;
    for (std::size_t i = space.tiers.size(); i-- > 0;) {
        const SpaceTier& use = space.tiers[i];
        larder_touch touch{};
        touch.struct_size = sizeof touch;
        touch.ttl_ms = use.life_ms(left_ms);
        touch.if_version = head.id;
        larder_status status = LARDER_OK;
        if (space.authority != nullptr && i != space.authority_tier) continue;
        if (space.authority != nullptr) {
            EnvelopeHead theirs = head;
            theirs.created_ns = (space.authority->now_ms() - std::min(space.authority->now_ms(), age_ms)) * 1'000'000;
            encode_shared_patch(theirs, shared_patch);
            const std::string whole = space.physical(*space.authority, key.canonical);
            touch.patch_offset = shared_patch_offset;
            touch.patch = {shared_patch, sizeof shared_patch};
            status = use.tier->touch({whole.data(), static_cast<std::uint32_t>(whole.size()), space.runtime->number, key.hash}, touch, now_ns, deadline_ns);
            forget_above(space, key, now_ns);
        } else if (!use.tier->headed()) {
            touch.patch_offset = envelope_patch_offset;
            touch.patch = {patch, sizeof patch};
            status = use.tier->touch(store_key, touch, now_ns, deadline_ns);
            if (must && status < 0) use.tier->unremoved().add(key.binding, now_ns);
        } else {
            status = touch_headed(use, space, key, head, touch, now_ns, deadline_ns);
        }
        if (status == LARDER_OK) outcome = LARDER_OK;
        else if (outcome != LARDER_OK && status < 0) outcome = status;
    }
    return outcome;
}

// Where the ends of its life are written down, or have to be now, the entry is put again.
larder_status Cache::Impl::touch_headed(const SpaceTier& use, const Space& space, const EntryKey& key, const EnvelopeHead& head,
                                        const larder_touch& touch, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    const larder_key store_key = key.store_key(space.runtime->shelf);
    Found found;
    const larder_status status = use.tier->get(store_key, LARDER_CALL_PEEK, now_ns, deadline_ns, found.value);
    if (status != LARDER_OK) return status;
    if (!EnvelopeView::open_headed(found.value.bytes(), key.hash, found.entry)) return LARDER_E_CORRUPT;
    if (found.entry.head().id != head.id) return LARDER_E_CONFLICT;
    const bool written = (HeadedWords(found.value.bytes().data).mark().flags() & headed_lives) != 0;
    if (!written && head.soft_ms == head.hard_ms && !use.ttl) return use.tier->touch(store_key, touch, now_ns, deadline_ns);
    Remade entry(space, *this, found);
    entry.live(head.soft_ms, head.hard_ms);
    return put_in(use, space, key, entry.envelope(), found.entry.payload(), LARDER_PUT_IF_VERSION, now_ns, deadline_ns);
}

void Cache::Impl::fill_item(const State& s, const Space& space, const EntryKey& key, Found& found, std::uint32_t flags,
                            std::uint64_t now_ns, larder_cache_get& item) {
    item.status = LARDER_E_CORRUPT;
    if (!bring_up(space, key, found)) return;
    const EnvelopeHead head = found.entry.head();
    item.ttl_ms = ttl_left(head, now_ns);
    item.version = head.id;
    item.status = LARDER_OK;
    if (found.verdict == Verdict::stale) item.found |= LARDER_FOUND_STALE;
    if ((head.flags & envelope_absent) != 0) item.found |= LARDER_FOUND_ABSENT;
    if (found.verdict == Verdict::live && (head.flags & envelope_sliding) != 0 && (flags & LARDER_CALL_PEEK) == 0) slide(space, key, found, now_ns);
    if ((flags & LARDER_GET_META) != 0) return;
    // One of an older version that waits for a dictionary is not to be seen as it is.
    item.status = head.version != space.ns->version ? larder_status{LARDER_PENDING} : take_value(s, space, key, found, item.value);
}

bool Cache::Impl::fill_stale(const State& s, const Space& space, const EntryKey& key, Found& found, std::uint32_t flags,
                             std::uint64_t now_ns, larder_cache_get& item) {
    if (found.verdict != Verdict::stale) return false;
    const std::uint64_t since = std::min(now_ns, found.stale_since_ns);
    fill_item(s, space, key, found, flags, now_ns, item);
    if (item.status != LARDER_OK) {
        item.status = LARDER_MISS;
        return false;
    }
    item.found |= LARDER_FOUND_STALE;
    item.ttl_ms = -static_cast<std::int64_t>((now_ns - since) / 1'000'000);
    space.runtime->count(SpaceCount::stale);
    return true;
}

const Space* Cache::Impl::begin_item(const State& s, larder_cache_get& item, EntryKey& key) {
    item.value = {};
    item.found = 0;
    item.ttl_ms = 0;
    item.version = 0;
    item.status = LARDER_E_INVALID;
    const Space* space = s.space(item.ns);
    const bool good = space != nullptr && space->keeps_entries() && item.key.size <= options.max_key_bytes &&
                      find_key(*space, names, view(item.key), key);
    return good ? space : nullptr;
}

std::size_t Cache::Impl::plain_payload(const Space& space, const EntryKey& key, larder_bytes bytes) const noexcept {
    constexpr std::uint64_t others = headed_absent | headed_sliding | headed_lives | headed_coded | headed_detailed;
    if (bytes.size < sizeof(larder_head)) return 0;
    const HeadedWords words(bytes.data);
    const HeadedMark mark = words.mark();
    if ((mark.flags() & others) != 0 || mark.generation() != space.generation || !words.bound_to(key.hash)) return 0;
    const std::size_t scopes_at = sizeof(larder_head) + ((mark.flags() & headed_aged) != 0 ? 8 : 0);
    const std::size_t payload_at = scopes_at + mark.scopes() * sizeof(ScopeId);
    if (payload_at > bytes.size || space.ns->version != 1) return 0;
    const auto* const scopes = reinterpret_cast<const ScopeId*>(static_cast<const char*>(bytes.data) + scopes_at);
    if (mark.epoch() != records.epoch() && !untouched_since(mark.epoch(), space, key, {scopes, mark.scopes()})) return 0;
    return payload_at;
}

bool Cache::Impl::answer_plain(const Space& space, const EntryKey& key, Pinned& value, std::uint64_t now_ns, larder_cache_get& item) const {
    const std::size_t payload_at = plain_payload(space, key, value.bytes());
    if (payload_at == 0) return false;
    const HeadedWords words(value.bytes().data);
    const std::uint64_t deadline_ms = words.deadline_ms(), now_ms = now_ns / 1'000'000;
    item.ttl_ms = deadline_ms == 0 ? -1 : static_cast<std::int64_t>(deadline_ms > now_ms ? deadline_ms - now_ms : 0);
    item.version = words.id();
    item.status = LARDER_OK;
    item.value = value.give();
    item.value.data = static_cast<const char*>(item.value.data) + payload_at;
    item.value.size -= payload_at;
    space.runtime->count(SpaceCount::hits);
    tape_answer(space, key, item, 0, now_ns);
    note_hit(space, key);
    return true;
}

void Cache::Impl::end_item(const State& s, const Space& space, const EntryKey& key, const Moment& began, larder_status status,
                           Pinned value, std::size_t to, std::uint64_t now_ns, const larder_call* call, larder_cache_get& item) {
    const std::uint32_t flags = call != nullptr ? call->flags : 0;
    if (to > 0) {
        Search search{began, now_ns, deadline(call, now_ns), (flags & LARDER_CALL_PEEK) != 0};
        if (!weigh(search, space, key, 0, status, std::move(value))) look_on(search, s, space, key, 1, to, flags & LARDER_CALL_PEEK);
        return end_found(s, space, key, search, began, to, now_ns, call, item);
    }
    Search nothing{began, now_ns, 0};
    end_found(s, space, key, nothing, began, to, now_ns, call, item);
}

void Cache::Impl::end_found(const State& s, const Space& space, const EntryKey& key, Search& search, const Moment& began, std::size_t to,
                            std::uint64_t now_ns, const larder_call* call, larder_cache_get& item) {
    const std::uint32_t flags = call != nullptr ? call->flags : 0;
    {
        if (search.best.verdict == Verdict::live) {
            fill_item(s, space, key, search.best, flags, now_ns, item);
            if (item.status == LARDER_OK) {
                space.runtime->count((item.found & LARDER_FOUND_ABSENT) != 0 ? SpaceCount::absent : SpaceCount::hits);
                tape_answer(space, key, item, flags, now_ns);
                note_hit(space, key);
                return;
            }
            if (item.status == LARDER_PENDING) return;  // for a dictionary
            // Undecodable: counted as damaged, removed.
            to = space.tiers.size();
        }
    }
    if (to < space.tiers.size()) {
        item.status = LARDER_PENDING;
        return;
    }
    item.status = LARDER_MISS;
    if (search.best.newer) item.found |= LARDER_FOUND_NEWER;
    if ((flags & LARDER_GET_STALE) == 0 || !fill_stale(s, space, key, search.best, flags, now_ns, item)) {
        space.runtime->count(SpaceCount::misses);
        note_miss(space, key);
    }
    tape_answer(space, key, item, flags, now_ns);
    // Who has a source loads nothing by itself.
    if ((flags & LARDER_GET_FENCE) == 0 || (space.source != nullptr && !space.source->far_only && (flags & LARDER_GET_STALE) == 0)) return;
    FencePoint point = began.fence();
    point.newer = search.best.newer;
    if (space.authority != nullptr) {
        FieldedKey fielded;
        const std::string canonical(key.canonical);
        if (make_fields(space, names, canonical, fielded)) point.lease = begin_load(s, space, fielded, now_ns, deadline(call, now_ns));
    }
    fences.remember(key.hash, call->client, point, now_ns);
}

// What is wrong with its key is found there, too.
void Cache::Impl::leave_to_shared(larder_cache_get& item) const {
    item.value = {};
    item.found = 0;
    item.ttl_ms = 0;
    item.version = 0;
    item.status = item.key.size <= options.max_key_bytes ? LARDER_PENDING : LARDER_E_INVALID;
}

void Cache::Impl::get_one(const State& s, larder_cache_get& item, const larder_call* call, bool sync_only) {
    if (const Space* space = s.space(item.ns); sync_only && space != nullptr && space->only_shared()) return leave_to_shared(item);
    EntryKey key;
    const Space* space = begin_item(s, item, key);
    if (space == nullptr) return;
    const std::uint64_t now = clock.mono_ns();
    // Taken before the look, so that a change during it is later.
    const Moment began = moment(*space, key);
    const std::size_t to = sync_only ? space->sync_tiers : space->tiers.size();
    const std::uint32_t flags = call != nullptr ? call->flags : 0;
    Pinned value;
    larder_status status = LARDER_MISS;
    if (to > 0 && space->authority != nullptr && space->authority_tier == 0) {
        Search search{began, now, deadline(call, now), (flags & LARDER_CALL_PEEK) != 0};
        look_at_shared(search, s, *space, key);
        return end_found(s, *space, key, search, began, to, now, call, item);
    }
    if (to > 0) {
        Tier& tier = *space->tiers[0].tier;
        const larder_key store_key = key.store_key(space->runtime->shelf.load(std::memory_order_acquire));
        status = tier.get(store_key, flags & LARDER_CALL_PEEK, now, deadline(call, now), value);
        if (status == LARDER_OK && tier.headed() && (flags & LARDER_GET_META) == 0 && answer_plain(*space, key, value, now, item)) [[likely]] return;
    }
    end_item(s, *space, key, began, status, std::move(value), to, now, call, item);
}

void Cache::Impl::get_batch(const State& s, std::span<larder_cache_get> items, const larder_call* call) {
    struct Asked {
        const Space* space;
        larder_cache_get* item;
        EntryKey key;
        Moment began;
    };
    std::array<Asked, batch_size> asked;
    std::array<larder_get_item, batch_size> of_store;
    std::size_t n = 0;
    Tier* tier = nullptr;
    const std::uint64_t now = clock.mono_ns();
    const std::uint32_t flags = call != nullptr ? call->flags : 0;
    for (larder_cache_get& item : items) {
        EntryKey key;
        if (const Space* space = s.space(item.ns); space != nullptr && space->only_shared()) {
            leave_to_shared(item);
            continue;
        }
        const Space* space = begin_item(s, item, key);
        if (space == nullptr) continue;
        if (tier == nullptr && space->sync_tiers > 0) tier = space->tiers[0].tier;
        // Another store, or a key that lives only until the next one is found.
        if (space->sync_tiers == 0 || space->tiers[0].tier != tier || key.canonical.data() != item.key.data) {
            get_one(s, item, call, true);
            continue;
        }
        of_store[n] = {key.store_key(space->runtime->shelf.load(std::memory_order_acquire)), {}, LARDER_MISS, 0};
        asked[n++] = {space, &item, key, moment(*space, key)};
    }
    if (n == 0) return;
    tier->get_many({of_store.data(), n}, flags & LARDER_CALL_PEEK, now, deadline(call, now));
    const bool plain = tier->headed() && (flags & LARDER_GET_META) == 0;
    for (std::size_t i = 0; i < n; ++i) {
        const Asked& a = asked[i];
        Pinned value(of_store[i].value);
        if (plain && of_store[i].status == LARDER_OK && answer_plain(*a.space, a.key, value, now, *a.item)) [[likely]] continue;
        end_item(s, *a.space, a.key, a.began, of_store[i].status, std::move(value), a.space->sync_tiers, now, call, *a.item);
    }
}

bool Cache::Impl::get_here(std::span<larder_cache_get> items, const larder_call* call) {
    const ReadGuard guard;
    const State& s = *state.get();
    if (items.size() == 1) get_one(s, items[0], call, true);
    else
        for (std::size_t i = 0; i < items.size(); i += batch_size) get_batch(s, items.subspan(i, std::min(batch_size, items.size() - i)), call);
    bool later = false;
    for (const larder_cache_get& item : items) later |= item.status == LARDER_PENDING;
    return later;
}

larder_status Cache::get_many(larder_cache_get* items, std::size_t n, const larder_call* call) {
    if (detail::sample_now()) [[unlikely]] return impl_->measured_get(*this, items, n, call);
    if (impl_->sourced.load(std::memory_order_relaxed)) [[unlikely]]
        if (const auto status = impl_->get_sourced({items, n}, call)) return *status;
    if (!impl_->get_here({items, n}, call)) [[likely]] return LARDER_OK;
    if (impl_->all_pending_shared({items, n})) return impl_->get_later({items, n}, call);
    const auto finish = [impl = impl_.get(), items, n](const larder_call* c) {
        const ReadGuard guard;
        const State& s = *impl->state.get();
        std::vector<larder_cache_get*> open;
        for (std::size_t i = 0; i < n; ++i) {
            if (items[i].status != LARDER_PENDING) continue;
            impl->get_one(s, items[i], c, false);
            if (items[i].status == LARDER_PENDING) open.push_back(&items[i]);
        }
        if (!open.empty()) impl->end_unread(open, c);
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

// A visit of the first tier: the entry is judged in place, and what is not a plain live hit is left for
// the general path.
struct Visit {
    Cache::Impl& impl;
    const Space& space;
    const EntryKey& key;
    const Tier& tier;
    std::uint64_t now_ns;
    void (*fn)(void*, larder_bytes) noexcept;
    void* ctx;
    bool done = false;

    void show(const char* data, std::size_t size) noexcept {
        done = true;
        fn(ctx, {data, size});
    }
    void judge(larder_bytes bytes) noexcept {
        if (tier.headed())
            if (const std::size_t at = impl.plain_payload(space, key, bytes)) [[likely]]
                return show(static_cast<const char*>(bytes.data) + at, bytes.size - at);
        EnvelopeView entry;
        std::uint64_t since = 0;
        if (impl.judge(space, key, tier, bytes, now_ns, impl.records.epoch(), entry, since) != Verdict::live) return;
        if (entry.head().version != space.ns->version || entry.head().codec != 0 || (entry.head().flags & (envelope_absent | envelope_sliding)) != 0) return;
        show(entry.payload().data(), entry.payload().size());
    }
};

}  // namespace

larder_status Cache::visit(std::uint32_t ns, std::string_view raw, const larder_call* call,
                           void (*fn)(void*, larder_bytes) noexcept, void* ctx) {
    if (detail::sample_now()) [[unlikely]] return impl_->measured_visit(*this, ns, raw, call, fn, ctx);
    {
        const ReadGuard guard;
        const State& s = *impl_->state.get();
        const Space* space = s.space(ns);
        if (space == nullptr || !space->keeps_entries() || raw.size() > impl_->options.max_key_bytes) return LARDER_E_INVALID;
        EntryKey key;
        if (!find_key(*space, impl_->names, raw, key)) return LARDER_E_INVALID;
        if (space->sync_tiers > 0) [[likely]] {
            Tier& tier = *space->tiers[0].tier;
            const Impl::Moment began = impl_->moment(*space, key);
            Visit v{*impl_, *space, key, tier, impl_->clock.mono_ns(), fn, ctx};
            const larder_status status = tier.visit(
                key.store_key(space->runtime->shelf.load(std::memory_order_acquire)), v.now_ns,
                [](void* context, larder_bytes bytes) noexcept { static_cast<Visit*>(context)->judge(bytes); }, &v);
            if (v.done) [[likely]] {
                space->runtime->count(SpaceCount::hits);
                if (impl_->tape.on()) [[unlikely]] impl_->tape_visit(*space, key, tier, v.now_ns);
                impl_->note_hit(*space, key);
                return LARDER_OK;
            }
            if (status == LARDER_MISS && space->tiers.size() == 1 && space->source == nullptr) return impl_->missed(s, *space, key, began, v.now_ns, call);
        }
    }
    return impl_->visit_by_get(*this, ns, raw, call, fn, ctx);
}

// Out of line, as what follows: a hit does not pay for their frames.
larder_status Cache::Impl::missed(const State& s, const Space& space, const EntryKey& key, const Moment& began,
                                  std::uint64_t now_ns, const larder_call* call) {
    larder_cache_get item{};
    end_item(s, space, key, began, LARDER_MISS, Pinned(), 1, now_ns, call, item);
    return item.status;
}

// Another tier, another kind of entry, another kind of store.
larder_status Cache::Impl::visit_by_get(Cache& cache, std::uint32_t ns, std::string_view raw, const larder_call* call,
                                        void (*fn)(void*, larder_bytes) noexcept, void* ctx) {
    larder_cache_get item{};
    item.ns = ns;
    item.key = bytes_of(raw);
    larder_call plain{};
    plain.struct_size = sizeof plain;
    if (call != nullptr) plain = *call;
    plain.done = nullptr;
    cache.get_many(&item, 1, &plain);
    if (item.status == LARDER_OK && (item.found & LARDER_FOUND_ABSENT) == 0) {
        fn(ctx, {item.value.data, item.value.size});
    } else if (item.status == LARDER_OK) {
        item.status = LARDER_MISS;
    }
    if (item.value.release != nullptr) item.value.release(&item.value);
    return item.status;
}

}  // namespace larder
