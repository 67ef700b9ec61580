// plugins/store_memory/entry.hpp -- one entry: head, key and value in a single allocation, counted
// to the byte.
//
// An entry is held by the table and by every pinned value that shows its bytes; the last holder
// frees it, so a pin outlives overwriting, eviction and removal without a copy. The first 64 bytes
// are all that a lookup reads. The value is 8-byte aligned in writable memory: the kernel stores a
// mark into its head while others read it, so whoever copies a stored value reads it word by word,
// atomically.
#pragma once

#include <larder/plugin/store.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <string_view>
#include <type_traits>

namespace larder::store_memory {

struct Share;

// What all entries of a table are counted in, those included that only a pin still holds: memory is
// given back when it is free, not when nobody finds it any more.
struct Ledger {
    std::atomic<std::uint64_t> bytes{0};
};

struct Entry {
    Entry* next = nullptr;  // In its bucket; once out of the table, in a Graveyard.
    std::uint64_t hash = 0;
    union {
        Share* share;    // While in the table.
        Ledger* ledger;  // Afterwards: where its last holder gives the bytes back.
    };
    std::atomic<std::uint32_t> holders{1};
    std::uint32_t ns = 0;
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
    std::uint64_t deadline_ns = 0;  // 0: does not expire.
    std::uint64_t version = 0;
    std::uint32_t order = 0;  // Rises with each arrival in a queue of the shard.
    std::uint8_t uses = 0;    // 0..3, see s3_fifo.hpp.
    bool in_main = false;     // Which queue.
    bool in_crowd = false;    // Which index.
    bool headed = false;
    // Beyond what a lookup reads.
    Entry* newer = nullptr;
    Entry* older = nullptr;
    Entry* due_next = nullptr;
    Entry** due_link = nullptr;  // What points at this entry in the wheel; null: not in it.

    Entry() noexcept : share(nullptr) {}

    const char* key_data() const noexcept {
        return reinterpret_cast<const char*>(this) + sizeof(Entry);
    }
    std::string_view key() const noexcept { return {key_data(), key_size}; }
    std::byte* value() noexcept {
        return reinterpret_cast<std::byte*>(this) + value_offset(key_size);
    }
    const std::byte* value() const noexcept {
        return reinterpret_cast<const std::byte*>(this) + value_offset(key_size);
    }

    // The comparison is always of the whole key: equal hashes are no surprise.
    bool is(const larder_key& k) const noexcept {
        return hash == k.hash && ns == k.ns && key_size == k.size &&
               (k.size == 0 || std::memcmp(key_data(), k.data, k.size) == 0);
    }
    bool lapsed(std::uint64_t now_ns) const noexcept {
        return deadline_ns != 0 && deadline_ns <= now_ns;
    }
    std::uint64_t cost() const noexcept { return cost_of(key_size, value_size); }

    static constexpr std::size_t value_offset(std::size_t key_size) noexcept;
    static constexpr std::uint64_t cost_of(std::size_t key_size, std::size_t value_size) noexcept;

    using Allocate = void* (*)(std::size_t);

    // An entry with room for a value, its key copied; null when there is no memory.
    static Entry* make(Allocate allocate, const larder_key& key, std::size_t value_size) noexcept;
};

static_assert(std::is_trivially_destructible_v<Entry>);
static_assert(sizeof(Entry) % 8 == 0 && offsetof(Entry, newer) == 64);

constexpr std::size_t Entry::value_offset(std::size_t key_size) noexcept {
    return (sizeof(Entry) + key_size + 7) & ~std::size_t{7};
}

// What the heap takes for a block of `size`: glibc puts 8 bytes before it and rounds up to 16.
constexpr std::uint64_t heap_bytes(std::size_t size) noexcept {
    const std::uint64_t chunk = (std::uint64_t{size} + 8 + 15) & ~std::uint64_t{15};
    return chunk < 32 ? 32 : chunk;
}

// An entry's part of what the table keeps beside it: at most two 8-byte buckets, one ghost.
inline constexpr std::uint64_t index_share = 24;

constexpr std::uint64_t Entry::cost_of(std::size_t key_size, std::size_t value_size) noexcept {
    return heap_bytes(value_offset(key_size) + value_size) + index_share;
}

inline constexpr std::size_t largest_value = std::numeric_limits<std::uint32_t>::max();

inline Entry* Entry::make(Allocate allocate, const larder_key& key,
                          std::size_t value_size) noexcept {
    void* memory = allocate(value_offset(key.size) + value_size);
    if (memory == nullptr) {
        return nullptr;
    }
    Entry* made = new (memory) Entry;
    made->hash = key.hash;
    made->ns = key.ns;
    made->key_size = key.size;
    made->value_size = static_cast<std::uint32_t>(value_size);
    if (key.size != 0) {
        std::memcpy(static_cast<char*>(memory) + sizeof(Entry), key.data, key.size);
    }
    return made;
}

// Frees an entry that never was in the table.
inline void discard(Entry* entry) noexcept { std::free(entry); }

// Gives up one holder's part of an entry that is out of the table, or may be: the last one frees
// it.
inline void let_go(Entry* entry) noexcept {
    if (entry->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        entry->ledger->bytes.fetch_sub(entry->cost(), std::memory_order_relaxed);
        std::free(entry);
    }
}

// Entries taken out of the table under a lock, let go when the lock is no longer held.
// REQUIRES: made before the lock is taken, so that it dies after it.
class Graveyard {
  public:
    Graveyard() noexcept = default;
    Graveyard(const Graveyard&) = delete;
    Graveyard& operator=(const Graveyard&) = delete;
    ~Graveyard() { empty(); }

    void take(Entry* entry) noexcept {
        bytes_ += entry->holders.load(std::memory_order_relaxed) == 1 ? entry->cost() : 0;
        entry->next = first_;
        first_ = entry;
    }
    // What will be free when this is empty: pinned entries will not.
    std::uint64_t bytes() const noexcept { return bytes_; }
    void empty() noexcept {
        while (first_ != nullptr) {
            Entry* entry = first_;
            first_ = entry->next;
            let_go(entry);
        }
        bytes_ = 0;
    }

  private:
    Entry* first_ = nullptr;
    std::uint64_t bytes_ = 0;
};

}  // namespace larder::store_memory
