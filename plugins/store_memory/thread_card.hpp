// plugins/store_memory/thread_card.hpp -- what a thread has of its own: a number, and cells for
// pins.
//
// A pin keeps an entry's memory while its holder reads, without a count in the entry: the thread
// that takes it stores the entry's address into a cell of its own, and whoever frees memory looks
// at all cells first (hazard pointers: M. Michael, IEEE TPDS 2004; with the difference that the pin
// is taken inside a read section, so that no second look at the entry is needed). A cell is filled
// by its thread alone and emptied by whoever gives the value back, so a hit touches no line that
// another thread writes.
//
// Cards of threads that ended are taken over by new ones, with the pins that are still out.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace larder::store_memory {

// Threads that count in a line of their own; those beyond share one.
inline constexpr std::uint32_t tallies_in_block = 8, tally_blocks = 8;
inline constexpr std::uint32_t tallies_apart = tallies_in_block * tally_blocks - 1;

using PinCell = std::atomic<const std::byte*>;

struct PinBlock {
    std::atomic<PinBlock*> next{nullptr};
    std::uint32_t count = 0, hint = 0;
    PinCell cells[1];  // `count` of them.
};

struct alignas(64) ThreadCard {
    std::uint32_t number = 0;  // From 0, the lowest that is free when a thread first comes.
    // Where it counts, see space.hpp: in which block, at which place, and whether nobody else does.
    std::uint16_t tally_block = 0, tally = 0;
    bool counts_alone = true;
    PinBlock* current = nullptr;
    std::atomic<PinBlock*> pins{nullptr};
    std::atomic<bool> taken{true};
    ThreadCard* next = nullptr;

    // A cell that holds `head` until somebody stores nullptr there; null: there is no memory.
    PinCell* pin(const std::byte* head) noexcept;

  private:
    PinCell* pin_elsewhere(const std::byte* head) noexcept;
};

namespace threads {
extern thread_local constinit ThreadCard* mine __attribute__((tls_model("initial-exec")));
ThreadCard* enlist() noexcept;
}  // namespace threads

inline ThreadCard& my_card() noexcept {
    ThreadCard* card = threads::mine;
    return card != nullptr ? *card : *threads::enlist();
}

// Which lane a thread writes in (table.hpp), among `mask` + 1.
inline std::uint32_t my_lane(std::uint32_t mask) noexcept { return my_card().number & mask; }

// Shows what all threads have pinned, in no order.
void each_pin(void (*see)(void* context, const std::byte* head) noexcept, void* context) noexcept;

inline PinCell* ThreadCard::pin(const std::byte* head) noexcept {
    if (current != nullptr) [[likely]] {
        PinCell& cell = current->cells[current->hint];
        if (cell.load(std::memory_order_relaxed) == nullptr) {
            cell.store(head, std::memory_order_relaxed);
            return &cell;
        }
    }
    return pin_elsewhere(head);
}

inline void unpin(PinCell& cell) noexcept {
    // Release: what the holder read lies before the memory is used again.
    cell.store(nullptr, std::memory_order_release);
}

}  // namespace larder::store_memory
