// plugins/store_lmdb/readers.hpp -- read transactions, lent for the length of one look.
//
// A read transaction sees the file as it was at its beginning and keeps no writer waiting; but what was freed since
// cannot be used again while it lasts. So it lasts for one call, and what a caller keeps is a copy. Beginning one
// costs a lock in LMDB's table of readers; so each place there is taken once, and renewed. A thread begins looking for
// a place at one of its own: two meet only when there are many.
#pragma once

#include "database.hpp"

#include <array>
#include <atomic>
#include <cstddef>

namespace larder::store_lmdb {

class Readers {
    struct alignas(64) Slot {
        std::atomic<bool> taken{false};
        MDB_txn* txn = nullptr;  // of who has taken it; null: closed
    };

  public:
    // One look. Not for another thread than the one that took it.
    class Look {
      public:
        Look(const Look&) = delete;
        Look& operator=(const Look&) = delete;
        ~Look();
        // False: there is no file now.
        explicit operator bool() const noexcept { return txn_ != nullptr; }
        MDB_txn* txn() const noexcept { return txn_; }

      private:
        friend class Readers;
        explicit Look(Slot& slot);
        Slot& slot_;
        MDB_txn* txn_;
    };
    // Throws Failure.
    Look look() { return Look(take()); }

    // Everybody may look from now on. Throws Failure, and stays closed then.
    void open(MDB_env* env);
    // Nobody looks, or will, when it returns.
    void close() noexcept;
    // Until every look that is under way has ended; false: one lasts and lasts.
    bool outwait() noexcept;
    // Calls work() while nobody looks; who wants to, waits that long.
    template <class Work>
    void between_looks(Work&& work) {
        const Pause pause(*this);
        work();
    }

  private:
    struct Pause {
        explicit Pause(Readers& all) noexcept;
        ~Pause();
        Readers& readers;
    };
    Slot& take() noexcept;
    static void take(Slot& slot) noexcept;

    std::array<Slot, read_slots> slots_;
};

}  // namespace larder::store_lmdb
