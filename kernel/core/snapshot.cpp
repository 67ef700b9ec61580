// kernel/core/snapshot.cpp -- what was replaced and waits for its readers.
#include "kernel/core/snapshot.hpp"

#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

namespace larder::detail {
namespace {

struct Retired {
    void* object;
    void (*destroy)(void*);
    std::uint64_t ticket;
    Retired* next = nullptr;
};

constinit std::mutex retired_mutex;
// A queue in the order of tickets, so that a look at its front tells whether anything can go.
constinit Retired* retired_first = nullptr;  // guarded by retired_mutex
constinit Retired* retired_last = nullptr;   // guarded by retired_mutex; valid if there is a first

}  // namespace

void retire(void* object, void (*destroy)(void*)) noexcept {
    auto* const item = new (std::nothrow) Retired{object, destroy, 0};
    if (item == nullptr) return;  // the object is lost: better its memory than a reader's
    const std::lock_guard lock(retired_mutex);
    item->ticket = plugin::retire_ticket();
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
        const std::uint64_t safe = plugin::safe_ticket();
        Retired* last = nullptr;
        for (Retired* item = retired_first; item && item->ticket < safe; item = item->next) last = item;
        if (last == nullptr) return;
        free = std::exchange(retired_first, std::exchange(last->next, nullptr));
    }
    while (free != nullptr) {
        const std::unique_ptr<Retired> item(std::exchange(free, free->next));
        item->destroy(item->object);
    }
}

}  // namespace larder::detail
