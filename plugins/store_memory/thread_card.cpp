// plugins/store_memory/thread_card.cpp -- cards handed out and taken back; more cells.
#include "thread_card.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace larder::store_memory {
namespace {

std::atomic<ThreadCard*> all{nullptr};
std::atomic<std::uint32_t> numbers{0};

struct Leaver {
    ~Leaver() {
        if (ThreadCard* card = threads::mine) {
            threads::mine = nullptr;
            card->taken.store(false, std::memory_order_release);
        }
    }
    void begin() noexcept {}
};
thread_local Leaver leaver;

PinBlock* more_cells(std::uint32_t count) noexcept {
    void* memory = std::malloc(sizeof(PinBlock) + (count - 1) * sizeof(PinCell));
    if (memory == nullptr) {
        return nullptr;
    }
    auto* block = new (memory) PinBlock;
    block->count = count;
    for (std::uint32_t i = 0; i < count; ++i) {
        new (&block->cells[i]) PinCell(nullptr);
    }
    return block;
}

}  // namespace

namespace threads {

thread_local constinit ThreadCard* mine = nullptr;

ThreadCard* enlist() noexcept {
    leaver.begin();
    for (ThreadCard* card = all.load(std::memory_order_acquire); card != nullptr;
         card = card->next) {
        bool free = false;
        if (card->taken.compare_exchange_strong(free, true, std::memory_order_acq_rel)) {
            mine = card;
            return card;
        }
    }
    auto* card = new ThreadCard;
    card->number = numbers.fetch_add(1, std::memory_order_relaxed);
    // The last place is everybody's who comes late.
    const std::uint32_t place = std::min(card->number, tallies_apart);
    card->tally_block = static_cast<std::uint16_t>(place / tallies_in_block);
    card->tally = static_cast<std::uint16_t>(place % tallies_in_block);
    card->counts_alone = place != tallies_apart;
    card->next = all.load(std::memory_order_relaxed);
    while (!all.compare_exchange_weak(card->next, card, std::memory_order_release)) {
    }
    mine = card;
    return card;
}

}  // namespace threads

PinCell* ThreadCard::pin_elsewhere(const std::byte* head) noexcept {
    constexpr std::uint32_t first_count = 62;
    PinBlock* last = nullptr;
    for (PinBlock* block = pins.load(std::memory_order_relaxed); block != nullptr;
         block = block->next.load(std::memory_order_relaxed)) {
        for (std::uint32_t i = 0; i < block->count; ++i) {
            // Where the search ended last time it goes on: cells are given back in no order.
            const std::uint32_t at =
                block->hint + i < block->count ? block->hint + i : block->hint + i - block->count;
            PinCell& cell = block->cells[at];
            if (cell.load(std::memory_order_relaxed) == nullptr) {
                block->hint = at;
                current = block;
                cell.store(head, std::memory_order_relaxed);
                return &cell;
            }
        }
        last = block;
    }
    PinBlock* block = more_cells(last == nullptr ? first_count : last->count * 2);
    if (block == nullptr) {
        return nullptr;
    }
    block->cells[0].store(head, std::memory_order_relaxed);
    (last == nullptr ? pins : last->next).store(block, std::memory_order_release);
    current = block;
    return &block->cells[0];
}

void each_pin(void (*see)(void* context, const std::byte* head) noexcept, void* context) noexcept {
    for (const ThreadCard* card = all.load(std::memory_order_acquire); card != nullptr;
         card = card->next) {
        for (const PinBlock* block = card->pins.load(std::memory_order_acquire); block != nullptr;
             block = block->next.load(std::memory_order_acquire)) {
            for (std::uint32_t i = 0; i < block->count; ++i) {
                // Acquire: pairs with unpin.
                const std::byte* head = block->cells[i].load(std::memory_order_acquire);
                if (head != nullptr) {
                    see(context, head);
                }
            }
        }
    }
}

}  // namespace larder::store_memory
