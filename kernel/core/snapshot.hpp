// kernel/core/snapshot.hpp -- one pointer that readers use without a lock and a writer may replace.
//
// Epoch-based reclamation (Fraser, "Practical lock-freedom", 2004): a reader announces the epoch it
// entered at in a slot of its thread, and what a writer replaced is freed when no slot announces an
// older epoch. Entering costs one exchange on a cache line of the thread's own, no shared count.
//
// Why it is safe. Announcing, reading the pointer, replacing it and looking at the slots are all
// sequentially consistent. A reader that read the old pointer did so before it was replaced, so it
// had announced itself before the writer looked. A reader whose announced epoch is later than the
// one the old object was retired under learnt that epoch from the writer, so it read the new
// pointer.
//
// Freeing happens in replace() and reclaim(), never in a reader. Whoever owns the clock's tick
// calls reclaim() too, so that what the last replace() left behind goes when its readers have.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace larder {

namespace detail {

// One per thread that reads. Never freed, only handed on, so a writer may look at any time.
struct alignas(64) ReaderSlot {
    std::atomic<std::uint64_t> entered{0};  // epoch; 0: not reading
    std::uint32_t depth = 0;                // of nested guards; the thread's own
    bool give_back = false;  // taken while the thread ends: free after the last guard
    std::atomic<bool> taken{true};
    ReaderSlot* next = nullptr;  // set once, before the slot is seen
};

extern constinit std::atomic<std::uint64_t> reader_epoch;  // rises with every retire()
#if defined(__GNUC__)
__attribute__((tls_model("initial-exec")))
#endif
extern constinit thread_local ReaderSlot* this_reader;  // nullptr: none

ReaderSlot* take_reader_slot();
void give_reader_slot_back(ReaderSlot* slot) noexcept;

inline ReaderSlot* reader_slot() {  // of this thread
    return this_reader != nullptr ? this_reader : take_reader_slot();
}
inline void reader_enter(ReaderSlot* slot) noexcept {
    if (slot->depth++ == 0)
        slot->entered.store(reader_epoch.load(std::memory_order_seq_cst),
                            std::memory_order_seq_cst);
}
inline void reader_leave(ReaderSlot* slot) noexcept {
    if (--slot->depth != 0) return;
    slot->entered.store(0, std::memory_order_release);
    if (slot->give_back) [[unlikely]]
        give_reader_slot_back(slot);
}
void retire(void* object, void (*destroy)(void*)) noexcept;  // frees when no reader can see it
void reclaim() noexcept;                                     // frees what can be freed now

}  // namespace detail

// While one lives, what Snapshot::get() returned stays. Nests. Short: it delays freeing. Ends on
// the thread it began on. [hot]
class ReadGuard {
  public:
    ReadGuard() noexcept : slot_(detail::reader_slot()) { detail::reader_enter(slot_); }
    ~ReadGuard() { detail::reader_leave(slot_); }
    ReadGuard(const ReadGuard&) = delete;
    ReadGuard& operator=(const ReadGuard&) = delete;

  private:
    detail::ReaderSlot* slot_;
};

template <class T>
class Snapshot {
  public:
    Snapshot() = default;
    ~Snapshot() { delete current_.load(std::memory_order_relaxed); }
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    // REQUIRES: a ReadGuard lives while the pointer is used.
    const T* get() const noexcept { return current_.load(std::memory_order_seq_cst); }
    // The old one is freed when its last reader is done. [control]
    void replace(std::unique_ptr<const T> next) {
        const T* old = current_.exchange(next.release(), std::memory_order_seq_cst);
        if (old != nullptr)
            detail::retire(const_cast<T*>(old), [](void* p) { delete static_cast<T*>(p); });
        detail::reclaim();
    }

  private:
    std::atomic<const T*> current_{nullptr};
};

}  // namespace larder
