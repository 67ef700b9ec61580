// kernel/core/tier.cpp -- every call of a store: breaker, door, deadline.
#include "kernel/core/figures.hpp"
#include "kernel/core/shared_call.hpp"

#include <chrono>
#include <memory>

namespace larder {
namespace {

bool is_failure(larder_status status) {
    switch (status) {
        case LARDER_E_IO:
        case LARDER_E_TIMEOUT:
        case LARDER_E_INTERNAL:
        case LARDER_E_EXCEPTION:
        case LARDER_E_CORRUPT: return true;
        default: return false;
    }
}

StoreError kind_of(larder_status status) {
    switch (status) {
        case LARDER_E_IO: return StoreError::io;
        case LARDER_E_TIMEOUT: return StoreError::timeout;
        case LARDER_E_CORRUPT: return StoreError::corrupt;
        case LARDER_E_EXCEPTION: return StoreError::exception;
        case LARDER_E_INTERNAL: return StoreError::internal;
        default: return StoreError::refused;
    }
}

std::uint64_t in_ns(std::chrono::milliseconds span) {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(span).count());
}

// Whether a store kept a call for longer than it had: its timeout, or the deadline where that came first. Clocks
// are coarse and threads wait for a processor, so there is some grace.
bool overran(std::uint64_t took_ns, std::chrono::milliseconds timeout, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    constexpr std::chrono::milliseconds grace{50};
    std::uint64_t had = in_ns(timeout);
    if (deadline_ns != 0) had = std::min(had, deadline_ns > now_ns ? deadline_ns - now_ns : 0);
    return took_ns > had + in_ns(grace);
}

// What a waiting call and a late answer share.
struct Answer {
    std::mutex mutex;
    std::condition_variable ready;
    bool done = false;
    larder_status status = LARDER_E_TIMEOUT;
    Pinned value;
};

}  // namespace

Tier::Tier(StoreHandle store, const BreakerOptions& breaker, Clock& clock, PendingPool& pending)
    : store_(std::move(store)), breaker_(breaker), ramp_({}, clock), clock_(clock), pending_(pending), door_(store_.workers) {}

void Tier::judge(larder_status status, std::uint64_t now_ns) noexcept {
    if (status < 0 && status != LARDER_E_UNSUPPORTED && status != LARDER_E_CONFLICT && status != LARDER_E_TOO_LARGE)
        counters_.add(error_kinds + static_cast<std::size_t>(kind_of(status)));
    if (is_failure(status)) {
        counters_.add(errors);
        breaker_.failure(now_ns);
    } else {
        succeeded();
    }
}

template <class Call>
larder_status Tier::guarded(Timed what, std::uint64_t now_ns, std::uint64_t deadline_ns, Pinned* out, Call&& call) {
    if (!breaker_.allow(now_ns)) [[unlikely]] {
        counters_.add(bypassed);
        return LARDER_E_CLOSED;
    }
    larder_status status;
    bool late = false;
    if (sync()) [[likely]] {
        larder_call context{sizeof(larder_call), 0, deadline_ns, nullptr, nullptr, nullptr, 0, 0, 0, now_ns};
        // One that says `sync` and blocks holds the thread that asks. larder's own memory is taken at its word;
        // of others two looks at the coarse clock tell.
        const bool watched = !has(LARDER_STORE_CAP_MARK);
        const std::uint64_t began_ns = watched ? clock_.mono_ns() : 0;
        status = call(context, out != nullptr ? out->out() : nullptr);
        if (status == LARDER_PENDING) [[unlikely]] status = LARDER_E_INTERNAL;  // has no done to call
        if (watched) late = overran(clock_.mono_ns() - began_ns, store_.timeout, now_ns, deadline_ns);
    } else {
        const std::uint64_t began_ns = clock_.fine_ns();
        status = wait(now_ns, deadline_ns, out, std::forward<Call>(call));
        const std::uint64_t took_ns = clock_.fine_ns() - began_ns;
        durations(what).add(took_ns);
        late = overran(took_ns, store_.timeout, now_ns, deadline_ns);
    }
    // An answer that came too late is as good as any, and no reason to ask this store again soon.
    if (status < 0) [[unlikely]] judge(status, now_ns);
    else if (late) [[unlikely]] judge(LARDER_E_TIMEOUT, clock_.mono_ns());
    else succeeded();
    return status;
}

// A store that blocks is entered through the door; one that answers later is waited for.
template <class Call>
larder_status Tier::wait(std::uint64_t now_ns, std::uint64_t deadline_ns, Pinned* out, Call&& call) {
    const auto timeout = std::chrono::duration_cast<std::chrono::nanoseconds>(store_.timeout);
    auto left = timeout;
    if (deadline_ns != 0) {
        if (deadline_ns <= now_ns) return LARDER_E_TIMEOUT;
        left = std::min(left, std::chrono::nanoseconds(deadline_ns - now_ns));
    }
    const std::uint64_t until = now_ns + static_cast<std::uint64_t>(left.count());
    if (has(LARDER_STORE_CAP_BLOCKING)) {
        std::unique_lock lock(door_mutex_);
        if (!door_open_.wait_for(lock, left, [this] { return door_ > 0; })) return LARDER_E_BUSY;
        --door_;
        lock.unlock();
        larder_call context{sizeof(larder_call), 0, until, nullptr, nullptr, nullptr, 0, 0, 0, now_ns};
        const larder_status status = call(context, out != nullptr ? out->out() : nullptr);
        lock.lock();
        ++door_;
        lock.unlock();
        door_open_.notify_one();
        return status == LARDER_PENDING ? LARDER_E_INTERNAL : status;
    }
    if (waits()) {
        larder_call context{sizeof(larder_call), 0, until, nullptr, nullptr, nullptr, 0, 0, 0, now_ns};
        const larder_status status = call(context, out != nullptr ? out->out() : nullptr);
        return status == LARDER_PENDING ? LARDER_E_INTERNAL : status;
    }
    auto answer = std::make_shared<Answer>();
    const PendingPool::Ticket ticket = pending_.take(left, [answer](larder_status status, larder_value value) {
        const std::lock_guard lock(answer->mutex);
        answer->status = status;
        answer->value = Pinned(value);
        answer->done = true;
        answer->ready.notify_all();
    });
    if (ticket.ctx == nullptr) return LARDER_E_BUSY;
    larder_call context{sizeof(larder_call), 0, until, ticket.done, ticket.ctx, nullptr, 0, 0, 0, now_ns};
    larder_value value{};
    const larder_status status = call(context, out != nullptr ? &value : nullptr);
    if (status != LARDER_PENDING) pending_.settle(ticket.ctx, status, value);
    // The timer of the pool ends the wait: done is always called, by the store or by it.
    std::unique_lock lock(answer->mutex);
    answer->ready.wait(lock, [&] { return answer->done; });
    if (out != nullptr && answer->status == LARDER_OK) *out = std::move(answer->value);
    return answer->status;
}

larder_status Tier::get(const larder_key& key, std::uint32_t flags, std::uint64_t now_ns,
                        std::uint64_t deadline_ns, Pinned& out) {
    const larder_status status = guarded(Timed::get, now_ns, deadline_ns, &out, [&](larder_call& call, larder_value* value) {
        call.flags = flags;
        return store_.table->get(store_.self, &key, &call, value);
    });
    if (status == LARDER_OK && out.bytes().data == nullptr) [[unlikely]] {
        out.reset();
        judge(LARDER_E_CORRUPT, now_ns);
        return LARDER_E_CORRUPT;
    }
    counters_.add(status == LARDER_OK ? hits : misses);
    return status;
}

void Tier::get_many(std::span<larder_get_item> items, std::uint32_t flags, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    larder_status status = guarded(Timed::get, now_ns, deadline_ns, nullptr, [&](larder_call& call, larder_value*) {
        call.flags = flags;
        return store_.table->get_many(store_.self, items.data(), items.size(), &call);
    });
    if (status == LARDER_E_UNSUPPORTED) {
        for (larder_get_item& item : items) {
            Pinned value;
            item.status = get(item.key, flags, now_ns, deadline_ns, value);
            if (item.status == LARDER_OK) item.value = value.give();
        }
        return;
    }
    std::uint64_t found = 0;
    for (larder_get_item& item : items) {
        if (status != LARDER_OK) item.status = status;
        if (item.status == LARDER_OK && item.value.data == nullptr) [[unlikely]] {
            Pinned(item.value).reset();
            item.status = LARDER_E_CORRUPT;
            judge(LARDER_E_CORRUPT, now_ns);
        }
        found += item.status == LARDER_OK;
    }
    counters_.add(hits, found);
    counters_.add(misses, items.size() - found);
}

larder_status Tier::visit(const larder_key& key, std::uint64_t now_ns, void (*fn)(void*, larder_bytes) noexcept, void* ctx) {
    const larder_status status = guarded(Timed::get, now_ns, 0, nullptr, [&](larder_call& call, larder_value*) {
        return store_.table->visit(store_.self, &key, &call, fn, ctx);
    });
    if (status != LARDER_E_UNSUPPORTED) counters_.add(status == LARDER_OK ? hits : misses);
    return status;
}

larder_status Tier::put(const larder_key& key, const larder_put& put, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    return guarded(Timed::put, now_ns, deadline_ns, nullptr, [&](larder_call& call, larder_value*) {
        return store_.table->put(store_.self, &key, &put, &call);
    });
}

larder_status Tier::remove(const larder_key& key, std::uint64_t if_version, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    return guarded(Timed::remove, now_ns, deadline_ns, nullptr, [&](larder_call& call, larder_value*) {
        return store_.table->remove(store_.self, &key, if_version, &call);
    });
}

larder_status Tier::touch(const larder_key& key, const larder_touch& touch, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    return guarded(Timed::put, now_ns, deadline_ns, nullptr, [&](larder_call& call, larder_value*) {
        return store_.table->touch(store_.self, &key, &touch, &call);
    });
}

larder_status Tier::clear(std::uint32_t ns) {
    const std::uint64_t now = clock_.mono_ns();
    return guarded(Timed::remove, now, 0, nullptr, [&](larder_call& call, larder_value*) {
        return store_.table->clear_ns(store_.self, ns, &call);
    });
}

larder_status Tier::scan(larder_scan& scan, std::uint64_t deadline_ns) {
    return guarded(Timed::get, clock_.mono_ns(), deadline_ns, nullptr, [&](larder_call& call, larder_value*) {
        return store_.table->scan(store_.self, &scan, &call);
    });
}

larder_status Tier::read_here(SharedCall& call, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    return guarded(Timed::get, now_ns, deadline_ns, nullptr, [&](larder_call& context, larder_value*) {
        return store_.shared->read(store_.sharing(), call.items.data(), call.items.size(), call.records.data(), call.records.size(), &context);
    });
}

void Tier::keep_for_late_answer(const std::shared_ptr<SharedCall>& call, std::uint64_t now_ns) {
    constexpr std::uint64_t long_enough_ns = 60'000'000'000;
    const std::lock_guard lock(given_up_mutex_);
    while (!given_up_.empty() && now_ns - std::min(now_ns, given_up_.front().first) > long_enough_ns) given_up_.pop_front();
    given_up_.emplace_back(now_ns, call);
}

template <class Call>
void Tier::begin_any(Timed what, const std::shared_ptr<SharedCall>& shared, std::uint64_t now_ns, std::uint64_t deadline_ns, Then then, Call&& call) {
    if (!breaker_.allow(now_ns)) {
        counters_.add(bypassed);
        return then(LARDER_E_CLOSED);
    }
    auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(store_.timeout);
    if (deadline_ns != 0) left = std::min(left, std::chrono::nanoseconds(deadline_ns > now_ns ? deadline_ns - now_ns : 0));
    // The store ends it by then; the pool's timer is for one that does not.
    constexpr std::chrono::milliseconds grace{20};
    const auto ended = [self = shared_from_this(), shared, what, began_ns = clock_.fine_ns(), then = std::move(then)](larder_status status) {
        const std::uint64_t now = self->clock_.mono_ns();
        self->durations(what).add(self->clock_.fine_ns() - began_ns);
        if (status == LARDER_E_TIMEOUT && shared != nullptr) self->keep_for_late_answer(shared, now);
        if (status >= 0) self->succeeded();
        else self->judge(status, now);
        then(status);
    };
    const PendingPool::Ticket ticket = pending_.take(left + grace, [ended](larder_status status, larder_value value) {
        Pinned(value).reset();
        ended(status);
    });
    if (ticket.ctx == nullptr) return ended(LARDER_E_BUSY);
    larder_call context{sizeof(larder_call), 0, now_ns + static_cast<std::uint64_t>(left.count()), ticket.done, ticket.ctx, nullptr, 0, 0, 0, now_ns};
    const larder_status status = call(context);
    if (status != LARDER_PENDING) pending_.settle(ticket.ctx, status, {});
}

void Tier::begin(Shared what, const std::shared_ptr<SharedCall>& call, std::uint64_t ttl_ms, std::uint64_t now_ns, std::uint64_t deadline_ns, Then then) {
    begin_any(what == Shared::read ? Timed::get : Timed::put, call, now_ns, deadline_ns, std::move(then), [&](larder_call& context) {
        if (what == Shared::read)
            return store_.shared->read(store_.sharing(), call->items.data(), call->items.size(), call->records.data(), call->records.size(), &context);
        return store_.shared->make(store_.sharing(), call->records.data(), call->records.size(), ttl_ms, &context);
    });
}

void Tier::begin_change(const std::shared_ptr<SharedCall>& call, std::uint64_t ttl_ms, std::uint64_t now_ns, std::uint64_t deadline_ns, Then then) {
    begin_any(Timed::remove, call, now_ns, deadline_ns, std::move(then), [&](larder_call& context) {
        return store_.shared->change(store_.sharing(), call->records.data(), call->records.size(), ttl_ms, call->keys.data(), call->keys.size(), 0, &context);
    });
}

void Tier::begin_lease(const std::shared_ptr<SharedCall>& call, std::uint64_t token, std::uint64_t ttl_ms, std::uint64_t now_ns, std::uint64_t deadline_ns, Then then) {
    begin_any(Timed::put, call, now_ns, deadline_ns, std::move(then), [&](larder_call& context) {
        return store_.shared->lease(store_.sharing(), call->keys.data(), token, ttl_ms, &context);
    });
}

void Tier::begin_put(const larder_key& key, const larder_put& put, std::uint64_t lease, std::uint64_t now_ns, std::uint64_t deadline_ns, Then then) {
    begin_any(Timed::put, nullptr, now_ns, deadline_ns, std::move(then), [&](larder_call& context) {
        return lease == 0 ? store_.table->put(store_.self, &key, &put, &context)
                          : store_.shared->fill(store_.sharing(), &key, lease, &put, &context);
    });
}

larder_status Tier::fill(const larder_key& key, std::uint64_t token, const larder_put& put, std::uint64_t now_ns, std::uint64_t deadline_ns) {
    return guarded(Timed::put, now_ns, deadline_ns, nullptr, [&](larder_call& call, larder_value*) {
        return store_.shared->fill(store_.sharing(), &key, token, &put, &call);
    });
}

larder_status Tier::limits(std::uint32_t ns, std::uint64_t entries, std::uint64_t bytes) {
    return store_.table->limits(store_.self, ns, entries, bytes);
}

larder_status Tier::evict(std::uint32_t ns, dsl::EvictOrder order) {
    if (!has(LARDER_STORE_CAP_EVICT)) return LARDER_E_UNSUPPORTED;
    return store_.table->evict(store_.self, ns, static_cast<std::uint32_t>(order));
}

larder_status Tier::demote(std::uint32_t ns, const larder_demotion* to) {
    if (!has(LARDER_STORE_CAP_DEMOTE)) return LARDER_E_UNSUPPORTED;
    return store_.table->demote(store_.self, ns, to);
}

larder_store_stats Tier::stats(std::uint32_t ns) const {
    larder_store_stats out{};
    out.struct_size = sizeof out;
    if (store_.table->stats(store_.self, ns, &out) != LARDER_OK) out = {};
    if (out.entries != 0 || !foreign()) return out;
    const std::lock_guard lock(walked_mutex_);
    for (const auto& [of, entries] : walked_)
        if (ns == UINT32_MAX || ns == of) out.entries += entries;
    return out;
}

void Tier::walked(std::map<std::uint32_t, std::uint64_t> entries) {
    const std::lock_guard lock(walked_mutex_);
    walked_ = std::move(entries);
}

}  // namespace larder
