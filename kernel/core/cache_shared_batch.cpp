// kernel/core/cache_shared_batch.cpp -- gets and sets above a shared store, many in one call and nobody waiting.
//
// What memory has no answer for is asked for in one call of each store, and whoever gave a `done` is called
// back on the store's thread; so are sets that need nothing but one call each. Everything else goes the way
// of cache_shared.cpp, on a thread that may wait.
#include "kernel/core/shared_read.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

namespace larder {

namespace {

// Items that memory had no answer for, by the store that is asked for them.
struct Gets {
    struct OfStore {
        std::shared_ptr<SharedRead> read;
        const Authority* authority;
        std::vector<larder_cache_get*> items;
    };
    std::vector<OfStore> stores;
    std::uint64_t now_ns = 0, deadline_ns = 0;
};

void gather(Cache::Impl& impl, std::span<larder_cache_get*> items, const larder_call* call, Gets& gets) {
    gets.now_ns = impl.clock.mono_ns();
    gets.deadline_ns = impl.deadline(call, gets.now_ns);
    const ReadGuard guard;
    const State& s = *impl.state.get();
    std::string buffer;
    for (larder_cache_get* item : items) {
        const Space* space = s.space(item->ns);
        FieldedKey key;
        if (space == nullptr || space->authority == nullptr || !make_key(*space, impl.names, view(item->key), buffer, key)) {
            item->status = LARDER_E_INVALID;
            continue;
        }
        auto of = std::find_if(gets.stores.begin(), gets.stores.end(), [&](const Gets::OfStore& o) { return o.authority == space->authority; });
        if (of == gets.stores.end()) {
            of = gets.stores.insert(of, Gets::OfStore{impl.shared_read(s, *space), space->authority, {}});
            of->read->expect(items.size());
            of->items.reserve(items.size());
        }
        of->read->add(s, *space, key, key.canonical.data() == item->key.data);
        of->items.push_back(item);
    }
}

void end_gets(Cache::Impl& impl, Gets::OfStore& of, const larder_call& call, std::uint64_t deadline_ns) {
    const ReadGuard guard;
    const State& s = *impl.state.get();
    const std::uint64_t now_ns = impl.clock.mono_ns();
    for (std::size_t i = 0; i < of.items.size(); ++i) impl.end_shared(s, *of.read, of.read->items()[i], *of.items[i], call, now_ns, deadline_ns);
}

}  // namespace

// One call of each store for all.
void Cache::Impl::get_shared(std::span<larder_cache_get*> items, const larder_call& call, std::function<void()> then) {
    struct Work {
        Gets gets;
        std::atomic<std::size_t> open{0};
        larder_call call{};
        std::function<void()> then;
    };
    auto work = std::make_shared<Work>();
    work->call = call;
    work->then = std::move(then);
    gather(*this, items, &call, work->gets);
    Gets& gets = work->gets;
    if (gets.stores.empty()) return work->then();
    work->open = gets.stores.size();
    for (Gets::OfStore& of : gets.stores)
        of.read->begin(gets.now_ns, gets.deadline_ns, [this, work, &of] {
            end_gets(*this, of, work->call, work->gets.deadline_ns);
            if (work->open.fetch_sub(1) == 1) work->then();
        });
}

// The same on the thread that waits, one store after the other.
void Cache::Impl::get_shared_here(std::span<larder_cache_get*> items, const larder_call* call) {
    Gets gets;
    gather(*this, items, call, gets);
    larder_call plain{};
    plain.struct_size = sizeof plain;
    if (call != nullptr) plain = *call;
    for (Gets::OfStore& of : gets.stores) {
        of.read->run(gets.now_ns, gets.deadline_ns);
        end_gets(*this, of, plain, gets.deadline_ns);
    }
}

void Cache::Impl::fence_misses(const std::vector<larder_cache_get*>& items, const larder_call& call) {
    const ReadGuard guard;
    const State& s = *state.get();
    std::string buffer;
    for (const larder_cache_get* item : items) {
        const bool stale = (item->found & LARDER_FOUND_STALE) != 0;
        if (item->status == LARDER_OK && !stale) continue;
        const Space* space = s.space(item->ns);
        FieldedKey key;
        if (space == nullptr || (space->source != nullptr && !space->source->far_only && (call.flags & LARDER_GET_STALE) == 0) || !make_key(*space, names, view(item->key), buffer, key)) continue;
        const std::uint64_t now = clock.mono_ns();
        FencePoint point{records.epoch(), bans.number(), 0};
        point.newer = (item->found & LARDER_FOUND_NEWER) != 0;
        // A get that failed is fenced, too: who loads after it and sets is judged by it, and has no lease.
        if (item->status == LARDER_MISS || stale) point.lease = begin_load(s, *space, key, now, deadline(&call, now));
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
    if (space == nullptr || space->authority == nullptr || space->below != nullptr || !space->authority->trusted() || (item.flags & others) != 0 ||
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

// What the store has answered and still is PENDING is so for want of a dictionary.
static bool wait_for_dictionaries(std::span<larder_cache_get* const> items) {
    return std::any_of(items.begin(), items.end(), [](const larder_cache_get* item) { return item->status == LARDER_PENDING; });
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
        get_shared(open, *call, [this, open, copy = *call, end] {
            const bool missed = std::any_of(open.begin(), open.end(), [](const larder_cache_get* item) {
                return item->status != LARDER_OK || (item->found & LARDER_FOUND_STALE) != 0;
            });
            const bool fences_them = missed && (copy.flags & LARDER_GET_FENCE) != 0, unread = wait_for_dictionaries(open);
            // A miss that will be loaded needs a lease, and a value its dictionary: the store is asked and waited for.
            const auto rest = [this, open, copy, end, fences_them, unread] {
                if (unread) end_unread(open, &copy);
                if (fences_them) fence_misses(open, copy);
                end();
            };
            if ((!fences_them && !unread) || !executor.post(true, rest)) {
                for (larder_cache_get* item : open)
                    if (item->status == LARDER_PENDING) item->status = LARDER_E_BUSY;
                end();
            }
        });
        int was = running;
        return stage->compare_exchange_strong(was, returned) ? LARDER_PENDING : LARDER_OK;
    }
    get_shared_here(open, call);
    if (wait_for_dictionaries(open)) end_unread(open, call);
    if (call != nullptr && (call->flags & LARDER_GET_FENCE) != 0) fence_misses(open, *call);
    return LARDER_OK;
}

void Cache::Impl::end_shared(const State& s, SharedRead& read, SharedItem& shared, larder_cache_get& item, const larder_call& call, std::uint64_t now_ns,
                             std::uint64_t deadline_ns) {
    const Space* space = s.space(shared.ns);
    const EntryKey& key = shared.key;
    item.status = LARDER_MISS;
    if (space == nullptr || space->authority == nullptr) return;
    Search search{{shared.epoch, bans.number(), shared.writes}, now_ns, deadline_ns, (call.flags & LARDER_CALL_PEEK) != 0};
    if (!weigh_shared(search, *space, key, read, shared) && space->authority_tier + 1 < space->tiers.size())
        look_on(search, s, *space, key, space->authority_tier + 1, space->tiers.size(), call.flags & LARDER_CALL_PEEK);
    if (search.best.verdict == Verdict::live) {
        fill_item(s, *space, key, search.best, call.flags, now_ns, item);
        if (item.status == LARDER_OK) {
            space->runtime->count((item.found & LARDER_FOUND_ABSENT) != 0 ? SpaceCount::absent : SpaceCount::hits);
            tape_answer(*space, key, item, call.flags, now_ns);
            note_hit(*space, key);
            return;
        }
        if (item.status == LARDER_PENDING) return;  // for a dictionary
        item.status = LARDER_MISS;
    }
    if ((call.flags & LARDER_GET_STALE) != 0 && fill_stale(s, *space, key, search.best, call.flags, now_ns, item)) return tape_answer(*space, key, item, call.flags, now_ns);
    if (search.best.newer) item.found |= LARDER_FOUND_NEWER;
    space->runtime->count(SpaceCount::misses);
    note_miss(*space, key);
    tape_answer(*space, key, item, call.flags, now_ns);
}

}  // namespace larder
