// kernel/core/snapshot.hpp -- one pointer that readers use without a lock and a writer may replace.
//
// Epoch-based reclamation (Fraser, "Practical lock-freedom", 2004): a reader announces the epoch it
// entered at in a slot of its thread, and what a writer replaced is freed when no slot announces an
// older epoch. Entering costs one exchange on a cache line of the thread's own, no shared count.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace larder {

namespace detail {
struct ReaderSlot;
ReaderSlot* reader_slot();                                      // of this thread
void reader_enter(ReaderSlot* slot) noexcept;
void reader_leave(ReaderSlot* slot) noexcept;
void retire(void* object, void (*destroy)(void*)) noexcept;    // frees when no reader can see it
void reclaim() noexcept;                                        // frees what can be freed now
}  // namespace detail

// While one lives, what Snapshot::get() returned stays. Nests. Short: it delays freeing. [hot]
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
    const T* get() const noexcept { return current_.load(std::memory_order_acquire); }
    // The old one is freed when its last reader is done. [control]
    void replace(std::unique_ptr<const T> next) {
        const T* old = current_.exchange(next.release(), std::memory_order_acq_rel);
        if (old != nullptr)
            detail::retire(const_cast<T*>(old), [](void* p) { delete static_cast<T*>(p); });
        detail::reclaim();
    }

  private:
    std::atomic<const T*> current_{nullptr};
};

}  // namespace larder
