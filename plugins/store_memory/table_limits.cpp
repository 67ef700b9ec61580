// plugins/store_memory/table_limits.cpp -- keeping the table and its namespaces to their limits.
#include "table.hpp"

#include <algorithm>
#include <new>

namespace larder::store_memory {

// Evicts from one shard, `batch` entries to a lock, while there is excess and the shard (or the
// namespace's part of it) holds more than `least_bytes`. Whether anything went.
bool Table::shed_from(Shard& shard, const Entry* keep, const Excess& excess,
                      std::uint64_t least_bytes, Quota& quota) noexcept {
    bool any = false;
    for (bool more = true; more;) {
        Graveyard dead;
        const std::lock_guard lock(shard.mutex);
        Share* within = excess.within != nullptr ? shard.find_share(excess.ns) : nullptr;
        if (within == nullptr && excess.within != nullptr) {
            break;
        }
        const std::uint64_t now = now_ns();
        for (std::uint64_t i = 0; i < batch && more; ++i) {
            const std::uint64_t held = within != nullptr ? within->bytes() : shard.bytes();
            more = held > least_bytes && !quota.spent() && excess(dead.bytes()) &&
                   shard.evict_one(within, keep, now, dead);
            if (more) {
                quota.use(held - (within != nullptr ? within->bytes() : shard.bytes()));
                any = true;
            }
        }
    }
    return any;
}

// Begins with the shard that the excess came to, as long as shards there hold their part; what is
// left comes from wherever there is something.
void Table::shed(std::size_t home, const Entry* keep, const Excess& excess, Quota quota) noexcept {
    for (const bool fair : {true, false}) {
        const std::uint64_t all = excess.within != nullptr
                                      ? excess.within->bytes.load(std::memory_order_relaxed)
                                      : bytes();
        const std::uint64_t part = fair ? all / shards() * 3 / 4 : 0;
        for (bool any = true; any && excess() && !quota.spent();) {
            any = false;
            for (std::uint32_t i = 0; i <= mask_; ++i) {
                any |= shed_from(shards_[(home + i) & mask_], keep, excess, part, quota);
            }
        }
    }
}

bool Table::tend() noexcept {
    bool more = false;
    const std::uint64_t now = now_ns();
    for (std::uint32_t i = 0; i <= mask_; ++i) {
        Graveyard dead;
        const std::lock_guard lock(shards_[i].mutex);
        more |= shards_[i].expire(now, 2 * batch, dead);
        shards_[i].fit_ghosts();
    }
    const Excess excess{*this, nullptr, 0};
    if (excess()) {
        const std::uint64_t before = bytes();
        shed(0, nullptr, excess, Quota{8 * batch, 0});
        more |= excess() && bytes() < before;
    }
    return more;
}

larder_status Table::limits(std::uint32_t ns, std::uint64_t entries, std::uint64_t bytes) noexcept {
    try {
        Namespace& whole = namespace_of(ns);
        whole.most_entries.store(entries, std::memory_order_relaxed);
        whole.most_bytes.store(bytes, std::memory_order_relaxed);
        return LARDER_OK;
    } catch (const std::bad_alloc&) {
        return LARDER_E_NOMEM;
    }
}

}  // namespace larder::store_memory
