// plugins/store_memory/table_limits.cpp -- keeping the table and its namespaces to their limits.
#include "eviction.hpp"
#include "table.hpp"
#include "thread_card.hpp"

#include <larder/plugin/read_section.hpp>

#include <algorithm>

namespace larder::store_memory {

using plugin::ReadSection;

// Evicts until the namespace and the table are within their limits, or until this put has done its
// part: as many bytes as it brought, and some more entries, so that an excess that nobody caused
// shrinks with every put.
void Table::make_room(std::uint32_t ns, std::uint64_t hash, std::uint32_t keep,
                      std::uint64_t cost) noexcept {
    constexpr std::uint64_t most_helped = 64;
    Hand& hand = hands_[Index::stripe(hash) & (arena_.stripes() - 1)];
    const std::uint32_t stripe = Index::stripe(hash);
    for (;;) {
        {
            const ReadSection section;
            Space* space = spaces_.find(ns);
            if (space == nullptr || !space->over_limit() || evict_one(hand, space, keep) == 0) {
                break;
            }
        }
        limbo_.step(stripe);
    }
    std::uint64_t entries = 0, freed = 0;
    while (over_capacity() && (entries < most_helped || freed < cost)) {
        if (leaving_bytes_.load(std::memory_order_relaxed) != 0) {
            if (!dismantle(most_helped)) {
                limbo_.step(stripe);
            }
            entries += most_helped / 4;
            continue;
        }
        std::uint64_t bytes = 0;
        {
            const ReadSection section;
            bytes = evict_one(hand, nullptr, keep);
        }
        if (bytes == 0) {
            break;
        }
        ++entries;
        freed += bytes;
        limbo_.step(stripe);
    }
}

namespace {

constexpr std::uint32_t lines_ahead = 6;

std::uint64_t policy_key(std::uint64_t hash, std::uint32_t ns) noexcept {
    return hash ^ ns * 0x9e3779b97f4a7c15u;
}

}  // namespace

std::uint16_t Table::first_rank(const Held& held, std::uint64_t hash,
                                std::uint32_t priority) noexcept {
    constexpr std::uint32_t cherished = 128;
    const auto entries = entries_.about() / arena_.stripes();
    Policy& policy = policy_of(held);
    const std::lock_guard lock(policy.mutex);
    return policy.eviction.insert(policy_key(hash, held.space->ns),
                                  static_cast<std::uint64_t>(std::max<std::int64_t>(entries, 1)),
                                  priority >= cherished);
}

Eviction::Look Table::look_at(Eviction& policy, const Arena& arena, Line& line, unsigned slot,
                              std::uint32_t ref) noexcept {
    const std::uint16_t seen = line.meta[slot].load(std::memory_order_relaxed);
    const Eviction::Look look =
        policy.look(static_cast<std::uint16_t>(seen & Eviction::meta_mask), arena.bytes_of(ref));
    const std::uint16_t now = meta::of(meta::hint(seen), look.meta);
    if (now != seen) {
        line.meta[slot].store(now, std::memory_order_relaxed);
    }
    return look;
}

// While there is room nothing is evicted, and without this nobody would note which entries are
// used.
void Table::look_over(Held& held) noexcept {
    Segment& in = *held.segment;
    in.hand = in.hand >= in.lines ? 0 : in.hand;
    Line& line = in.at(in.hand);
    in.hand = static_cast<std::uint16_t>(in.next(in.hand));
    Policy& policy = policy_of(held);
    const std::lock_guard lock(policy.mutex);
    for (unsigned slot = 0; slot < Line::slots; ++slot) {
        if (const std::uint32_t ref = line.ref[slot].load(std::memory_order_relaxed); ref != 0) {
            look_at(policy.eviction, arena_, line, slot, ref);
        }
    }
}

std::uint64_t Table::evict_one(Hand& hand, Space* within, std::uint32_t keep) noexcept {
    // Around once and a little more: then there is nothing but `keep`.
    int rounds = 0;
    if (within != nullptr) {
        std::uint64_t at = std::uint64_t{within->hand.load(std::memory_order_relaxed)} << 32;
        for (;;) {
            std::uint64_t behind = 0, bytes = 0;
            {
                Held held = index_.hold_at(*within, at, behind);
                if (!held) {
                    return 0;
                }
                bytes = evict_in(held, keep);
                if (bytes == 0 || held.segment->hand == 0) {
                    at = behind;
                    rounds += behind == 0;
                }
            }
            if (bytes != 0 || rounds > 1) {
                within->hand.store(static_cast<std::uint32_t>(at >> 32), std::memory_order_relaxed);
                return bytes;
            }
        }
    }
    const std::lock_guard lock(hand.mutex);
    for (;;) {
        const Walk here = hand.walk;
        bool ended = false;
        std::uint64_t bytes = 0;
        if (Held held = next_of(hand.walk, ended)) {
            bytes = evict_in(held, keep);
            if (bytes != 0 && held.segment->hand != 0) {
                hand.walk = here;
            }
        }
        rounds += ended;
        if (bytes != 0 || rounds > 1) {
            return bytes;
        }
    }
}

// Looks at the entries of the next lines and evicts the one of the least rank. (Two for one look
// take a sixth less time at a tenth of the keys, and 0.6 points of the hits: not worth it.)
std::uint64_t Table::evict_in(Held& held, std::uint32_t keep) noexcept {
    Segment* in = held.segment;
    if (in == nullptr || in->used == 0) {
        return 0;
    }
    in->hand = in->hand >= in->lines ? 0 : in->hand;
    struct Candidate {
        Found found;
        std::uint16_t meta = 0;
        float rank = 0;
    } least;
    {
        std::uint64_t looked_at = 0;
        Policy& shared = policy_of(held);
        Eviction& policy = shared.eviction;
        const std::lock_guard lock(shared.mutex);
        for (std::uint32_t n = 0;
             n < in->lines && !(least.found && policy.enough(looked_at, least.rank)); ++n) {
            Line& line = in->at(in->hand);
            for (unsigned slot = 0; slot < Line::slots; ++slot) {
                const std::uint32_t ref = line.ref[slot].load(std::memory_order_relaxed);
                if (ref == 0 || ref == keep) {
                    continue;
                }
                const Eviction::Look look = look_at(policy, arena_, line, slot, ref);
                ++looked_at;
                if (!least.found || look.rank < least.rank) {
                    __builtin_prefetch(arena_.at(ref) - 24);
                    least = {{Entry(), ref, &line, slot}, look.meta, look.rank};
                }
            }
            in->hand = static_cast<std::uint16_t>(in->next(in->hand));
            if (in->hand == 0 && least.found) {
                break;
            }
        }
        if (least.found) {
            const Entry entry = least.found.entry = index_.entry(least.found.ref);
            const std::uint64_t hash = index_.hash(entry.key(), entry.key_size());
            policy.evict(policy_key(hash, held.space->ns), least.meta);
        }
    }
    // What the next eviction begins with.
    for (std::uint32_t i = in->hand; i < in->lines && i < in->hand + lines_ahead; ++i) {
        __builtin_prefetch(&in->at(i));
    }
    if (!least.found) {
        return 0;
    }
    const std::uint64_t bytes = cost_of(least.found.entry);
    unlink(held, least.found, lapsed(least.found.entry) ? Cause::lapsed : Cause::evicted);
    return bytes;
}

bool Table::evict_beside(Held& held, std::uint64_t hash) noexcept {
    Segment* in = held.segment;
    const std::uint32_t home = Segment::home(static_cast<std::uint16_t>(hash), in->lines);
    Line& line = in->at(home);
    for (unsigned slot = 0; slot < Line::slots; ++slot) {
        if (const std::uint32_t ref = line.ref[slot].load(std::memory_order_relaxed)) {
            unlink(held, {index_.entry(ref), ref, &line, slot}, Cause::evicted);
            return true;
        }
    }
    return false;
}

larder_status Table::limits(std::uint32_t ns, std::uint64_t entries, std::uint64_t bytes) noexcept {
    bool idle = false;
    {
        const ReadSection section;
        Space* space = spaces_.find_or_make(ns);
        if (space == nullptr) {
            return LARDER_E_NOMEM;
        }
        space->most_entries.store(entries, std::memory_order_relaxed);
        space->most_bytes.store(bytes, std::memory_order_relaxed);
        idle = entries == 0 && bytes == 0 && space->entries() == 0;
    }
    if (idle) {
        clear(ns);
    }
    return LARDER_OK;
}

}  // namespace larder::store_memory
