// kernel/core/cache_shared.cpp -- what is different above a store that other nodes use, too.
//
// The store is right, and memory above it is a copy that may be asked for there at any time:
//
//   read    memory, else value and unknown records in one round trip; a live entry is copied up if pushes
//           are told for all it was judged by, and taken away again if one came meanwhile
//   write   records' numbers, then the store, and never memory: the entry settles there on its next read,
//           so that no write of another node is overlooked between ours and its echo
//   load    lease and numbers before the loader; the lease fills, or nothing is kept
//   change  here at once, then in the store or its outbox (authority.hpp)
//
// When the store cannot be reached, what is written or loaded lives in memory for max_staleness at most.
#include "kernel/core/mutant.hpp"
#include "kernel/core/shared_read.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

namespace larder {

namespace {

// What a put was stamped with.
struct Stamp {
    Digest digest;
    std::vector<std::pair<ScopeId, Numbers>> numbers;
    bool good = false, overtaken = false;
};

}  // namespace

Authority::Listener Cache::Impl::listener(const std::string& store) {
    Authority::Listener listener;
    listener.changed = [this](ScopeId scope, bool dropped) {
        if (dropped) records.drop(scope);
        else records.expire(scope, clock.mono_ns());
    };
    listener.doubt = [this](ScopeId scope) { records.stir(scope); };
    listener.suspect = [this, above = names.above(store)] { records.expire(above, clock.mono_ns()); };
    listener.touched = [this](std::string_view key) { touched(key); };
    listener.note = [this](int severity, std::string text) { events.add(clock.wall_ms(), severity, "store", std::move(text)); };
    return listener;
}

// REQUIRES no lock: writers hold theirs while they wait for the store, whose thread this is. Who copies an
// entry up looks at `writes` again after it has done so.
void Cache::Impl::touched(std::string_view whole) {
    const std::size_t open = whole.find('{');
    if (open == std::string_view::npos || whole.back() != '}') return;
    const std::string_view inside = whole.substr(open + 1, whole.size() - open - 2);
    const ReadGuard guard;
    const State& s = *state.get();
    const auto resolved = s.policy->resolve(inside);
    if (!resolved) return;
    const Space& space = s.spaces[resolved->ns];
    EntryKey key;
    if (space.authority == nullptr || !make_canonical_key(space, names, inside.substr(resolved->prefix), key)) return;
    stripe(key).writes.fetch_add(1, std::memory_order_seq_cst);
    forget_above(space, key, clock.mono_ns());
    fills.notify_all();
}

void Cache::Impl::wait_for_fill(const std::string& canonical, std::uint32_t ns, std::chrono::nanoseconds most) {
    const auto writes = [&]() -> std::uint64_t {
        const ReadGuard guard;
        const Space* space = state.get()->space(ns);
        EntryKey key;
        return space != nullptr && make_canonical_key(*space, names, canonical, key) ? stripe(key).writes.load(std::memory_order_acquire) : 0;
    };
    const std::uint64_t before = writes();
    // A push that comes between looking and waiting is caught at the next turn.
    constexpr std::chrono::milliseconds turn{20};
    std::unique_lock lock(fills_mutex);
    for (std::chrono::nanoseconds waited{0}; waited < most && writes() == before && !stopping.load(); waited += turn)
        fills.wait_for(lock, std::min<std::chrono::nanoseconds>(turn, most - waited));
}

void Cache::Impl::forget_above(const Space& space, const EntryKey& key, std::uint64_t now_ns) {
    for (std::size_t i = 0; i < space.authority_tier; ++i)
        if (space.tiers[i].tier->sync()) space.tiers[i].tier->remove(key.store_key(space.runtime->shelf), 0, now_ns, 0);
}

bool Cache::Impl::weigh_shared(Search& search, const Space& space, const EntryKey& key, SharedItem& item) {
    if (item.status < 0) {
        if (item.status != LARDER_E_CLOSED) space.runtime->count(SpaceCount::errors);
        return false;
    }
    // What memory has and the store has not is gone.
    search.best = {};
    switch (item.found.verdict) {
        case Verdict::live:
            if (item.may_stay && space.authority_tier > 0 && item.canonical.size() <= longest_plain_key) promote(space, key, item.found, item.writes, search.now_ns);
            search.best = std::move(item.found);
            return true;
        case Verdict::stale: search.best = std::move(item.found); break;
        case Verdict::damaged: space.runtime->count(SpaceCount::damaged); break;
        case Verdict::gone:
            if (item.status == LARDER_OK) space.runtime->count(SpaceCount::dropped);
            forget_above(space, key, search.now_ns);
            break;
    }
    return false;
}

std::shared_ptr<SharedRead> Cache::Impl::shared_read(const State& s, const Space& space) {
    for (const auto& authority : s.authorities)
        if (authority.get() == space.authority) return std::make_shared<SharedRead>(*this, authority);
    return nullptr;
}

bool Cache::Impl::look_at_shared(Search& search, const State& s, const Space& space, const EntryKey& key) {
    FieldedKey fielded;
    std::string buffer;
    const std::string canonical(key.canonical);
    if (!make_fields(space, names, canonical, fielded)) return false;
    const auto read = shared_read(s, space);
    read->add(s, space, fielded);
    read->run(search.now_ns, search.deadline_ns);
    return weigh_shared(search, space, key, read->items().front());
}

Found Cache::Impl::present_shared(const State& s, const Space& space, const EntryKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns,
                                  std::uint64_t& id, larder_status& status) {
    FieldedKey fielded;
    const std::string canonical(key.canonical);
    if (!make_fields(space, names, canonical, fielded)) return {};
    const auto read = shared_read(s, space);
    read->add(s, space, fielded);
    read->run(now_ns, deadline_ns);
    SharedItem& item = read->items().front();
    id = item.id;
    status = item.status;
    if (item.found.verdict != Verdict::live || (item.found.entry.head().flags & envelope_absent) != 0) return {};
    return std::move(item.found);
}

// The numbers an entry of these scopes is stamped with.
static Stamp stamp_shared(Cache::Impl& impl, const Space& space, std::span<const ScopeId> scopes, const FencePoint* fence,
                          std::uint64_t now_ns, std::uint64_t deadline_ns) {
    Authority& authority = *space.authority;
    Stamp out;
    auto& numbers = out.numbers;
    if (fence == nullptr || mutant(Mutant::late_stamp)) {
        numbers = authority.numbers_of(scopes, false, now_ns, deadline_ns);
        if (numbers.size() != scopes.size()) return out;
    } else {
        const auto began = authority.stamp_of(fence->lease);
        if (began == nullptr) {
            out.overtaken = true;
            return out;
        }
        std::vector<ScopeId> late;
        for (const ScopeId scope : scopes) {
            if (const Numbers* known = began->find(scope)) numbers.emplace_back(scope, *known);
            else late.push_back(scope);
        }
        if (!late.empty()) {
            // Tags that only the answer named. Their numbers are of now; the late number, asked for after
            // them, says whether one of them may have changed since the load began.
            const ScopeId late_of = impl.names.late_of(space.ns->name);
            const Numbers* before = began->find(late_of);
            late.push_back(late_of);
            const auto now = authority.numbers_of(late, true, now_ns, deadline_ns);
            if (now.size() != late.size()) return out;
            if (before == nullptr || !(now.back().second == *before)) {
                out.overtaken = true;
                return out;
            }
            numbers.insert(numbers.end(), now.begin(), now.end() - 1);
        }
    }
    for (const auto& [scope, n] : numbers) add_numbers(out.digest, scope, n.drop, n.expire);
    out.good = true;
    return out;
}

// For a little while in memory only, as the store cannot be asked: max_staleness, counted from when the value was
// loaded or set (`at_ns`), since whatever changed it after that nobody may have told.
static larder_status put_above(Cache::Impl& impl, const Space& space, const EntryKey& key, Envelope envelope, std::string_view payload,
                               std::uint64_t at_ns) {
    const std::uint64_t now_ns = impl.clock.mono_ns(), age_ms = (now_ns - std::min(now_ns, at_ns)) / 1'000'000 + 1;
    std::uint64_t most = static_cast<std::uint64_t>(space.authority->max_staleness().count());
    if (age_ms >= most) return LARDER_E_IO;
    most -= age_ms;
    EnvelopeHead& head = envelope.head;
    head.created_ns = now_ns;
    head.soft_ms = head.soft_ms == 0 ? most : std::min(head.soft_ms, most);
    head.hard_ms = head.soft_ms;
    larder_status outcome = LARDER_E_IO;
    for (std::size_t i = 0; i < space.authority_tier; ++i)
        if (space.tiers[i].tier->headed() && impl.put_in(space.tiers[i], space, key, envelope, payload, 0, now_ns, 0) == LARDER_OK) outcome = LARDER_OK;
    return outcome;
}

larder_status Cache::Impl::put_shared(const Space& space, const EntryKey& key, NewEntry& entry, Envelope& envelope, std::string_view payload,
                                      std::uint64_t now_ns, std::uint64_t deadline_ns) {
    Authority& authority = *space.authority;
    const SpaceTier& use = space.tiers[space.authority_tier];
    const std::string whole = space.physical(authority, key.canonical);
    const bool loaded = entry.fence != nullptr;
    if (loaded && entry.fence->lease == 0) {
        // Another one loads it, or the store did not answer: kept nowhere, or for a little while.
        entry.kept = false;
        if (authority.trusted()) return LARDER_OK;
        entry.kept = put_above(*this, space, key, envelope, payload, entry.fence->at_ns) == LARDER_OK;
        return LARDER_OK;
    }
    const Stamp stamp = stamp_shared(*this, space, envelope.scopes, entry.fence, now_ns, deadline_ns);
    larder_status status = LARDER_E_IO;
    if (stamp.overtaken) {
        authority.end_load(whole, entry.fence->lease, now_ns);
        space.runtime->count(SpaceCount::fenced);
        entry.kept = false;
        return LARDER_OK;
    }
    stripe(key).writes.fetch_add(1, std::memory_order_seq_cst);
    if (stamp.good && !authority.holds_key(whole)) {
        Envelope theirs = envelope;
        theirs.head.created_ns = authority.now_ms() * 1'000'000;
        theirs.drop_digest = stamp.digest.drop;
        theirs.expire_digest = stamp.digest.expire;
        theirs.binding = key.binding;
        theirs.schema = space.schema;
        thread_local std::string bytes;
        encode_envelope(theirs, payload, bytes);
        larder_put put{};
        put.struct_size = sizeof put;
        put.version = theirs.head.id;
        put.ttl_ms = use.life_ms(theirs.head.hard_ms);
        put.value = bytes_of(bytes);
        const larder_key store_key{whole.data(), static_cast<std::uint32_t>(whole.size()), space.runtime->number, key.hash};
        if (entry.replaces) {
            put.flags |= LARDER_PUT_IF_VERSION;
            put.if_version = *entry.replaces;
        }
        if (entry.later != nullptr) {
            forget_above(space, key, now_ns);
            use.tier->begin_put(store_key, put, loaded ? entry.fence->lease : 0, now_ns, deadline_ns, *entry.later);
            return LARDER_PENDING;
        }
        if (mutant(Mutant::fill_if_absent) && loaded) put.flags |= LARDER_PUT_IF_ABSENT;
        const bool leased = loaded && !mutant(Mutant::no_lease) && !mutant(Mutant::fill_if_absent);
        status = leased ? use.tier->fill(store_key, entry.fence->lease, put, now_ns, deadline_ns) : use.tier->put(store_key, put, now_ns, deadline_ns);
        if (bytes.capacity() > (1u << 20)) std::string().swap(bytes);
    }
    stripe(key).writes.fetch_add(1, std::memory_order_seq_cst);  // what was read there before is old now
    forget_above(space, key, now_ns);
    entry.sure = status == LARDER_OK && authority.stand(stamp.numbers);
    if (status == LARDER_OK) return status;
    if (status == LARDER_E_CONFLICT && loaded) {
        space.runtime->count(SpaceCount::fenced);
        entry.kept = false;
        return LARDER_OK;
    }
    if (status == LARDER_E_CONFLICT || status == LARDER_E_TOO_LARGE || status == LARDER_E_INVALID) return status;
    // It may have got there or not: what stands there is taken away as soon as it can be.
    space.runtime->count(SpaceCount::errors);
    authority.change({}, {whole}, now_ns, deadline_ns);
    if (entry.replaces) return status;
    if (authority.trusted()) {
        // Pushes come, but nothing says that they come for all that this carries.
        entry.kept = false;
        return LARDER_OK;
    }
    // A store that answered too late leaves no time for it: then it is kept nowhere, and no error either.
    entry.kept = put_above(*this, space, key, envelope, payload, loaded ? entry.fence->at_ns : now_ns) == LARDER_OK;
    return LARDER_OK;
}

std::uint64_t Cache::Impl::begin_load(const State& s, const Space& space, const FieldedKey& key, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    if (space.authority == nullptr) return 0;
    ScopeList scopes;
    entry_scopes(s, space, names, key, nullptr, 0, scopes);
    if (!space.ns->late_tags.empty()) scopes.add(names.late_of(space.ns->name));
    if (scopes.overflowed()) return 0;
    return space.authority->begin_load(space.physical(*space.authority, key.canonical), scopes.ids(), now_ns, deadline_ns);
}

void Cache::Impl::end_load(const Space& space, const EntryKey& key, std::uint64_t lease, std::uint64_t now_ns) {
    if (lease != 0 && space.authority != nullptr) space.authority->end_load(space.physical(*space.authority, key.canonical), lease, now_ns);
}

// ---- changes

namespace {
thread_local SharedChanges* gathering = nullptr;
}

SharedChanges::SharedChanges(Cache::Impl& impl, const State& s) : impl_(impl), state_(s), outer_(gathering) {
    if (outer_ == nullptr) gathering = this;
}

SharedChanges::~SharedChanges() {
    if (outer_ == nullptr) gathering = nullptr;
}

void SharedChanges::add(ScopeId scope, bool expire) {
    if (gathering != nullptr) gathering->changes_.push_back({scope, expire});
}

void SharedChanges::remove(const Space& space, std::string_view canonical) {
    if (gathering != nullptr && space.authority != nullptr) gathering->keys_.emplace_back(space.authority, space.physical(*space.authority, canonical));
}

bool SharedChanges::send(std::uint64_t now_ns, std::uint64_t deadline_ns) {
    if (outer_ != nullptr) return true;
    bool sent = true;
    for (const auto& authority : state_.authorities) {
        if (authority == nullptr) continue;
        std::vector<std::string> keys;
        for (const auto& [at, key] : keys_)
            if (at == authority.get()) keys.push_back(key);
        if (!changes_.empty() || !keys.empty()) sent &= authority->change(changes_, std::move(keys), now_ns, deadline_ns);
    }
    changes_.clear();
    keys_.clear();
    return sent;
}

// ---- many at once

// Items that memory had no answer for, of namespaces with an authority: one call of each store for all.
void Cache::Impl::get_shared(std::span<larder_cache_get*> items, const larder_call* call, std::function<void()> then) {
    struct Batch {
        std::shared_ptr<SharedRead> read;
        const Authority* authority;
        std::vector<larder_cache_get*> items;
    };
    struct Work {
        std::vector<Batch> batches;
        std::atomic<std::size_t> open{0};
        larder_call call{};
        std::function<void()> then;
    };
    auto work = std::make_shared<Work>();
    const std::uint64_t now = clock.mono_ns(), until = deadline(call, now);
    work->call.struct_size = sizeof(larder_call);
    if (call != nullptr) work->call = *call;
    work->then = std::move(then);
    {
        const ReadGuard guard;
        const State& s = *state.get();
        std::string buffer;
        for (larder_cache_get* item : items) {
            const Space* space = s.space(item->ns);
            FieldedKey key;
            if (space == nullptr || space->authority == nullptr || !make_key(*space, names, view(item->key), buffer, key)) {
                item->status = LARDER_E_INVALID;
                continue;
            }
            auto batch = std::find_if(work->batches.begin(), work->batches.end(), [&](const Batch& b) { return b.authority == space->authority; });
            if (batch == work->batches.end()) batch = work->batches.insert(batch, Batch{shared_read(s, *space), space->authority, {}});
            batch->read->add(s, *space, key);
            batch->items.push_back(item);
        }
    }
    if (work->batches.empty()) return work->then();
    work->open = work->batches.size();
    for (Batch& batch : work->batches)
        batch.read->begin(now, until, [this, work, &batch, until] {
            const ReadGuard guard;
            const State& s = *state.get();
            const std::uint64_t then_ns = clock.mono_ns();
            for (std::size_t i = 0; i < batch.items.size(); ++i) end_shared(s, batch.read->items()[i], *batch.items[i], work->call, then_ns, until);
            if (work->open.fetch_sub(1) == 1) work->then();
        });
}

void Cache::Impl::fence_misses(const std::vector<larder_cache_get*>& items, const larder_call& call) {
    const ReadGuard guard;
    const State& s = *state.get();
    std::string buffer;
    for (const larder_cache_get* item : items) {
        if (item->status == LARDER_OK) continue;
        const Space* space = s.space(item->ns);
        FieldedKey key;
        if (space == nullptr || !make_key(*space, names, view(item->key), buffer, key)) continue;
        const std::uint64_t now = clock.mono_ns();
        FencePoint point{records.epoch(), bans.number(), 0};
        // A get that failed is fenced, too: who loads after it and sets is judged by it, and has no lease.
        if (item->status == LARDER_MISS) point.lease = begin_load(s, *space, key, now, deadline(&call, now));
        fences.remember(key.hash, call.client, point, now);
    }
}

bool Cache::Impl::all_pending_shared(std::span<larder_cache_get> items) const {
    const ReadGuard guard;
    const State& s = *state.get();
    return std::all_of(items.begin(), items.end(), [&](const larder_cache_get& item) {
        if (item.status != LARDER_PENDING) return true;
        const Space* space = s.space(item.ns);
        return space != nullptr && space->authority != nullptr && space->authority_tier == space->sync_tiers &&
               space->authority_tier + 1 == space->tiers.size();
    });
}

bool Cache::Impl::may_begin_set(const State& s, const larder_cache_set& item) const {
    constexpr std::uint32_t others = LARDER_SET_IF_ABSENT | LARDER_SET_IF_PRESENT | LARDER_SET_IF_VERSION | LARDER_SET_KEEP_TTL |
                                     LARDER_SET_RETURN_OLD | LARDER_SET_ABSENT;
    const Space* space = s.space(item.ns);
    if (space == nullptr || space->authority == nullptr || !space->authority->trusted() || (item.flags & others) != 0 ||
        !space->ns->late_tags.empty() || item.key.size > options.max_key_bytes)
        return false;
    FieldedKey key;
    std::string buffer;
    ScopeList scopes;
    if (!make_key(*space, names, view(item.key), buffer, key)) return false;
    // A fence serves once: were the store to fail, what is done again the long way would not be fenced any more.
    if ((item.flags & LARDER_SET_FENCED) != 0 && fences.waits(key.hash)) return false;
    entry_scopes(s, *space, names, key, item.with, item.with_count, scopes);
    return std::all_of(scopes.ids().begin(), scopes.ids().end(), [&](ScopeId scope) {
        Numbers numbers;
        return space->authority->known(scope, numbers) == Authority::Known::yes;
    });
}

// What was read there before the store answered a write is old now, and not copied up.
void Cache::Impl::settle_write(const larder_cache_set& item) {
    const ReadGuard guard;
    const Space* space = state.get()->space(item.ns);
    EntryKey key;
    if (space == nullptr || !find_key(*space, names, view(item.key), key)) return;
    stripe(key).writes.fetch_add(1, std::memory_order_seq_cst);
    forget_above(*space, key, clock.mono_ns());
}

larder_status Cache::Impl::set_shared(std::span<larder_cache_set> items, const larder_call* call) {
    struct Work {
        std::atomic<std::size_t> open;
        std::atomic<bool> failed{false};
        larder_call call{};
        std::function<void()> then;
    };
    {
        const ReadGuard guard;
        const State& s = *state.get();
        if (!std::all_of(items.begin(), items.end(), [&](const larder_cache_set& item) { return may_begin_set(s, item); })) return LARDER_E_UNSUPPORTED;
    }
    const bool waits = call == nullptr || call->done == nullptr;
    enum Stage { running, returned, over };
    auto work = std::make_shared<Work>();
    auto stage = std::make_shared<std::atomic<int>>(running);
    work->open = items.size() + 1;
    work->call.struct_size = sizeof(larder_call);
    if (call != nullptr) work->call = *call;
    std::mutex mutex;
    std::condition_variable ready;
    bool ended = false;
    // What the store refused for reasons of its own is done again the long way, which knows what to do then.
    const auto again = [this, items, work] {
        const ReadGuard guard;
        const State& s = *state.get();
        larder_call plain = work->call;
        plain.done = nullptr;
        for (larder_cache_set& item : items)
            if (item.status == LARDER_PENDING) set_one(s, item, &plain, clock.mono_ns());
    };
    const auto end = [stage, work] {
        if (stage->exchange(over) == returned) work->call.done(work->call.done_ctx, LARDER_OK, nullptr);
    };
    if (waits) {
        work->then = [&] {
            const std::lock_guard lock(mutex);
            ended = true;
            ready.notify_all();
        };
    } else {
        work->then = [this, again, end, work] {
            const auto rest = [again, end] {
                again();
                end();
            };
            if (!work->failed || !executor.post(true, rest)) end();
        };
    }
    const auto one_less = [work] {
        if (work->open.fetch_sub(1) == 1) std::exchange(work->then, nullptr)();
    };
    {
        const ReadGuard guard;
        const State& s = *state.get();
        const std::uint64_t now = clock.mono_ns();
        for (larder_cache_set& item : items) {
            const Tier::Then later = [this, &item, work, one_less](larder_status status) {
                if (status == LARDER_E_CONFLICT) item.kept = 0;
                settle_write(item);
                if (status == LARDER_OK || status == LARDER_E_CONFLICT) {
                    item.status = LARDER_OK;
                    const ReadGuard here;
                    if (const Space* space = state.get()->space(item.ns)) space->runtime->count(status == LARDER_OK ? SpaceCount::puts : SpaceCount::fenced);
                } else {
                    work->failed = true;  // and stays PENDING
                }
                one_less();
            };
            item.status = LARDER_PENDING;
            if (!set_one(s, item, call, now, &later)) one_less();
        }
    }
    one_less();
    if (!waits) {
        int was = running;
        return stage->compare_exchange_strong(was, returned) ? LARDER_PENDING : LARDER_OK;
    }
    {
        std::unique_lock lock(mutex);
        ready.wait(lock, [&] { return ended; });
    }
    if (work->failed) again();
    return LARDER_OK;
}

larder_status Cache::Impl::get_later(std::span<larder_cache_get> items, const larder_call* call) {
    std::vector<larder_cache_get*> open;
    for (larder_cache_get& item : items)
        if (item.status == LARDER_PENDING) open.push_back(&item);
    if (call != nullptr && call->done != nullptr) {
        // done is not called by a function that has not returned yet: what is over by then is simply over.
        enum Stage { running, returned, over };
        auto stage = std::make_shared<std::atomic<int>>(running);
        const auto end = [stage, done = call->done, ctx = call->done_ctx] {
            if (stage->exchange(over) == returned) done(ctx, LARDER_OK, nullptr);
        };
        get_shared(open, call, [this, open, copy = *call, end] {
            const bool missed = std::any_of(open.begin(), open.end(), [](const larder_cache_get* item) { return item->status != LARDER_OK; });
            // A miss that will be loaded needs a lease, for which the store is asked and waited for.
            const auto fence = [this, open, copy, end] {
                fence_misses(open, copy);
                end();
            };
            if (!missed || (copy.flags & LARDER_GET_FENCE) == 0 || !executor.post(true, fence)) end();
        });
        int was = running;
        return stage->compare_exchange_strong(was, returned) ? LARDER_PENDING : LARDER_OK;
    }
    std::mutex mutex;
    std::condition_variable ready;
    bool over = false;
    get_shared(open, call, [&] {
        const std::lock_guard lock(mutex);
        over = true;
        ready.notify_all();
    });
    std::unique_lock lock(mutex);
    ready.wait(lock, [&] { return over; });
    if (call != nullptr && (call->flags & LARDER_GET_FENCE) != 0) fence_misses(open, *call);
    return LARDER_OK;
}

void Cache::Impl::end_shared(const State& s, SharedItem& shared, larder_cache_get& item, const larder_call& call, std::uint64_t now_ns,
                             std::uint64_t deadline_ns) {
    const Space* space = s.space(shared.ns);
    EntryKey key;
    item.status = LARDER_MISS;
    if (space == nullptr || space->authority == nullptr) return;
    bind_key(*space, names, shared.canonical, key);
    Search search{{shared.epoch, bans.number(), shared.writes}, now_ns, deadline_ns};
    if (!weigh_shared(search, *space, key, shared) && space->authority_tier + 1 < space->tiers.size())
        look_on(search, s, *space, key, space->authority_tier + 1, space->tiers.size(), call.flags & LARDER_CALL_PEEK);
    if (search.best.verdict == Verdict::live) {
        fill_item(s, *space, key, search.best, call.flags, now_ns, item);
        if (item.status == LARDER_OK) {
            space->runtime->count((item.found & LARDER_FOUND_ABSENT) != 0 ? SpaceCount::absent : SpaceCount::hits);
            return;
        }
        item.status = LARDER_MISS;
    }
    space->runtime->count(SpaceCount::misses);
}

}  // namespace larder
