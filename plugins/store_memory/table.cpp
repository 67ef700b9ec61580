// plugins/store_memory/table.cpp -- making and ending a table, its counts, clearing.
#include "table.hpp"

#include <larder/plugin/read_section.hpp>

#include <algorithm>
#include <bit>
#include <new>
#include <thread>

namespace larder::store_memory {
namespace {

using plugin::ReadSection;

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t least_entry = 48;  // Bytes, about.

std::uint32_t shard_bits_for(const Table::Options& options) noexcept {
    if (options.shards != 0) {
        return static_cast<std::uint32_t>(std::countr_zero(std::bit_ceil(options.shards)));
    }
    const std::uint64_t threads = std::max(1u, std::thread::hardware_concurrency());
    const std::uint64_t by_size = options.capacity_bytes / (mib / 4);
    const std::uint64_t count =
        std::clamp<std::uint64_t>(by_size, 1, std::min<std::uint64_t>(threads * 32, 512));
    return static_cast<std::uint32_t>(std::countr_zero(std::bit_floor(count)));
}

// Writers of small tables share lanes: each has spans of its own.
std::uint32_t stripes_for(const Table::Options& options) noexcept {
    const std::uint32_t threads = std::max(1u, std::thread::hardware_concurrency());
    if (options.capacity_bytes < 8 * mib) {
        return 1;
    }
    return options.capacity_bytes < 64 * mib ? std::min(std::bit_ceil(threads), 4u)
                                             : std::min(std::bit_ceil(threads * 2), 16u);
}

// The bits in opposite order: 0, a half, a quarter, three quarters, ... of their range.
std::uint32_t reversed(std::uint32_t bits) noexcept {
    std::uint32_t out = 0;
    for (unsigned i = 0; i < 32; ++i) {
        out |= (bits >> i & 1) << (31 - i);
    }
    return out;
}

Arena::Options arena_options(const Table::Options& options) noexcept {
    return {options.capacity_bytes, stripes_for(options), options.most_reserved, options.map};
}

}  // namespace

Table::Table(const larder_host* host, const Options& options)
    : host_(host),
      shard_bits_(shard_bits_for(options)),
      arena_(arena_options(options)),
      limbo_(arena_, std::max<std::uint64_t>(options.capacity_bytes / 64, 64 << 10)),
      spaces_(limbo_),
      index_(arena_, limbo_, options.secret, shard_bits_),
      capacity_(0),
      eviction_(arena_.reach() / least_entry) {
    set_capacity(options.capacity_bytes);
    const std::uint64_t moment = Deadline::moment_of(now_ms());
    sweep_.done = moment == 0 ? 0 : moment - 1;
    index_.set_swept(static_cast<std::uint32_t>(sweep_.done));
    // Hands begin far from each other, and go on at the same speed.
    for (std::uint32_t i = 0; i < arena_.stripes(); ++i) {
        Lane& lane = lanes_.emplace_back(eviction_);
        lane.number = i;
        lane.hand.hash = std::uint64_t{reversed(i)} << 32;
    }
}

Table::~Table() {
    clear(every_namespace);
    while (dismantle(SIZE_MAX)) {
    }
    limbo_.settle();
}

void Table::set_capacity(std::uint64_t bytes) noexcept {
    capacity_.store(bytes, std::memory_order_relaxed);
    // All lanes together are wrong by a twentieth of a hundredth at most.
    live_.set_grain(static_cast<std::int64_t>(bytes / 2048 / 16));
    entries_.set_grain(static_cast<std::int64_t>(std::min<std::uint64_t>(bytes >> 18, 1024)));
}

std::uint64_t Table::cost_of(std::size_t key_size, std::size_t value_size,
                             bool headed) const noexcept {
    const std::size_t value = headed ? value_size - Entry::head_size : value_size;
    return arena_.entry_bytes(Entry::before_head(key_size, value), Entry::after(value)) +
           index_share;
}

std::uint64_t Table::deadline_in(std::uint64_t ttl_ms) const noexcept {
    if (ttl_ms == 0) {
        return 0;
    }
    constexpr std::uint64_t longest_ms = Entry::deadline_mask / 2;  // 17 years.
    return std::min(now_ms() + std::min(ttl_ms, longest_ms), Entry::deadline_mask);
}

void Table::InLane::take_another(Table& table) noexcept {
    for (Lane& other : table.lanes_) {
        if (other.latch.try_lock()) {
            lane_ = &other;
            return;
        }
    }
    lane_->latch.lock();
}

void Table::count(Held& held, std::uint64_t more, std::uint64_t less) noexcept {
    std::atomic<std::uint64_t>& bytes = held.shard->bytes;
    bytes.store(bytes.load(std::memory_order_relaxed) + more - less, std::memory_order_relaxed);
    held.space->tell(*held.shard, held.set->count());
    if (more != less) {
        live_.add(lane(), static_cast<std::int64_t>(more - less));
    }
}

// ---- clearing

void Table::clear(std::uint32_t ns) noexcept {
    if (ns == every_namespace) {
        std::uint32_t positions = spaces_.positions();
        for (std::uint32_t i = 0; i < positions; ++i) {
            std::uint32_t one = every_namespace;
            {
                const ReadSection section;
                const Space* space = spaces_.at(i);
                one = space != nullptr ? space->ns : every_namespace;
                positions = spaces_.positions();
            }
            if (one != every_namespace) {
                clear(one);
            }
        }
        return;
    }
    {
        const ReadSection section;
        Space* space = spaces_.take(ns);
        if (space == nullptr) {
            return;
        }
        // From here on nobody finds it; writers who have it look again.
        for (ShardSet* closed = nullptr; closed != space->set.load(std::memory_order_acquire);) {
            closed = space->set.load(std::memory_order_acquire);
            for (std::uint32_t i = 0; i < closed->count(); ++i) {
                const std::lock_guard lock(closed->shards[i].mutex);
                closed->shards[i].closed = true;
            }
        }
        const std::uint64_t bytes = space->bytes();
        live_.add(0, -static_cast<std::int64_t>(bytes));
        entries_.add(0, -static_cast<std::int64_t>(space->entries()));
        leaving_bytes_.fetch_add(bytes, std::memory_order_relaxed);
        space->past = &past_;
        const std::lock_guard lock(leaving_mutex_);
        // Behind the others: the first one may be half taken apart.
        Space** end = &leaving_;
        while (*end != nullptr) {
            end = &(*end)->next_leaving;
        }
        *end = space;
    }
    constexpr std::size_t at_once = 256;
    static_cast<void>(dismantle(at_once));
}

// ---- looking at all of it

larder_status Table::stats(std::uint32_t ns, larder_store_stats& out) noexcept {
    limbo_.settle();
    const ReadSection section;
    out.capacity_bytes = capacity();
    std::uint64_t removed = 0;
    const auto add = [&out, &removed](const Space& space) {
        out.entries += space.entries();
        out.hits += space.tallies.hits();
        out.misses += space.tallies.misses();
        out.evictions += space.sum(&Shard::evictions);
        out.expirations += space.sum(&Shard::expirations);
        out.evicted_unused += space.sum(&Shard::evicted_unread);
        out.expired_unused += space.sum(&Shard::expired_unread);
        removed += space.sum(&Shard::removed);
        out.removed_unused += space.sum(&Shard::removed_unread);
    };
    const auto split = [&out, &removed] {
        out.evicted_used = out.evictions - std::min(out.evictions, out.evicted_unused);
        out.expired_used = out.expirations - std::min(out.expirations, out.expired_unused);
        out.removed_used = removed - std::min(removed, out.removed_unused);
    };
    if (ns != every_namespace) {
        if (const Space* space = spaces_.find(ns)) {
            add(*space);
            out.bytes = space->bytes();
            out.evicts_by = static_cast<std::uint32_t>(space->rule());
            if (const auto most = space->most_bytes.load(std::memory_order_relaxed)) {
                out.capacity_bytes = std::min(most, out.capacity_bytes);
            }
        }
        split();
        return LARDER_OK;
    }
    for (std::uint32_t i = 0; i < spaces_.positions(); ++i) {
        if (const Space* space = spaces_.at(i)) {
            add(*space);
        }
    }
    {
        const std::lock_guard lock(leaving_mutex_);
        for (const Space* space = leaving_; space != nullptr; space = space->next_leaving) {
            const std::uint64_t entries = out.entries;
            add(*space);
            out.entries = entries;
        }
    }
    out.bytes = bytes();
    out.hits += past_.hits.load(std::memory_order_relaxed);
    out.misses += past_.misses.load(std::memory_order_relaxed) + strays_.misses();
    out.evictions += past_.evictions.load(std::memory_order_relaxed);
    out.expirations += past_.expirations.load(std::memory_order_relaxed);
    out.evicted_unused += past_.evicted_unread.load(std::memory_order_relaxed);
    out.expired_unused += past_.expired_unread.load(std::memory_order_relaxed);
    removed += past_.removed.load(std::memory_order_relaxed);
    out.removed_unused += past_.removed_unread.load(std::memory_order_relaxed);
    split();
    out.errors = errors_.load(std::memory_order_relaxed);
    return LARDER_OK;
}

}  // namespace larder::store_memory
