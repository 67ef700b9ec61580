// plugins/store_memory/table_limits.cpp -- keeping the table and its namespaces to their limits.
#include "table.hpp"
#include "thread_card.hpp"

#include <larder/plugin/read_section.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace larder::store_memory {

using plugin::ReadSection;

// Evicts until the namespace and the table are within their limits, or until this put has done its
// part: as many bytes as it brought, and an entry more, so that an excess that nobody caused
// shrinks with every put.
void Table::make_room(Lane& lane, std::uint32_t ns, std::uint32_t keep,
                      std::uint64_t cost) noexcept {
    constexpr std::uint64_t least_evicted = 2, most_dismantled = 64, most_rounds = 4;
    for (;;) {
        {
            const ReadSection section;
            Space* space = spaces_.find(ns);
            if (space != nullptr) {
                run_contest(*space);
            }
            if (space == nullptr || !space->over_limit() || evict_one(lane, space, keep) == 0) {
                break;
            }
        }
        limbo_.step(lane.number);
    }
    std::uint64_t entries = 0, freed = 0, rounds = 0;
    while (over_capacity() && (entries < least_evicted || freed < cost)) {
        if (leaving_bytes_.load(std::memory_order_relaxed) != 0) {
            if (++rounds > most_rounds) {
                break;
            }
            static_cast<void>(dismantle(most_dismantled));
            limbo_.step(lane.number);
            continue;
        }
        std::uint64_t bytes = 0;
        {
            const ReadSection section;
            bytes = evict_one(lane, nullptr, keep);
        }
        if (bytes == 0) {
            break;
        }
        ++entries;
        freed += bytes;
        limbo_.step(lane.number);
    }
}

void Table::run_contest(Space& space) noexcept {
    if (Contest* const contest = space.contest.load(std::memory_order_acquire)) {
        contest->run([&space] {
            const std::uint64_t most = space.most_entries.load(std::memory_order_relaxed);
            const std::uint64_t entries = space.entries();
            return Contest::Held{entries, space.bytes(), most == 0 || entries + entries / 8 < most};
        });
    }
}

namespace {

constexpr std::uint32_t lines_ahead = 6;
constexpr std::size_t most_at_once = 4;  // Victims of one search.

std::uint64_t policy_key(std::uint64_t hash, std::uint32_t ns) noexcept {
    return hash ^ ns * 0x9e3779b97f4a7c15u;
}

}  // namespace

std::uint16_t Table::first_rank(Lane& lane, const Held& held, std::uint64_t hash,
                                std::uint32_t priority) noexcept {
    constexpr std::uint32_t cherished = 128;
    const std::int64_t entries = std::max<std::int64_t>(entries_.about(), 1);
    return lane.watch.insert(policy_key(hash, held.space->ns), static_cast<std::uint64_t>(entries),
                             priority >= cherished);
}

[[gnu::always_inline]] inline Watch::Look Table::look_at(Watch& watch, const Arena& arena, Line& line, unsigned slot,
                           std::uint32_t ref, Rule rule) noexcept {
    const std::uint16_t seen = line.meta[slot].load(std::memory_order_relaxed);
    const Watch::Look look =
        watch.look(static_cast<std::uint16_t>(seen & Eviction::meta_mask), arena.bytes_of(ref), rule);
    const std::uint16_t now = meta::of(meta::hint(seen), look.meta);
    if (now != seen) {
        line.meta[slot].store(now, std::memory_order_relaxed);
    }
    return look;
}

// While there is room nothing is evicted, and without this nobody would note which entries are
// used.
void Table::look_over(Lane& lane, Held& held) noexcept {
    Segment& in = *held.segment;
    const Rule rule = held.space->rule();
    in.hand = in.hand >= in.lines ? 0 : in.hand;
    Line& line = in.at(in.hand);
    in.hand = static_cast<std::uint16_t>(in.next(in.hand));
    for (unsigned slot = 0; slot < Line::slots; ++slot) {
        if (const std::uint32_t ref = line.ref[slot].load(std::memory_order_relaxed); ref != 0) {
            look_at(lane.watch, arena_, line, slot, ref, rule);
        }
    }
}

std::uint64_t Table::evict_one(Lane& lane, Space* within, std::uint32_t keep) noexcept {
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
                bytes = evict_in(lane, held, keep, 1);
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
    for (;;) {
        const Walk here = lane.hand;
        bool ended = false;
        std::uint64_t bytes = 0;
        if (Held held = next_of(lane.hand, ended)) {
            bytes = evict_in(lane, held, keep, most_at_once);
            if (bytes != 0 && held.segment->hand != 0) {
                lane.hand = here;
            }
        }
        rounds += ended;
        if (bytes != 0 || rounds > 1) {
            return bytes;
        }
    }
}

// Looks at the entries of the next lines and evicts the one of the least rank, and with it those seen
// on the way that are as little worth: the next puts will not have to search for them.
std::uint64_t Table::evict_in(Lane& lane, Held& held, std::uint32_t keep,
                              std::size_t most) noexcept {
    Segment* in = held.segment;
    if (in == nullptr || in->used == 0) {
        return 0;
    }
    in->hand = in->hand >= in->lines ? 0 : in->hand;
    const Rule rule = held.space->rule();
    struct Candidate {
        Line* line = nullptr;
        unsigned slot = 0;
        std::uint32_t ref = 0;
        std::uint16_t meta = 0;
        float rank = 0;
    };
    std::array<Candidate, most_at_once> victims;  // The least first, then others that will do.
    std::size_t others = 0;
    Candidate& least = victims[0];
    std::uint64_t looked_at = 0;
    for (std::uint32_t n = 0;
         n < in->lines && !(least.ref != 0 && lane.watch.enough(looked_at, least.rank, rule)); ++n) {
        Line& line = in->at(in->hand);
        for (unsigned slot = 0; slot < Line::slots; ++slot) {
            const std::uint32_t ref = line.ref[slot].load(std::memory_order_relaxed);
            if (ref == 0 || ref == keep) {
                continue;
            }
            const Watch::Look look = look_at(lane.watch, arena_, line, slot, ref, rule);
            ++looked_at;
            const bool is_least = least.ref == 0 || look.rank < least.rank;
            if (!is_least && !lane.watch.will_do(look.rank, rule)) {
                continue;
            }
            __builtin_prefetch(arena_.at(ref) - 24);
            Candidate now{&line, slot, ref, look.meta, look.rank};
            if (is_least) {
                std::swap(now, least);
            }
            if (now.ref != 0 && others + 1 < most && lane.watch.will_do(now.rank, rule)) {
                victims[++others] = now;
            }
        }
        in->hand = static_cast<std::uint16_t>(in->next(in->hand));
        if (in->hand == 0 && least.ref != 0) {
            break;
        }
    }
    // What the next eviction begins with.
    for (std::uint32_t i = in->hand; i < in->lines && i < in->hand + lines_ahead; ++i) {
        __builtin_prefetch(&in->at(i));
    }
    if (least.ref == 0) {
        return 0;
    }
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i <= others; ++i) {
        const Candidate& victim = victims[i];
        const Entry entry = index_.entry(victim.ref);
        const std::uint64_t ghost =
            policy_key(index_.hash(entry.key(), entry.key_size()), held.space->ns);
        lane.watch.expect(ghost);
        bytes += cost_of(entry);
        unlink(held, {entry, victim.ref, victim.line, victim.slot},
               lapsed(entry) ? Cause::lapsed : Cause::evicted);
        lane.watch.evict(ghost, victim.meta, rule);
    }
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
        idle = space->is_as_made() && space->entries() == 0;
        std::uint64_t behind = 0;
        do {
            if (const Held held = index_.hold_at(*space, behind, behind)) {
                space->tell(*held.shard, held.set->count());
            }
        } while (behind != 0);
    }
    if (idle) {
        clear(ns);
    }
    return LARDER_OK;
}

larder_status Table::demote(std::uint32_t ns, const larder_demotion* to) {
    if (to != nullptr && (!LARDER_HAS(to, evicted) || to->evicted == nullptr)) {
        return LARDER_E_INVALID;
    }
    const larder_demotion* kept = nullptr;
    if (to != nullptr) {
        const std::lock_guard lock(demotions_mutex_);
        for (const larder_demotion& known : demotions_) {
            if (known.ctx == to->ctx && known.evicted == to->evicted) {
                kept = &known;
            }
        }
        if (kept == nullptr) {
            kept = &demotions_.emplace_back(larder_demotion{sizeof(larder_demotion), 0, to->ctx, to->evicted});
        }
    }
    bool idle = false;
    {
        const ReadSection section;
        Space* const space = kept == nullptr ? spaces_.find(ns) : spaces_.find_or_make(ns);
        if (space == nullptr) {
            return kept == nullptr ? LARDER_OK : LARDER_E_NOMEM;
        }
        space->demotion.store(kept, std::memory_order_release);
        idle = space->is_as_made() && space->entries() == 0;
    }
    if (idle) {
        clear(ns);
    }
    return LARDER_OK;
}

larder_status Table::evict(std::uint32_t ns, std::uint32_t order) noexcept {
    static_assert(LARDER_EVICT_LRU == static_cast<int>(Rule::lru) && LARDER_EVICT_LFU == static_cast<int>(Rule::lfu) &&
                  LARDER_EVICT_FIFO == static_cast<int>(Rule::fifo) &&
                  LARDER_EVICT_S3FIFO == static_cast<int>(Rule::s3fifo) && LARDER_EVICT_AUTO == rules);
    if (order > LARDER_EVICT_AUTO) {
        return LARDER_E_UNSUPPORTED;
    }
    const bool finds_out = order == LARDER_EVICT_AUTO;
    bool idle = false;
    {
        const ReadSection section;
        Space* space = order == LARDER_EVICT_ADAPTIVE ? spaces_.find(ns) : spaces_.find_or_make(ns);
        if (space == nullptr) {
            return order == LARDER_EVICT_ADAPTIVE ? LARDER_OK : LARDER_E_NOMEM;
        }
        if (!space->evict_by(finds_out ? Rule::adaptive : static_cast<Rule>(order), finds_out)) {
            return LARDER_E_NOMEM;
        }
        idle = space->is_as_made() && space->entries() == 0;
    }
    if (idle) {
        clear(ns);
    }
    return LARDER_OK;
}

}  // namespace larder::store_memory
