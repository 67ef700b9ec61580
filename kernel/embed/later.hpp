// kernel/embed/later.hpp -- a call of the cache that may be answered later, by another thread.
//
// The cache may call done before the call that said PENDING has returned. So caller and done shake hands: who
// comes second goes on, and the object keeps itself alive from the first to the second.
#pragma once

#include <larder/plugin/abi.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace larder::embed {

class Later : public std::enable_shared_from_this<Later> {
  public:
    virtual ~Later() = default;

  protected:
    void prepare(std::uint32_t flags, std::uint64_t client, bool may_be_later) noexcept {
        state_.store(asking, std::memory_order_relaxed);
        call_ = {};
        call_.struct_size = sizeof call_;
        call_.flags = flags;
        call_.client = client;
        if (may_be_later) {
            call_.done = &on_done;
            call_.done_ctx = this;
        }
    }
    // After PENDING. False: it has been answered meanwhile, and the caller goes on.
    bool went_away() {
        self_ = shared_from_this();
        if (state_.exchange(armed, std::memory_order_acq_rel) != landed) return true;
        self_.reset();
        return false;
    }
    virtual void land() noexcept = 0;  // the answer is there, and the caller has left [any thread]

    larder_call call_{};

  private:
    enum State : int { asking, landed, armed };
    static void on_done(void* ctx, larder_status, larder_value*) noexcept {
        Later* const later = static_cast<Later*>(ctx);
        if (later->state_.exchange(landed, std::memory_order_acq_rel) != armed) return;
        const std::shared_ptr<Later> keep = std::move(later->self_);
        keep->land();
    }
    std::atomic<int> state_{asking};
    std::shared_ptr<Later> self_;
};

}  // namespace larder::embed
