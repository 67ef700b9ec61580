// kernel/core/snapshot.cpp -- the readers' slots and what waits to be freed.
#include "kernel/core/snapshot.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <new>
#include <utility>

namespace larder::detail {

constinit std::atomic<std::uint64_t> reader_epoch{1};
constinit thread_local ReaderSlot* this_reader = nullptr;

namespace {

struct Retired {
    void* object;
    void (*destroy)(void*);
    std::uint64_t epoch;  // readers that entered at it or before may still see the object
    Retired* next = nullptr;
};

constinit std::mutex retired_mutex;
// A queue in the order of epochs, so that a look at its front tells whether anything can go.
constinit Retired* retired_first = nullptr;  // guarded by retired_mutex
constinit Retired* retired_last = nullptr;   // guarded by retired_mutex; valid if there is a first

constinit std::atomic<ReaderSlot*> slots{nullptr};  // only grows

ReaderSlot* free_or_new_slot() {
    for (ReaderSlot* slot = slots.load(std::memory_order_acquire); slot; slot = slot->next) {
        bool taken = false;
        if (!slot->taken.load(std::memory_order_relaxed) &&
            slot->taken.compare_exchange_strong(taken, true, std::memory_order_acquire))
            return slot;
    }
    auto* slot = new ReaderSlot;
    slot->next = slots.load(std::memory_order_relaxed);
    while (!slots.compare_exchange_weak(slot->next, slot, std::memory_order_seq_cst)) {
    }
    return slot;
}

constinit thread_local bool thread_ends = false;

struct Lease {
    ~Lease() {
        thread_ends = true;
        if (ReaderSlot* const slot = std::exchange(this_reader, nullptr)) {
            if (slot->depth == 0)
                give_reader_slot_back(slot);
            else
                slot->give_back = true;
        }
    }
};

std::uint64_t oldest_reader() noexcept {
    std::uint64_t oldest = std::numeric_limits<std::uint64_t>::max();
    for (ReaderSlot* slot = slots.load(std::memory_order_seq_cst); slot; slot = slot->next)
        if (const auto entered = slot->entered.load(std::memory_order_seq_cst); entered != 0)
            oldest = std::min(oldest, entered);
    return oldest;
}

}  // namespace

// A destructor of another thread-local object may still read after the lease is gone; its slot is
// then given back with its guard, as nothing else would do it.
ReaderSlot* take_reader_slot() {
    ReaderSlot* const slot = free_or_new_slot();
    if (thread_ends) {
        slot->give_back = true;
        return slot;
    }
    thread_local const Lease lease;
    static_cast<void>(lease);
    this_reader = slot;
    return slot;
}

void give_reader_slot_back(ReaderSlot* slot) noexcept {
    slot->give_back = false;
    slot->taken.store(false, std::memory_order_release);
}

void retire(void* object, void (*destroy)(void*)) noexcept {
    auto* const item = new (std::nothrow) Retired{object, destroy, 0};
    const std::lock_guard lock(retired_mutex);
    const std::uint64_t epoch = reader_epoch.fetch_add(1, std::memory_order_seq_cst);
    if (item == nullptr) return;  // the object is lost: better its memory than a reader's
    item->epoch = epoch;
    (retired_first == nullptr ? retired_first : retired_last->next) = item;
    retired_last = item;
}

// What can go is taken out of the queue first and destroyed without the lock: destroying is foreign
// code, and may itself replace a snapshot.
void reclaim() noexcept {
    Retired* free = nullptr;
    {
        const std::lock_guard lock(retired_mutex);
        if (retired_first == nullptr) return;
        const std::uint64_t oldest = oldest_reader();
        Retired* last = nullptr;
        for (Retired* item = retired_first; item && item->epoch < oldest; item = item->next)
            last = item;
        if (last == nullptr) return;
        free = std::exchange(retired_first, std::exchange(last->next, nullptr));
    }
    while (free != nullptr) {
        const std::unique_ptr<Retired> item(std::exchange(free, free->next));
        item->destroy(item->object);
    }
}

}  // namespace larder::detail
