// plugins/store_memory/limbo.hpp -- memory that nobody finds any more, until nobody reads it
// either.
//
// Blocks are gathered; when there are enough of them the batch gets one ticket, and batches whose
// readers have left (read_section.hpp) are used again by later puts, or freed, a few blocks at a time,
// so that no put pays for a hundred. What a pin still shows then (thread_card.hpp) goes to the pinned, which are
// looked at again with every batch; their bytes count for the table until they are free.
//
// Safe for many threads: a latch for each stripe, and a thread keeps to one stripe. Where there is no memory to remember a block, its
// readers are waited for.
#pragma once

#include "arena.hpp"
#include "latch.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace larder::store_memory {

class Limbo {
  public:
    // `slack_bytes`: how much of entries may wait, about.
    Limbo(Arena& arena, std::uint64_t slack_bytes);
    // REQUIRES: nobody reads, nothing is pinned.
    ~Limbo();
    Limbo(const Limbo&) = delete;
    Limbo& operator=(const Limbo&) = delete;

    enum class What : std::uint8_t { entry, index };
    // After the block was unlinked. `bytes`: what it counts for.
    void retire(std::uint32_t stripe, std::uint32_t ref, std::uint64_t bytes, What what) noexcept;
    // The same for what is not in the arena.
    void retire(std::uint32_t stripe, void* object, void (*drop)(void*)) noexcept;
    // The block of an entry that may be freed, to be used again: the next put of this stripe most
    // likely wants one of that size, and it is near. 0: none.
    std::uint32_t take_ready(std::uint32_t stripe) noexcept;
    // Frees what nobody took, and sorts out what is new. Not within a read section of this thread.
    void step(std::uint32_t stripe) noexcept;
    // Frees what may be freed now; with a limit, so many at most, and not what puts are using up.
    // Whether there is more. Not within a read section of
    // this thread.
    bool settle(std::size_t most = SIZE_MAX) noexcept;

    // Of entries that are out of the table and pinned, as far as is known: exact after settle() at
    // rest.
    std::uint64_t pinned_bytes() const noexcept {
        return pinned_bytes_.load(std::memory_order_relaxed);
    }
    // Retired and not yet free, the pinned included.
    std::uint64_t waiting() const noexcept;

  private:
    static constexpr std::size_t batch = 512, most_freed = 16;

    struct Item {
        void* object = nullptr;  // Of the heap; or nullptr and a block.
        union {
            void (*drop)(void*);
            std::uint64_t bytes = 0;
        };
        std::uint32_t ref = 0;
        What what = What::index;
    };
    struct Batch {
        std::uint64_t ticket = 0;
        std::vector<Item> items;
    };
    struct alignas(64) Stripe {
        // Held by the one who waits for readers, which is a system call and not for the latch.
        std::mutex sorting;
        mutable Latch mutex;  // Guards what follows.
        std::vector<Item> open;
        std::uint64_t open_bytes = 0;
        std::vector<Batch> closed;
        std::vector<Item> ready;
        bool in_use = false;  // Somebody took of them since the last settle().
    };

    void add(std::uint32_t stripe, const Item& item) noexcept;
    void close(Stripe& stripe);
    void sort_out(Stripe& stripe) noexcept;
    std::vector<Item>::iterator part_pinned(std::vector<Item>& items) const;
    void look_at_pinned(bool due) noexcept;
    void free(const Item& item) noexcept;

    Arena& arena_;
    const std::uint64_t slack_;
    std::unique_ptr<Stripe[]> stripes_;
    std::uint32_t mask_;
    std::mutex pinned_mutex_;  // Guards pinned_; after a stripe's.
    std::vector<Item> pinned_;
    std::size_t passed_over_ = 0;
    std::atomic<std::uint64_t> pinned_bytes_{0};
};

}  // namespace larder::store_memory
