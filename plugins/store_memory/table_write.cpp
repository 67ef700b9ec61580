// plugins/store_memory/table_write.cpp -- putting, removing and touching entries.
#include "table.hpp"

#include <larder/plugin/read_section.hpp>

#include <cstring>
#include <optional>

namespace larder::store_memory {
namespace {

using plugin::ReadSection;

// What is put, taken apart: its head, as far as it has one, and what follows.
struct Parts {
    bool headed;
    const std::byte* value;
    std::size_t size;
    std::uint64_t words[3];

    Parts(const larder_put& put, std::uint64_t deadline_ms) noexcept
        : headed((put.flags & LARDER_PUT_HEADED) != 0),
          value(static_cast<const std::byte*>(put.value.data)),
          size(put.value.size),
          words{0, put.version, deadline_ms} {
        if (headed && size >= Entry::head_size) {
            std::memcpy(words, value, sizeof words);
            words[1] = put.version;
            words[2] = (words[2] & ~Entry::deadline_mask) | deadline_ms;
            value += Entry::head_size;
            size -= Entry::head_size;
        }
    }
};

}  // namespace

Held Table::hold(std::uint32_t ns, std::uint64_t hash, bool make) noexcept {
    for (;;) {
        Space* space = make ? spaces_.find_or_make(ns) : spaces_.find(ns);
        if (space == nullptr) {
            return {};
        }
        // Not held: it was cleared meanwhile, and there is another one, or none.
        if (Held held = index_.hold(*space, hash)) {
            return held;
        }
    }
}

larder_status Table::put(const larder_key& key, const larder_put& put) noexcept {
    if ((put.flags & LARDER_PUT_HEADED) != 0 && put.value.size < Entry::head_size) {
        return LARDER_E_INVALID;
    }
    const Parts parts(put, deadline_in(put.ttl_ms));
    if (parts.size > Entry::largest_value || key.size > Entry::largest_key) {
        return LARDER_E_TOO_LARGE;
    }
    const std::size_t before = Entry::before_head(key.size, parts.size);
    const std::size_t after = Entry::after(parts.size);
    const std::uint64_t cost = arena_.entry_bytes(before, after) + index_share;
    if (cost > capacity()) {
        return LARDER_E_TOO_LARGE;
    }
    const std::uint64_t hash = index_.hash(key);
    {
        // The probe line comes while the entry is made.
        const ReadSection section;
        if (const Space* space = spaces_.find(key.ns)) {
            static_cast<void>(index_.reach(*space, hash));
        }
    }
    const InLane lane(*this);
    std::uint32_t fresh = take_block(lane->number, before, after);
    if (fresh == 0) [[unlikely]] {
        limbo_.settle();
        fresh = arena_.take_entry(lane->number, before, after);
    }
    if (fresh == 0) [[unlikely]] {
        errors_.fetch_add(1, std::memory_order_relaxed);
        return LARDER_E_NOMEM;
    }
    index_.entry(fresh).fill(key.data, key.size, parts.value, parts.size, parts.headed,
                             parts.words);
    larder_status status = LARDER_E_NOMEM;
    bool limited = false, to_cut = false;
    {
        const ReadSection section;
        if (Held held = hold(key.ns, hash, true)) {
            status = link(*lane, held, key, hash, put, fresh);
            to_cut = Index::wants_cut(held);
            held.lock.unlock();
            limited = held.space->over_limit();
            if (to_cut) [[unlikely]] {
                index_.cut(*held.space);
            }
        }
    }
    if (status != LARDER_OK) {
        errors_.fetch_add(status == LARDER_E_NOMEM, std::memory_order_relaxed);
        arena_.give(fresh);
        return status;
    }
    if (limited || over_capacity()) {
        make_room(*lane, key.ns, fresh, cost);
    }
    limbo_.step(lane->number);
    return LARDER_OK;
}

std::uint32_t Table::take_block(std::uint32_t lane, std::size_t before,
                                std::size_t after) noexcept {
    if (const std::uint32_t ready = limbo_.take_ready(lane)) {
        if (const std::uint32_t fresh = arena_.fit(ready, before, after)) {
            return fresh;
        }
        arena_.give(ready);
    }
    return arena_.take_entry(lane, before, after);
}

larder_status Table::link(Lane& lane, Held& held, const larder_key& key, std::uint64_t hash,
                          const larder_put& put, std::uint32_t fresh) noexcept {
    Found old = index_.find(held, hash, key);
    if (old && lapsed(old.entry)) {
        unlink(held, old, Cause::lapsed);
        old = {};
    }
    if ((put.flags & LARDER_PUT_IF_ABSENT) != 0 && old) {
        return LARDER_EXISTS;
    }
    if ((put.flags & LARDER_PUT_IF_VERSION) != 0 &&
        put.if_version != (old ? old.entry.version() : 0)) {
        return LARDER_E_CONFLICT;
    }
    const Entry entry = index_.entry(fresh);
    const std::uint64_t cost = cost_of(entry);
    const std::uint64_t most = held.space->most_bytes.load(std::memory_order_relaxed);
    if (most != 0 && cost > most) {
        return LARDER_E_TOO_LARGE;
    }
    if (old) {
        if ((put.flags & LARDER_PUT_KEEP_TTL) != 0) {
            entry.set_deadline(old.entry.deadline_ms());
        }
        replace(held, old, fresh);
        return LARDER_OK;
    }
    const std::uint32_t hint = Deadline::hint(entry.deadline_ms());
    const std::uint16_t rank = meta::of(hint, first_rank(lane, held, hash, put.priority));
    for (;;) {
        const Index::Placed placed = index_.place(held, hash, fresh, rank);
        if (placed == Index::Placed::yes) {
            break;
        }
        if (placed == Index::Placed::no_memory || !evict_beside(held, hash)) {
            return LARDER_E_NOMEM;
        }
    }
    held.segment->hints |= 1u << hint;
    std::atomic<std::uint64_t>& entries = held.shard->entries;
    entries.store(entries.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    entries_.add(lane.number, 1);
    count(held, cost, 0);
    if (Contest* const contest = held.space->contest.load(std::memory_order_acquire);
        contest != nullptr && contest->wants(hash)) [[unlikely]] {
        contest->saw(hash, cost, lane.number);
    }
    if (hash % Eviction::insertions_per_idle_line == 0 && !over_capacity()) {
        look_over(lane, held);
    }
    return LARDER_OK;
}

void Table::replace(Held& held, const Found& old, std::uint32_t fresh) noexcept {
    const Entry entry = index_.entry(fresh);
    const std::uint32_t hint = Deadline::hint(entry.deadline_ms());
    const std::uint16_t seen = old.meta().load(std::memory_order_relaxed);
    held.segment->hints |= 1u << hint;
    old.line->ref[old.slot].store(fresh, std::memory_order_release);
    old.meta().store(meta::of(hint, meta::rank(seen) | Eviction::used), std::memory_order_relaxed);
    const std::uint64_t less = cost_of(old.entry);
    count(held, cost_of(entry), less);
    limbo_.retire(lane(), old.ref, less, Limbo::What::entry);
}

void Table::unlink(Held& held, const Found& found, Cause cause) noexcept {
    Shard& shard = *held.shard;
    const auto add = [](std::atomic<std::uint64_t>& to, std::uint64_t n) {
        to.store(to.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    };
    const bool unread =
        !Eviction::was_read(meta::rank(found.meta().load(std::memory_order_relaxed)));
    index_.erase(held, found);
    add(shard.entries, ~std::uint64_t{0});
    entries_.add(lane(), -1);
    switch (cause) {
        case Cause::evicted:
            hand_on(*held.space, found.entry);
            add(shard.evictions, 1);
            add(shard.evicted_unread, unread);
            break;
        case Cause::lapsed:
            add(shard.expirations, 1);
            add(shard.expired_unread, unread);
            break;
        case Cause::taken:
            add(shard.removed, 1);
            add(shard.removed_unread, unread);
            break;
    }
    const std::uint64_t less = cost_of(found.entry);
    count(held, 0, less);
    limbo_.retire(lane(), found.ref, less, Limbo::What::entry);
}

larder_status Table::remove(const larder_key& key, std::uint64_t if_version) noexcept {
    const std::uint64_t hash = index_.hash(key);
    larder_status status = LARDER_MISS;
    {
        const ReadSection section;
        Held held = hold(key.ns, hash, false);
        const Found found = held ? index_.find(held, hash, key) : Found{};
        if (!found) {
            return LARDER_MISS;
        }
        if (lapsed(found.entry)) {
            unlink(held, found, Cause::lapsed);
        } else if (if_version != 0 && if_version != found.entry.version()) {
            return LARDER_E_CONFLICT;
        } else {
            unlink(held, found, Cause::taken);
            status = LARDER_OK;
        }
    }
    limbo_.step(lane());
    return status;
}

larder_status Table::touch(const larder_key& key, const larder_touch& touch) noexcept {
    const std::uint64_t hash = index_.hash(key);
    const std::uint64_t deadline = deadline_in(touch.ttl_ms);
    std::uint32_t copied = 0, copy = 0;  // What was copied, and where to.
    larder_status status = LARDER_PENDING;
    // One section for all of it: what was copied cannot be replaced by another at the same place.
    std::optional<ReadSection> section(std::in_place);
    while (status == LARDER_PENDING) {
        {
            Held held = hold(key.ns, hash, false);
            const Found found = held ? index_.find(held, hash, key) : Found{};
            if (!found) {
                status = LARDER_MISS;
            } else if (lapsed(found.entry)) {
                unlink(held, found, Cause::lapsed);
                status = LARDER_MISS;
            } else if (touch.if_version != 0 && touch.if_version != found.entry.version()) {
                status = LARDER_E_CONFLICT;
            } else if (touch.patch.size != 0 &&
                       std::uint64_t{touch.patch_offset} + touch.patch.size >
                           found.entry.shown().size) {
                status = LARDER_E_INVALID;
            } else if (touch.patch.size == 0) {
                const std::uint32_t hint = Deadline::hint(deadline);
                found.entry.set_deadline(deadline);
                held.segment->hints |= 1u << hint;
                const std::uint16_t seen = found.meta().load(std::memory_order_relaxed);
                found.meta().store(meta::of(hint, meta::rank(seen)), std::memory_order_relaxed);
                status = LARDER_OK;
            } else if (found.ref == copied) {
                replace(held, found, copy);
                copy = 0;
                status = LARDER_OK;
            }
            if (status == LARDER_PENDING) {
                copied = found.ref;
            }
        }
        if (status != LARDER_PENDING) {
            break;
        }
        // Copied without the lock; if another write came meanwhile, all is judged again.
        const Entry from = index_.entry(copied);
        const std::size_t size = from.value_size();
        if (copy != 0) {
            arena_.give(copy);
        }
        copy = take_block(lane(), Entry::before_head(key.size, size), Entry::after(size));
        if (copy == 0) {
            errors_.fetch_add(1, std::memory_order_relaxed);
            status = LARDER_E_NOMEM;
            break;
        }
        const Entry to = index_.entry(copy);
        to.copy_from(from);
        const larder_bytes shown = to.shown();
        std::memcpy(static_cast<std::byte*>(const_cast<void*>(shown.data)) + touch.patch_offset,
                    touch.patch.data, touch.patch.size);
        to.set_deadline(deadline);
    }
    section.reset();
    if (copy != 0) {
        arena_.give(copy);
    }
    limbo_.step(lane());
    return status;
}

}  // namespace larder::store_memory
