// plugins/store_memory/space.cpp -- memory for directories, shards and tallies.
#include "space.hpp"

#include <cstdlib>
#include <new>

namespace larder::store_memory {

Directory* Directory::make(std::uint32_t bits) noexcept {
    const std::size_t more = ((std::size_t{1} << bits) - 1) * sizeof(std::atomic<std::uint64_t>);
    void* memory = std::malloc(sizeof(Directory) + more);
    if (memory == nullptr) {
        return nullptr;
    }
    auto* made = new (memory) Directory;
    made->bits = bits;
    for (std::uint64_t i = 0; i < made->size(); ++i) {
        new (&made->at[i]) std::atomic<std::uint64_t>(0);
    }
    return made;
}

void Directory::drop(void* directory) noexcept { std::free(directory); }

ShardSet* ShardSet::make(std::uint32_t bits) noexcept {
    const std::size_t count = std::size_t{1} << bits;
    void* memory = std::aligned_alloc(64, sizeof(ShardSet) + (count - 1) * sizeof(Shard));
    if (memory == nullptr) {
        return nullptr;
    }
    auto* made = new (memory) ShardSet;
    made->bits = bits;
    for (std::size_t i = 1; i < count; ++i) {
        new (&made->shards[i]) Shard;
    }
    return made;
}

void ShardSet::drop(void* set) noexcept {
    auto* const dead = static_cast<ShardSet*>(set);
    if (dead == nullptr) {
        return;
    }
    for (std::uint32_t i = 0; i < dead->count(); ++i) {
        Directory::drop(dead->shards[i].directory.load(std::memory_order_relaxed));
        if (i != 0) {
            dead->shards[i].~Shard();
        }
    }
    dead->~ShardSet();
    std::free(dead);
}

Space::~Space() {
    if (past != nullptr) {
        past->hits.fetch_add(tallies.hits(), std::memory_order_relaxed);
        past->misses.fetch_add(tallies.misses(), std::memory_order_relaxed);
        past->evictions.fetch_add(sum(&Shard::evictions), std::memory_order_relaxed);
        past->expirations.fetch_add(sum(&Shard::expirations), std::memory_order_relaxed);
        past->evicted_unread.fetch_add(sum(&Shard::evicted_unread), std::memory_order_relaxed);
        past->expired_unread.fetch_add(sum(&Shard::expired_unread), std::memory_order_relaxed);
        past->removed.fetch_add(sum(&Shard::removed), std::memory_order_relaxed);
        past->removed_unread.fetch_add(sum(&Shard::removed_unread), std::memory_order_relaxed);
    }
    ShardSet::drop(set.load(std::memory_order_relaxed));
}

Tallies::~Tallies() {
    for (auto& block : blocks_) {
        delete block.load(std::memory_order_relaxed);
    }
}

Tallies::Block* Tallies::make(std::uint32_t number) noexcept {
    auto* fresh = new (std::nothrow) Block;
    Block* there = nullptr;
    if (fresh != nullptr &&
        !blocks_[number].compare_exchange_strong(there, fresh, std::memory_order_acq_rel)) {
        delete fresh;
        return there;
    }
    return fresh;
}

std::uint64_t Tallies::sum(unsigned what) const noexcept {
    std::uint64_t sum = 0;
    for (const auto& at : blocks_) {
        if (const Block* block = at.load(std::memory_order_acquire)) {
            for (const Tally& tally : block->tallies) {
                sum += tally.of[what].load(std::memory_order_relaxed);
            }
        }
    }
    return sum;
}

}  // namespace larder::store_memory
