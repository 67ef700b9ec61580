// larder/plugin/read_section.hpp -- readers without a lock, writers who wait for them before they free.
//
// Epoch-based reclamation (K. Fraser, "Practical lock-freedom", 2004). A reader announces the epoch it
// entered at in a slot of its thread. A writer makes an object unreachable, takes a ticket for it, and
// frees it once safe_ticket() has passed that ticket: every reader that could still see it has left.
//
// A reader pays two plain stores to a line of its own. That its announcement comes before what it reads
// is the writer's business: safe_ticket() calls membarrier(2), which makes every thread of the process
// pass a full barrier (the asymmetric fence of folly and liburcu; Desnoyers et al., "User-level
// implementations of read-copy update", 2012). Without that call, and under the thread sanitizer, which
// does not know it, readers announce themselves with a sequentially consistent store instead.
//
// Each module (the kernel, each plugin) has slots and epochs of its own: everything here is hidden.
#pragma once

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

#pragma GCC visibility push(hidden)
namespace larder::plugin {

namespace read_section_detail {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool may_be_asymmetric = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool may_be_asymmetric = false;
#else
inline constexpr bool may_be_asymmetric = true;
#endif
#else
inline constexpr bool may_be_asymmetric = true;
#endif

// One per thread that reads. Never freed, only handed on, so a writer may look at any time.
struct alignas(64) Slot {
    std::atomic<std::uint64_t> entered{0};  // epoch; 0: not reading
    std::uint32_t depth = 0;                // of nested sections; the thread's own
    bool give_back = false;                 // taken while the thread ends: free after the last section
    std::atomic<bool> taken{true};
    Slot* next = nullptr;  // set once, before the slot is seen
};

inline constinit std::atomic<std::uint64_t> epoch{1};  // rises with every ticket
inline constinit std::atomic<Slot*> slots{nullptr};    // only grows
inline constinit std::atomic<bool> asymmetric{false};  // set before the first slot is given out
inline constinit thread_local Slot* this_slot __attribute__((tls_model("initial-exec"))) = nullptr;
inline constinit thread_local bool thread_ends = false;

inline long membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0U, 0); }

inline Slot* free_or_new_slot() {
    for (Slot* slot = slots.load(std::memory_order_acquire); slot != nullptr; slot = slot->next) {
        bool taken = false;
        if (!slot->taken.load(std::memory_order_relaxed) &&
            slot->taken.compare_exchange_strong(taken, true, std::memory_order_acquire))
            return slot;
    }
    // Registered once for the process; saying so again is allowed and does nothing.
    if (may_be_asymmetric && membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0)
        asymmetric.store(true, std::memory_order_seq_cst);
    auto* const slot = new Slot;
    slot->next = slots.load(std::memory_order_relaxed);
    while (!slots.compare_exchange_weak(slot->next, slot, std::memory_order_seq_cst)) {
    }
    return slot;
}

inline void give_back(Slot* slot) noexcept {
    slot->give_back = false;
    slot->taken.store(false, std::memory_order_release);
}

struct Lease {
    ~Lease() {
        thread_ends = true;
        if (Slot* const slot = std::exchange(this_slot, nullptr)) {
            if (slot->depth == 0)
                read_section_detail::give_back(slot);
            else
                slot->give_back = true;
        }
    }
};

// A destructor of another thread-local object may still read after the lease is gone; its slot is then
// given back with its section, as nothing else would do it.
__attribute__((noinline)) inline Slot* take_slot() {
    Slot* const slot = free_or_new_slot();
    if (thread_ends) {
        slot->give_back = true;
        return slot;
    }
    thread_local const Lease lease;
    static_cast<void>(lease);
    this_slot = slot;
    return slot;
}

}  // namespace read_section_detail

// While one lives, nothing that was reachable when it began is freed. Nests. Short: it delays freeing.
// Ends on the thread it began on. The first of a thread allocates the thread's slot. [hot] About 1 ns.
class ReadSection {
  public:
    ReadSection() noexcept
        : slot_(read_section_detail::this_slot != nullptr ? read_section_detail::this_slot
                                                          : read_section_detail::take_slot()) {
        if (slot_->depth++ != 0) return;
        const std::uint64_t now = read_section_detail::epoch.load(std::memory_order_acquire);
        if (read_section_detail::may_be_asymmetric &&
            read_section_detail::asymmetric.load(std::memory_order_relaxed)) [[likely]] {
            slot_->entered.store(now, std::memory_order_relaxed);
            asm volatile("" ::: "memory");  // what follows is not read before, by the compiler's doing
        } else {
            slot_->entered.store(now, std::memory_order_seq_cst);
        }
    }
    ~ReadSection() {
        if (--slot_->depth != 0) return;
        slot_->entered.store(0, std::memory_order_release);
        if (slot_->give_back) [[unlikely]]
            read_section_detail::give_back(slot_);
    }
    ReadSection(const ReadSection&) = delete;
    ReadSection& operator=(const ReadSection&) = delete;

  private:
    read_section_detail::Slot* slot_;
};

// A ticket for what was made unreachable, by sequentially consistent or locked stores, before this call.
inline std::uint64_t retire_ticket() noexcept {
    return read_section_detail::epoch.fetch_add(1, std::memory_order_seq_cst);
}

// What has a ticket below this may be freed. A system call and a look at every thread's slot: some
// microseconds, so for many objects at once.
inline std::uint64_t safe_ticket() noexcept {
    namespace detail = read_section_detail;
    std::uint64_t safe = detail::epoch.load(std::memory_order_seq_cst);
    if (detail::asymmetric.load(std::memory_order_seq_cst))
        detail::membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    for (detail::Slot* slot = detail::slots.load(std::memory_order_seq_cst); slot != nullptr; slot = slot->next)
        if (const auto entered = slot->entered.load(std::memory_order_seq_cst); entered != 0)
            safe = std::min(safe, entered);
    return safe;
}

}  // namespace larder::plugin
#pragma GCC visibility pop
