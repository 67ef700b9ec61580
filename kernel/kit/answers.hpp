// kernel/kit/answers.hpp -- calls of a C table answered at once, or later by another thread.
//
// With later(true) a call that has a done answers PENDING and is worked on by a thread of its own, in the
// order of the calls; hold(true) keeps those answers back until the test lets them go.
#pragma once

#include <larder/plugin/abi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace larder::kit {

class Answers {
  public:
    Answers() = default;
    Answers(const Answers&) = delete;
    Answers& operator=(const Answers&) = delete;
    // Whoever waits is answered first.
    ~Answers() {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        wakes_.notify_all();
        if (worker_.joinable()) {
            worker_.join();
        }
    }

    void later(bool on) {
        const std::lock_guard lock(mutex_);
        later_ = on;
        if (on && !worker_.joinable()) {
            worker_ = std::thread([this] { serve(); });
        }
    }
    void hold(bool on) {
        {
            const std::lock_guard lock(mutex_);
            held_ = on;
        }
        wakes_.notify_all();
    }
    // Runs work, which gives the status, here or there.
    template <class Work>
    larder_status answer(const larder_call* call, Work work) {
        {
            const std::lock_guard lock(mutex_);
            if (later_ && call->done != nullptr) {
                waiting_.push_back([work, done = call->done, ctx = call->done_ctx]() mutable {
                    done(ctx, work(), nullptr);
                });
                wakes_.notify_all();
                return LARDER_PENDING;
            }
        }
        return work();
    }

  private:
    void serve() {
        std::unique_lock lock(mutex_);
        for (;;) {
            wakes_.wait(lock, [&] { return ending_ || (!held_ && !waiting_.empty()); });
            if (ending_ && waiting_.empty()) {
                return;
            }
            auto next = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            next();
            lock.lock();
        }
    }

    std::mutex mutex_;  // guards what follows
    std::condition_variable wakes_;
    std::deque<std::function<void()>> waiting_;
    bool later_ = false, held_ = false, ending_ = false;
    std::thread worker_;
};

}  // namespace larder::kit
