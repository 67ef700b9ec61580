// plugins/store_memory/table_read.cpp -- hits and misses.
#include "eviction.hpp"
#include "table.hpp"
#include "thread_card.hpp"

#include <larder/plugin/read_section.hpp>

#include <algorithm>

namespace larder::store_memory {
namespace {

using plugin::ReadSection;

void LARDER_CALL give_back(larder_value* value) noexcept {
    unpin(*static_cast<PinCell*>(value->pin));
}

// Says that an entry was used, if nobody has since the hand came by. A slot that changes meanwhile
// stays as it is: the next use counts.
inline void note_use(std::atomic<std::uint16_t>& at) noexcept {
    std::uint16_t seen = at.load(std::memory_order_relaxed);
    if ((seen & Eviction::used) == 0) {
        at.compare_exchange_strong(seen, static_cast<std::uint16_t>(seen | Eviction::used),
                                   std::memory_order_relaxed);
    }
}

}  // namespace

inline Hit Table::look_up(const larder_key& key, std::uint64_t hash, std::uint32_t flags,
                          std::uint64_t now_ns, ThreadCard& me, bool& lapsed_too) noexcept {
    Space* const space = spaces_.find(key.ns);
    Hit hit;
    if (space != nullptr) [[likely]] {
        hit = index_.find(*space, hash, key);
        if (hit && lapsed(hit.entry, now_ns)) [[unlikely]] {
            lapsed_too = true;
            hit = {};
        }
    }
    if ((flags & LARDER_CALL_PEEK) == 0) [[likely]] {
        Tallies& tallies = space != nullptr ? space->tallies : strays_;
        if (hit) {
            note_use(*hit.meta);
            tallies.hit(me);
            if (Contest* const contest = space->contest.load(std::memory_order_acquire);
                contest != nullptr && contest->wants(hash)) [[unlikely]] {
                contest->saw(hash, cost_of(hit.entry), me.number);
            }
        } else {
            tallies.miss(me);
        }
    }
    return hit;
}

inline larder_status Table::show(const Entry& entry, ThreadCard& me, std::uint32_t flags,
                                 larder_value* out) noexcept {
    if ((flags & LARDER_CALL_NO_VALUE) != 0) {
        return LARDER_OK;
    }
    PinCell* pin = me.pin(entry.head());
    if (pin == nullptr) [[unlikely]] {
        return LARDER_E_NOMEM;
    }
    const larder_bytes shown = entry.shown();
    out->data = shown.data;
    out->size = shown.size;
    out->release = &give_back;
    out->pin = pin;
    return LARDER_OK;
}

void Table::hand_on(const Space& space, const Entry& entry) noexcept {
    const larder_demotion* const to = space.demotion.load(std::memory_order_acquire);
    larder_value value{};
    if (to == nullptr || show(entry, my_card(), 0, &value) != LARDER_OK) {
        return;
    }
    const larder_key key{entry.key(), static_cast<std::uint32_t>(entry.key_size()), space.ns, 0};
    to->evicted(to->ctx, &key, &value);
}

larder_status Table::get(const larder_key& key, std::uint32_t flags, larder_value* out,
                         std::uint64_t now_ns) noexcept {
    const std::uint64_t hash = index_.hash(key);
    bool lapsed_too = false;
    {
        const ReadSection section;
        ThreadCard& me = my_card();
        if (const Hit hit = look_up(key, hash, flags, now_ns, me, lapsed_too)) {
            return show(hit.entry, me, flags, out);
        }
    }
    if (lapsed_too) [[unlikely]] {
        reclaim(key, hash);
    }
    return LARDER_MISS;
}

larder_status Table::visit(const larder_key& key, std::uint32_t flags, See see, void* ctx,
                           std::uint64_t now_ns) noexcept {
    const std::uint64_t hash = index_.hash(key);
    bool lapsed_too = false;
    {
        const ReadSection section;
        if (const Hit hit = look_up(key, hash, flags, now_ns, my_card(), lapsed_too)) {
            see(ctx, hit.entry.shown());
            return LARDER_OK;
        }
    }
    if (lapsed_too) [[unlikely]] {
        reclaim(key, hash);
    }
    return LARDER_MISS;
}

// Sixteen at a time: first all probe lines are asked for, then all entries, then they are read, so
// that the waits of a group overlap.
void Table::get_many(std::span<larder_get_item> items, std::uint32_t flags,
                     std::uint64_t now_ns) noexcept {
    ThreadCard& me = my_card();
    constexpr std::size_t group = 16;
    std::array<std::uint64_t, group> hashes;
    std::array<const Line*, group> lines;
    for (std::size_t begin = 0; begin < items.size(); begin += group) {
        const auto now = items.subspan(begin, std::min(group, items.size() - begin));
        std::array<bool, group> lapsed_too{};
        {
            const ReadSection section;
            for (std::size_t i = 0; i < now.size(); ++i) {
                hashes[i] = index_.hash(now[i].key);
                const Space* space = spaces_.find(now[i].key.ns);
                lines[i] = space != nullptr ? index_.reach(*space, hashes[i]) : nullptr;
            }
            for (std::size_t i = 0; i < now.size(); ++i) {
                if (lines[i] != nullptr) {
                    index_.reach_entry(lines[i], hashes[i]);
                }
            }
            for (std::size_t i = 0; i < now.size(); ++i) {
                const Hit hit = look_up(now[i].key, hashes[i], flags, now_ns, me, lapsed_too[i]);
                now[i].status = hit ? show(hit.entry, me, flags, &now[i].value) : LARDER_MISS;
            }
        }
        for (std::size_t i = 0; i < now.size(); ++i) {
            if (lapsed_too[i]) {
                reclaim(now[i].key, hashes[i]);
            }
        }
    }
}

void Table::reclaim(const larder_key& key, std::uint64_t hash) noexcept {
    {
        const ReadSection section;
        Held held = hold(key.ns, hash, false);
        if (!held) {
            return;
        }
        const Found found = index_.find(held, hash, key);
        if (found && lapsed(found.entry)) {
            unlink(held, found, Cause::lapsed);
        }
    }
    limbo_.step(lane());
}

}  // namespace larder::store_memory
