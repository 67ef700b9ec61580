// plugins/store_memory/table.cpp -- the store's functions, over the shards.
#include "table.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <thread>
#include <utility>

namespace larder::store_memory {
namespace {

// How many entries a put takes out beyond its own weight while the capacity is being lowered.
constexpr std::uint64_t most_helped = 64;

std::uint32_t shards_for(const Table::Options& options) noexcept {
    if (options.shards != 0) {
        return std::bit_ceil(std::min(options.shards, 1024u));
    }
    // Eight to a thread keep threads apart; a quarter MiB each keeps the queues worth having.
    const std::uint64_t threads = std::max(1u, std::thread::hardware_concurrency());
    const std::uint64_t by_size = options.capacity_bytes / (256u << 10);
    return static_cast<std::uint32_t>(std::bit_floor(
        std::clamp<std::uint64_t>(by_size, 1, std::min<std::uint64_t>(threads * 8, 256))));
}

void LARDER_CALL unpin(larder_value* value) noexcept { let_go(static_cast<Entry*>(value->pin)); }

// Copies stored bytes while the kernel may store marks into them: word by word, as atomics.
void copy_stored(Entry& to, Entry& from) noexcept {
    const std::size_t words = from.value_size / sizeof(std::uint64_t);
    std::byte* in = from.value();
    std::byte* out = to.value();
    for (std::size_t i = 0; i < words; ++i) {
        auto& word = *reinterpret_cast<std::uint64_t*>(in + i * sizeof(std::uint64_t));
        const std::uint64_t seen =
            std::atomic_ref<std::uint64_t>(word).load(std::memory_order_relaxed);
        std::memcpy(out + i * sizeof seen, &seen, sizeof seen);
    }
    const std::size_t done = words * sizeof(std::uint64_t);
    std::memcpy(out + done, in + done, from.value_size - done);
}

void write_deadline(Entry& entry, bool headed) noexcept {
    if (!headed) return;
    constexpr std::uint64_t mask = (std::uint64_t{1} << LARDER_HEAD_DEADLINE_BITS) - 1;
    std::atomic_ref<std::uint64_t> word(reinterpret_cast<larder_head*>(entry.value())->deadline);
    word.store((word.load(std::memory_order_relaxed) & ~mask) | (entry.deadline_ns / 1'000'000 & mask), std::memory_order_relaxed);
}

void apply_patch(Entry& entry, const larder_touch& touch) noexcept {
    if (touch.patch.size != 0) {
        std::memcpy(entry.value() + touch.patch_offset, touch.patch.data, touch.patch.size);
    }
}

}  // namespace

Table::Table(const larder_host* host, const Options& options)
    : host_(host), allocate_(options.allocate), capacity_(options.capacity_bytes) {
    const std::uint32_t count = shards_for(options);
    mask_ = count - 1;
    shard_bits_ = static_cast<unsigned>(std::countr_zero(count));
    shards_ = std::make_unique<Shard[]>(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        shards_[i].set_up(shard_bits_, options.secret, ledger_);
    }
}

Table::~Table() { clear(every_namespace); }

std::uint64_t Table::deadline_in(std::uint64_t ttl_ms) const noexcept {
    if (ttl_ms == 0) {
        return 0;
    }
    constexpr std::uint64_t longest_ms = std::uint64_t{1} << 40;  // 34 years.
    return now_ns() + std::min(ttl_ms, longest_ms) * 1'000'000;
}

Namespace& Table::namespace_of(std::uint32_t ns) {
    const std::lock_guard lock(known_mutex_);
    auto& known = known_[ns];
    if (!known) {
        known = std::make_unique<Known>();
    }
    return known->whole;
}

// ---- reading

Entry* Table::look_up(Shard& shard, const larder_key& key, std::uint32_t flags,
                      Graveyard& dead) noexcept {
    Entry* entry = shard.find(key);
    if (entry != nullptr && lapsed(*entry)) [[unlikely]] {
        shard.retire(*entry, Shard::Cause::lapsed, dead);
        entry = nullptr;
    }
    if ((flags & LARDER_CALL_PEEK) != 0) {
        return entry;
    }
    if (entry != nullptr) {
        note_use(*entry);
        ++entry->share->counts.hits;
        return entry;
    }
    if (Share* share = shard.find_share(key.ns)) {
        ++share->counts.misses;
        return nullptr;
    }
    try {
        ++shard.share_of(key.ns, namespace_of(key.ns)).counts.misses;
    } catch (const std::bad_alloc&) {
        errors_.fetch_add(1, std::memory_order_relaxed);  // A miss that is not counted as one.
    }
    return nullptr;
}

larder_status Table::get(const larder_key& key, std::uint32_t flags, larder_value* out) noexcept {
    Graveyard dead;
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    Entry* entry = look_up(shard, key, flags, dead);
    if (entry == nullptr) {
        return LARDER_MISS;
    }
    if ((flags & LARDER_CALL_NO_VALUE) == 0) {
        entry->holders.fetch_add(1, std::memory_order_relaxed);
        out->data = entry->value();
        out->size = entry->value_size;
        out->release = &unpin;
        out->pin = entry;
    }
    return LARDER_OK;
}

larder_status Table::visit(const larder_key& key, std::uint32_t flags, See see,
                           void* ctx) noexcept {
    Graveyard dead;
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    Entry* entry = look_up(shard, key, flags, dead);
    if (entry == nullptr) {
        return LARDER_MISS;
    }
    see(ctx, larder_bytes{entry->value(), entry->value_size});
    return LARDER_OK;
}

// ---- writing

larder_status Table::put(const larder_key& key, const larder_put& put) noexcept {
    if (put.value.size > largest_value || Entry::cost_of(key.size, put.value.size) > capacity()) {
        return LARDER_E_TOO_LARGE;
    }
    Entry* fresh = Entry::make(allocate_, key, put.value.size);
    if (fresh == nullptr) {
        errors_.fetch_add(1, std::memory_order_relaxed);
        return LARDER_E_NOMEM;
    }
    if (put.value.size != 0) {
        std::memcpy(fresh->value(), put.value.data, put.value.size);
    }
    fresh->version = put.version;
    fresh->deadline_ns = deadline_in(put.ttl_ms);
    fresh->headed = (put.flags & LARDER_PUT_HEADED) != 0;
    write_deadline(*fresh, fresh->headed);
    const std::uint64_t cost = fresh->cost();

    Namespace* whole = nullptr;
    larder_status status = LARDER_E_NOMEM;
    {
        Graveyard dead;
        Shard& shard = shard_of(key);
        const std::lock_guard lock(shard.mutex);
        try {
            status = link(shard, key, put, *fresh, whole, dead);
        } catch (const std::bad_alloc&) {
            errors_.fetch_add(1, std::memory_order_relaxed);
        }
    }
    if (status != LARDER_OK) {
        discard(fresh);
        return status;
    }
    // From here on `fresh` may be gone; it is only compared with.
    const std::size_t home = key.hash & mask_;
    if (whole->over_limit()) {
        shed(home, fresh, Excess{*this, whole, key.ns}, Quota{UINT64_MAX, UINT64_MAX});
    }
    if (bytes() > capacity()) {
        shed(home, fresh, Excess{*this, nullptr, 0}, Quota{most_helped, cost});
    }
    return LARDER_OK;
}

larder_status Table::link(Shard& shard, const larder_key& key, const larder_put& put, Entry& fresh,
                          Namespace*& whole, Graveyard& dead) {
    Entry* old = shard.find(key);
    if (old != nullptr && lapsed(*old)) {
        shard.retire(*old, Shard::Cause::lapsed, dead);
        old = nullptr;
    }
    if ((put.flags & LARDER_PUT_IF_ABSENT) != 0 && old != nullptr) {
        return LARDER_EXISTS;
    }
    if ((put.flags & LARDER_PUT_IF_VERSION) != 0 &&
        put.if_version != (old != nullptr ? old->version : 0)) {
        return LARDER_E_CONFLICT;
    }
    Share* share = shard.find_share(key.ns);
    if (share == nullptr) {
        share = &shard.share_of(key.ns, namespace_of(key.ns));
    }
    const std::uint64_t most_bytes = share->whole.most_bytes.load(std::memory_order_relaxed);
    if (most_bytes != 0 && fresh.cost() > most_bytes) {
        return LARDER_E_TOO_LARGE;
    }
    whole = &share->whole;
    if (old != nullptr) {
        if ((put.flags & LARDER_PUT_KEEP_TTL) != 0) {
            fresh.deadline_ns = old->deadline_ns;
        }
        note_use(*old);
        shard.replace(*old, fresh, now_ns(), dead);
        return LARDER_OK;
    }
    constexpr std::uint32_t cherished = 128;
    if (!shard.insert(fresh, *share, put.priority >= cherished, now_ns())) {
        throw std::bad_alloc();
    }
    return LARDER_OK;
}

larder_status Table::remove(const larder_key& key, std::uint64_t if_version) noexcept {
    Graveyard dead;
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    Entry* entry = shard.find(key);
    if (entry == nullptr) {
        return LARDER_MISS;
    }
    if (lapsed(*entry)) {
        shard.retire(*entry, Shard::Cause::lapsed, dead);
        return LARDER_MISS;
    }
    if (if_version != 0 && if_version != entry->version) {
        return LARDER_E_CONFLICT;
    }
    shard.retire(*entry, Shard::Cause::taken, dead);
    return LARDER_OK;
}

larder_status Table::touch(const larder_key& key, const larder_touch& touch) noexcept {
    Shard& shard = shard_of(key);
    for (;;) {
        Entry* pinned = nullptr;
        {
            Graveyard dead;
            const std::lock_guard lock(shard.mutex);
            Entry* entry = shard.find(key);
            if (entry == nullptr) {
                return LARDER_MISS;
            }
            if (lapsed(*entry)) {
                shard.retire(*entry, Shard::Cause::lapsed, dead);
                return LARDER_MISS;
            }
            if (touch.if_version != 0 && touch.if_version != entry->version) {
                return LARDER_E_CONFLICT;
            }
            if (touch.patch.size != 0 &&
                std::uint64_t{touch.patch_offset} + touch.patch.size > entry->value_size) {
                return LARDER_E_INVALID;
            }
            // Acquire: what the last reader did with the bytes lies before we change them.
            if (touch.patch.size == 0 || entry->holders.load(std::memory_order_acquire) == 1) {
                apply_patch(*entry, touch);
                const std::uint64_t before =
                    std::exchange(entry->deadline_ns, deadline_in(touch.ttl_ms));
                write_deadline(*entry, entry->headed);
                shard.deadline_moved(*entry, before, now_ns());
                return LARDER_OK;
            }
            pinned = entry;
            pinned->holders.fetch_add(1, std::memory_order_relaxed);
        }
        // Copied without the lock; if another write came meanwhile, all is judged again.
        Entry* copy = Entry::make(allocate_, key, pinned->value_size);
        if (copy == nullptr) {
            let_go(pinned);
            errors_.fetch_add(1, std::memory_order_relaxed);
            return LARDER_E_NOMEM;
        }
        copy_stored(*copy, *pinned);
        apply_patch(*copy, touch);
        copy->version = pinned->version;
        copy->deadline_ns = deadline_in(touch.ttl_ms);
        copy->headed = pinned->headed;
        write_deadline(*copy, copy->headed);
        bool replaced = false;
        {
            Graveyard dead;
            const std::lock_guard lock(shard.mutex);
            if (shard.find(key) == pinned && !lapsed(*pinned)) {
                shard.replace(*pinned, *copy, now_ns(), dead);
                replaced = true;
            }
        }
        let_go(pinned);
        if (replaced) {
            return LARDER_OK;
        }
        discard(copy);
    }
}

void Table::clear(std::uint32_t ns) noexcept {
    Counts counted;
    for (std::uint32_t i = 0; i <= mask_; ++i) {
        Shard& shard = shards_[i];
        // What comes while clearing stays: as many leave as there were, oldest first.
        std::uint64_t left = UINT64_MAX;
        while (left != 0) {
            Graveyard dead;
            const std::lock_guard lock(shard.mutex);
            std::uint64_t there = 0, taken = 0;
            for (const auto& share : shard.shares()) {
                if (ns != every_namespace && share->ns != ns) {
                    continue;
                }
                there += share->entries;
                for (const bool in_main : {true, false}) {
                    while (taken < std::min(batch, left) &&
                           share->queue(in_main).oldest() != nullptr) {
                        shard.retire(*share->queue(in_main).oldest(), Shard::Cause::taken, dead);
                        ++taken;
                    }
                }
            }
            left = std::min(left, there) - taken;
            if (taken == 0) {
                left = 0;
            }
            if (left == 0) {
                shard.fit_ghosts();
                if (ns != every_namespace) {
                    counted += shard.drop_share(ns);
                }
            }
        }
    }
    const std::lock_guard lock(known_mutex_);
    const auto known = known_.find(ns);
    if (known != known_.end()) {
        known->second->past += counted;
    }
}

// ---- looking at all of it

// A cursor is, from the top: the number of the shard, one bit for its index or its crowd, and the
// position there: 48 bits in all (store.h). Any number is a cursor, so that a client's invention does no
// harm.
void Table::scan(larder_scan& scan) noexcept {
    const unsigned bits = 47 - shard_bits_;
    const std::uint64_t parts = std::uint64_t{shards()} * 2;
    const std::uint64_t enough = scan.count != 0 ? scan.count : 64;
    std::uint64_t visited = 0, buckets = 0;
    std::uint64_t part = scan.cursor >> bits;
    std::uint64_t position = scan.cursor & ((std::uint64_t{1} << bits) - 1);
    bool stopped = false;
    // Ten buckets to a key: an almost empty table is not walked in one call.
    while (part < parts && visited < enough && buckets < enough * 10 && !stopped) {
        Shard& shard = shards_[part / 2];
        const std::lock_guard lock(shard.mutex);
        const LinearIndex& index = shard.index(part % 2 != 0);
        const std::uint64_t now = now_ns();
        for (std::uint64_t i = 0;
             i < batch && position != LinearIndex::done && !stopped && visited < enough; ++i) {
            position = index.walk_bucket(position, bits, [&](Entry& e) {
                ++visited;
                const bool over = e.lapsed(now);
                if ((over && (scan.flags & LARDER_SCAN_LAPSED) == 0) ||
                    (scan.ns != every_namespace && scan.ns != e.ns)) {
                    return true;
                }
                const larder_key key{e.key_data(), e.key_size, e.ns, e.hash};
                const std::int64_t left_ms =
                    over                 ? 0
                    : e.deadline_ns == 0 ? -1
                                         : static_cast<std::int64_t>((e.deadline_ns - now + 999'999) / 1'000'000);
                stopped = scan.on_key(scan.ctx, &key, e.value_size, left_ms) != 0;
                return !stopped;
            });
            ++buckets;
        }
        if (position == LinearIndex::done) {
            position = 0;
            ++part;
        }
    }
    scan.cursor = part >= parts ? 0 : part << bits | position;
}

larder_status Table::stats(std::uint32_t ns, larder_store_stats& out) noexcept {
    const bool all = ns == every_namespace;
    Counts counts;
    std::uint64_t entries = 0;
    for (std::uint32_t i = 0; i <= mask_; ++i) {
        const std::lock_guard lock(shards_[i].mutex);
        for (const auto& share : shards_[i].shares()) {
            if (all || share->ns == ns) {
                counts += share->counts;
                entries += share->entries;
            }
        }
    }
    out.bytes = all ? bytes() : 0;
    out.capacity_bytes = capacity();
    {
        const std::lock_guard lock(known_mutex_);
        for (const auto& [number, known] : known_) {
            if (all || number == ns) {
                counts += known->past;
            }
            if (number == ns) {
                out.bytes = known->whole.bytes.load(std::memory_order_relaxed);
                if (const auto most = known->whole.most_bytes.load(std::memory_order_relaxed)) {
                    out.capacity_bytes = std::min(most, out.capacity_bytes);
                }
            }
        }
    }
    out.entries = entries;
    out.hits = counts.hits;
    out.misses = counts.misses;
    out.evictions = counts.evictions;
    out.expirations = counts.expirations;
    out.errors = all ? errors_.load(std::memory_order_relaxed) : 0;
    return LARDER_OK;
}

}  // namespace larder::store_memory
