// plugins/store_lmdb/operation.hpp -- one change of the file: what it does, and who waits for it.
//
// An operation owns all it needs, because its caller may be gone when its turn comes: one that waits goes at its
// deadline, one that is called back went at once. Answers are kept here and handed over only to who is still there.
#pragma once

#include "leases.hpp"
#include "sieve.hpp"
#include "transaction.hpp"

#include <larder/plugin/store.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

namespace larder::store_lmdb {

// What a transaction did besides, told and counted when it is committed.
struct Effects {
    std::uint64_t evicted = 0, expired = 0;
    std::vector<std::string> lapsed;  // records whose life is over
};

// What an operation works with.
struct Work {
    Transaction& txn;
    Leases& leases;
    Sieve& sieve;
    Effects& effects;
    std::uint64_t now_ms, now_ns;
};

class Operation {
  public:
    virtual ~Operation() = default;
    // About how much more of the file is used after it; not 0: it is refused where there is no room.
    virtual std::uint64_t weight() const noexcept { return 0; }
    // May be called again when the transaction came to nothing. Throws Failure.
    virtual larder_status apply(Work& work) = 0;
    // Hands answers over; the caller is there.
    virtual void answer() noexcept {}

    // ---- of whoever carries it out and whoever waits (writer.cpp)
    larder_status status = LARDER_E_CLOSED;
    void wait_for(const larder_call& call) noexcept {
        done_ = call.done;
        done_ctx_ = call.done_ctx;
    }
    bool calls_back() const noexcept { return done_ != nullptr; }
    bool over() const noexcept { return over_.load(std::memory_order_acquire); }
    // Its turn is over: status says how. Not yet called back.
    void finish() noexcept;
    void call_back() noexcept { done_(done_ctx_, status, nullptr); }
    // TIMEOUT: it did not end within that time, and its caller is told nothing any more.
    larder_status wait(std::uint64_t at_most_ns) noexcept;

  private:
    larder_done_fn done_ = nullptr;
    void* done_ctx_ = nullptr;
    std::mutex mutex_;
    std::condition_variable ends_;
    std::atomic<bool> over_{false};
    bool given_up_ = false;  // guarded by mutex_
};

}  // namespace larder::store_lmdb
