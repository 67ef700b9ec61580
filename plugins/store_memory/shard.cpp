// plugins/store_memory/shard.cpp -- finding, queueing and retiring the entries of one shard.
#include "shard.hpp"

#include <algorithm>

namespace larder::store_memory {
namespace {

// How many entries an eviction may pass over because they were used; then the next one goes anyway,
// so that no eviction walks a long queue of hot entries under the lock.
constexpr int most_passed_over = 64;

// How many namespaces an eviction compares.
constexpr std::size_t most_compared = 32;

}  // namespace

void Shard::set_up(unsigned shift, const SipSecret& secret, Ledger& ledger) noexcept {
    shift_ = shift;
    secret_ = secret;
    ledger_ = &ledger;
}

Entry* Shard::find(const larder_key& key) const noexcept {
    for (Entry* e = index_.chain(index_hash(key.hash)); e != nullptr; e = e->next) {
        if (e->is(key)) {
            return e;
        }
    }
    if (crowd_.size() == 0) [[likely]] {
        return nullptr;
    }
    for (Entry* e = crowd_.chain(crowd_hash(key.ns, {key.data, key.size})); e != nullptr;
         e = e->next) {
        if (e->is(key)) {
            return e;
        }
    }
    return nullptr;
}

bool Shard::chain_is_full(std::uint64_t hash) const noexcept {
    unsigned length = 0;
    for (const Entry* e = index_.chain(hash); e != nullptr; e = e->next) {
        ++length;
    }
    return length >= longest_chain;
}

Share* Shard::find_share(std::uint32_t ns) const noexcept {
    const auto found = share_by_ns_.find(ns);
    return found == share_by_ns_.end() ? nullptr : found->second;
}

Share& Shard::share_of(std::uint32_t ns, Namespace& whole) {
    if (Share* there = find_share(ns)) {
        return *there;
    }
    auto made = std::make_unique<Share>(ns, whole);
    shares_.reserve(shares_.size() + 1);
    share_by_ns_.emplace(ns, made.get());
    shares_.push_back(std::move(made));
    return *shares_.back();
}

Counts Shard::drop_share(std::uint32_t ns) noexcept {
    const auto at = std::find_if(shares_.begin(), shares_.end(),
                                 [&](const auto& share) { return share->ns == ns; });
    if (at == shares_.end() || (*at)->entries != 0) {
        return {};
    }
    const Counts counted = (*at)->counts;
    share_by_ns_.erase(ns);
    shares_.erase(at);
    return counted;
}

void Shard::count_bytes(Share& share, std::uint64_t more, std::uint64_t less) noexcept {
    bytes_.store(bytes_.load(std::memory_order_relaxed) + more - less, std::memory_order_relaxed);
    ledger_->bytes.fetch_add(more, std::memory_order_relaxed);
    share.whole.bytes.fetch_add(more - less, std::memory_order_relaxed);
}

bool Shard::insert(Entry& entry, Share& share, bool cherished, std::uint64_t now_ns) noexcept {
    const std::uint64_t hash = index_hash(entry.hash);
    entry.in_crowd = chain_is_full(hash);
    const bool placed = entry.in_crowd ? crowd_.insert(&entry, crowd_hash(entry.ns, entry.key()))
                                       : index_.insert(&entry, hash);
    if (!placed) {
        return false;
    }
    entry.share = &share;
    entry.in_main = ghosts_.take(entry.hash) || cherished;
    share.queue_of(entry).push(entry, ++order_);
    small_bytes_ += entry.in_main ? 0 : entry.cost();
    if (entry.deadline_ns != 0) {
        wheel_.add(entry, now_ns);
    }
    ++share.entries;
    share.whole.entries.fetch_add(1, std::memory_order_relaxed);
    count_bytes(share, entry.cost(), 0);
    return true;
}

void Shard::replace(Entry& entry, Entry& by, std::uint64_t now_ns, Graveyard& dead) noexcept {
    Share& share = *entry.share;
    by.share = &share;
    by.in_crowd = entry.in_crowd;
    by.in_main = entry.in_main;
    by.uses = entry.uses;
    if (entry.in_crowd) {
        crowd_.replace(&entry, &by, crowd_hash(entry.ns, entry.key()));
    } else {
        index_.replace(&entry, &by, index_hash(entry.hash));
    }
    share.queue_of(entry).replace(entry, by);
    small_bytes_ += by.in_main ? 0 : by.cost() - entry.cost();
    wheel_.remove(entry);
    if (by.deadline_ns != 0) {
        wheel_.add(by, now_ns);
    }
    count_bytes(share, by.cost(), entry.cost());
    entry.ledger = ledger_;
    dead.take(&entry);
}

void Shard::retire(Entry& entry, Cause cause, Graveyard& dead) noexcept {
    Share& share = *entry.share;
    if (entry.in_crowd) {
        crowd_.erase(&entry, crowd_hash(entry.ns, entry.key()));
    } else {
        index_.erase(&entry, index_hash(entry.hash));
    }
    share.queue_of(entry).remove(entry);
    small_bytes_ -= entry.in_main ? 0 : entry.cost();
    wheel_.remove(entry);
    --share.entries;
    share.whole.entries.fetch_sub(1, std::memory_order_relaxed);
    share.counts.evictions += cause == Cause::evicted;
    share.counts.expirations += cause == Cause::lapsed;
    count_bytes(share, 0, entry.cost());
    entry.ledger = ledger_;
    dead.take(&entry);
}

// Of all namespaces' queues of one kind, the one whose oldest entry came first. With many
// namespaces a window of them is compared, another one each time.
Share* Shard::share_with_oldest(bool in_main, const Entry* keep) noexcept {
    const std::size_t count = shares_.size();
    Share* best = nullptr;
    std::size_t compared = 0;
    for (std::size_t i = 0; i < count && compared < most_compared; ++i) {
        Share& share = *shares_[(first_looked_at_ + i) % count];
        const Fifo& queue = share.queue(in_main);
        if (queue.oldest() == nullptr || queue.holds_only(keep)) {
            continue;
        }
        ++compared;
        if (best == nullptr ||
            static_cast<std::int32_t>(queue.oldest()->order -
                                      best->queue(in_main).oldest()->order) < 0) {
            best = &share;
        }
    }
    first_looked_at_ = count > most_compared ? (first_looked_at_ + most_compared) % count : 0;
    return best;
}

void Shard::queue_again(Entry& entry, bool in_main) noexcept {
    Share& share = *entry.share;
    share.queue_of(entry).remove(entry);
    small_bytes_ -= entry.in_main ? 0 : entry.cost();
    entry.in_main = in_main;
    share.queue_of(entry).push(entry, ++order_);
    small_bytes_ += entry.in_main ? 0 : entry.cost();
}

bool Shard::evict_one(Share* within, const Entry* keep, std::uint64_t now_ns,
                      Graveyard& dead) noexcept {
    const auto candidate = [&](bool in_main) -> Share* {
        if (within == nullptr) {
            return share_with_oldest(in_main, keep);
        }
        const Fifo& queue = within->queue(in_main);
        return queue.oldest() == nullptr || queue.holds_only(keep) ? nullptr : within;
    };
    for (int passed_over = 0;; ++passed_over) {
        const std::uint64_t small = within != nullptr ? within->small.bytes() : small_bytes_;
        const std::uint64_t all = within != nullptr ? within->bytes() : bytes();
        bool in_main = small * 10 < all;
        Share* share = candidate(in_main);
        if (share == nullptr) {
            in_main = !in_main;
            share = candidate(in_main);
        }
        if (share == nullptr) {
            return false;
        }
        Entry& entry = *share->queue(in_main).oldest();
        if (&entry == keep) {
            queue_again(entry, in_main);
            continue;
        }
        if (entry.lapsed(now_ns)) {
            retire(entry, Cause::lapsed, dead);
            return true;
        }
        if (passed_over < most_passed_over) {
            if (!in_main && entry.uses >= uses_to_stay) {
                entry.uses = 0;
                queue_again(entry, true);
                continue;
            }
            if (in_main && entry.uses > 0) {
                --entry.uses;
                queue_again(entry, true);
                continue;
            }
        }
        if (!in_main) {
            ghosts_.fit(size());
            ghosts_.add(entry.hash);
        }
        retire(entry, Cause::evicted, dead);
        return true;
    }
}

bool Shard::expire(std::uint64_t now_ns, std::size_t most, Graveyard& dead) noexcept {
    return wheel_.advance(now_ns, most, [&](Entry& e) { retire(e, Cause::lapsed, dead); });
}

}  // namespace larder::store_memory
