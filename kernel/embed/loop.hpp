// kernel/embed/loop.hpp -- completions for one event loop, behind one descriptor that can be polled.
//
// The descriptor (eventfd) is written when the queue becomes non-empty and read when a drain has emptied it: a
// thousand completions cost one wake. What is under way is known by its user number, so that cancel() can
// take it back; whoever completes asks the loop whether anybody still wants to hear of it.
#pragma once

#include "kernel/embed/ref.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace larder::embed {

// What a completion is made of; its ref is its own.
struct Outcome {
    larder_result result = LARDER_R_FAILED;
    HeldRef ref;
    std::uint64_t lease = 0;
};

// Outlives the larder_loop that hosts see for as long as something completes on it. Safe for any number of threads.
class LoopQueue {
  public:
    static constexpr std::size_t most = 65'536;  // under way at once

    LoopQueue();
    ~LoopQueue();
    LoopQueue(const LoopQueue&) = delete;
    LoopQueue& operator=(const LoopQueue&) = delete;

    bool good() const noexcept { return fd_ >= 0; }
    int fd() const noexcept { return fd_; }

    // Something of this user is under way from now on; 0: too much is, or the loop is closed. Else its ticket.
    std::uint64_t begin(std::uint64_t user);
    // False: nobody wants it any more, and it is still the caller's.
    bool complete(std::uint64_t ticket, Outcome& outcome);
    // It was answered on the spot after all.
    void forget(std::uint64_t ticket);
    // A completion that nothing was under way for. It is the queue's, or gone when the queue is full or closed.
    void tell(std::uint64_t user, Outcome outcome);

    std::size_t drain(larder_completion* out, std::size_t most_of_them);
    struct Cancelled {
        std::size_t count = 0;
        std::vector<std::uint64_t> leases;  // that nobody will hear of
    };
    Cancelled cancel(std::uint64_t user);
    Cancelled close();

  private:
    struct Queued {
        std::uint64_t user = 0;
        Outcome outcome;
    };
    void wake();   // REQUIRES mutex_
    void unwake();

    int fd_ = -1;
    std::mutex mutex_;
    bool closed_ = false;  // guarded by mutex_, as all below
    std::uint64_t tickets_ = 0;
    std::unordered_map<std::uint64_t, std::uint64_t> under_way_;  // ticket, user
    std::deque<Queued> queue_;
};

}  // namespace larder::embed
