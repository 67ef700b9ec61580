// kernel/embed/gets.hpp -- one lookup of a host, from the question to the answer.
//
// A hit is answered on the spot, by an object that the thread keeps for its next lookup. What is not there
// goes on: lower tiers answer on their threads, the lease book says who loads, and who waited is looked up again
// or told what the load brought.
#pragma once

#include "kernel/embed/later.hpp"
#include "kernel/embed/state.hpp"

#include <condition_variable>

namespace larder::embed {

class Get final : public Later {
  public:
    // loop null: what has to be waited for is waited for. may_lead: whether a miss may get a lease.
    void begin(larder_kernel* k, std::uint32_t ns, std::string_view key, const larder_loop* loop, std::uint64_t user, bool may_lead);
    // Answers WAIT only with a loop, where the end arrives.
    Outcome run();
    // What it waited for is over: it looks once more, and what that comes to is delivered. May block where its caller does.
    void again() noexcept;
    // It waited, and this is its answer.
    void end(Outcome outcome) noexcept;
    // Whether another thread may have come to know it since begin().
    bool known() const noexcept { return known_; }

  private:
    Outcome look();
    Outcome judge(bool first);
    Outcome miss();
    Outcome wait_here();
    void land() noexcept override;

    larder_kernel* kernel_ = nullptr;
    std::uint32_t ns_ = 0;
    std::string key_;
    std::shared_ptr<LoopQueue> queue_;
    std::uint64_t user_ = 0, ticket_ = 0, id_ = 0, until_ns_ = 0, seen_ = 0;
    unsigned turns_ = 0;
    larder_cache_get item_{};
    bool may_lead_ = true, known_ = false;
    std::mutex mutex_;  // of a caller that blocks
    std::condition_variable ended_;
    bool is_ended_ = false;  // guarded by mutex_, as outcome_
    Outcome outcome_;
};

// They look again, on a thread that may wait.
void wake(larder_kernel* k, Waiting waiting);

}  // namespace larder::embed
