// kernel/core/snapshot.hpp -- one pointer that readers use without a lock and a writer may replace.
//
// Readers are in a read section (<larder/plugin/read_section.hpp>: epoch-based reclamation), which
// costs two plain stores to a line of the thread's own. What a writer replaced is freed when the
// sections are over that could have seen it: in replace() and reclaim(), never in a reader. Whoever
// owns the clock's tick calls reclaim() too, so that what the last replace() left behind goes when
// its readers have.
#pragma once

#include <larder/plugin/read_section.hpp>

#include <atomic>
#include <memory>

namespace larder {

namespace detail {
void retire(void* object, void (*destroy)(void*)) noexcept;  // frees when no reader can see it
void reclaim() noexcept;                                     // frees what can be freed now
}  // namespace detail

// While one lives, what Snapshot::get() returned stays. Nests. Short: it delays freeing. Ends on
// the thread it began on. [hot]
using ReadGuard = plugin::ReadSection;

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
        const T* old = current_.exchange(next.release(), std::memory_order_seq_cst);
        if (old != nullptr)
            detail::retire(const_cast<T*>(old), [](void* p) { delete static_cast<T*>(p); });
        detail::reclaim();
    }

  private:
    std::atomic<const T*> current_{nullptr};
};

}  // namespace larder
