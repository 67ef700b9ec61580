// kernel/core/executor.cpp -- two lanes of threads and one thread for the timers.
//
// A timer stays in the table of timers until a worker takes it to run, so cancel() is right up to
// that moment: the timer thread only passes its id on. No fn is called or destroyed with a lock
// held that post(), after() or cancel() takes.
#include "kernel/core/executor.hpp"

#include <larder/plugin/signals_blocked.hpp>

#include <pthread.h>

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace larder {
namespace {

using Steady = std::chrono::steady_clock;
using Fn = std::function<void()>;

std::thread named_thread(const char* name, Fn run) {
    std::thread thread(std::move(run));
    pthread_setname_np(thread.native_handle(), name);
    return thread;
}

// Threads that work off one queue.
class Lane {
  public:
    explicit Lane(std::size_t bound) : bound_(bound) {}

    void start(const char* name, unsigned threads) {
        for (unsigned i = 0; i < std::max(threads, 1U); ++i)
            threads_.push_back(named_thread(name, [this] { work(); }));
    }

    // `urgent` passes the bound, not the stop.
    bool add(Fn&& fn, bool urgent) {
        {
            const std::lock_guard lock(mutex_);
            if (stopping_ || (!urgent && queue_.size() >= bound_)) return false;
            queue_.push_back(std::move(fn));
        }
        filled_.notify_one();
        return true;
    }

    void begin_stop() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        filled_.notify_all();
    }

    void finish_stop() {
        for (std::thread& thread : threads_) {
            assert(thread.get_id() != std::this_thread::get_id());
            thread.join();
        }
        threads_.clear();
        std::deque<Fn> dropped;
        const std::lock_guard lock(mutex_);
        dropped.swap(queue_);  // destroyed behind the lock: it was declared before it
    }

  private:
    void work() {
        for (;;) {
            Fn fn;
            {
                std::unique_lock lock(mutex_);
                filled_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
                if (stopping_) return;
                fn = std::move(queue_.front());
                queue_.pop_front();
            }
            fn();
        }
    }

    const std::size_t bound_;
    std::vector<std::thread> threads_;  // changed by start and stop only
    std::mutex mutex_;
    std::condition_variable filled_;
    std::deque<Fn> queue_;  // guarded by mutex_
    bool stopping_ = false;
};

// The timers by id, and a heap of when each is due. A cancelled timer leaves its place in the heap
// until that comes up or half of the heap is such places.
class Timers {
  public:
    struct Due {
        Steady::time_point at;
        std::uint64_t id = 0;
        bool operator>(const Due& other) const {
            return at != other.at ? at > other.at : id > other.id;
        }
    };

    // True: it is now the first to be due.
    bool add(std::uint64_t id, Steady::time_point at, Fn&& fn) {
        waiting_.emplace(id, std::move(fn));
        if (heap_.size() > 64 && heap_.size() > 2 * waiting_.size()) forget_cancelled();
        heap_.push_back({at, id});
        std::push_heap(heap_.begin(), heap_.end(), std::greater<>{});
        return heap_.front().id == id;
    }

    // The fn of a timer that is no more; empty: there was none.
    Fn take(std::uint64_t id) {
        const auto found = waiting_.find(id);
        if (found == waiting_.end()) return {};
        Fn fn = std::move(found->second);
        waiting_.erase(found);
        return fn;
    }

    bool empty() const { return heap_.empty(); }
    Due first() const { return heap_.front(); }
    void pop_first() {
        std::pop_heap(heap_.begin(), heap_.end(), std::greater<>{});
        heap_.pop_back();
    }

    template <class Each>
    void each_id(Each&& each) const {
        for (const auto& [id, fn] : waiting_) each(id);
    }

  private:
    void forget_cancelled() {
        std::erase_if(heap_, [this](const Due& due) { return waiting_.count(due.id) == 0; });
        std::make_heap(heap_.begin(), heap_.end(), std::greater<>{});
    }

    std::unordered_map<std::uint64_t, Fn> waiting_;
    std::vector<Due> heap_;
};

class ThreadExecutor final : public Executor {
  public:
    explicit ThreadExecutor(const ExecutorOptions& options)
        : work_(options.queue), blocking_(options.queue) {
        const plugin::SignalsBlocked blocked;
        try {
            work_.start("larder-work", options.workers);
            blocking_.start("larder-block", options.blocking);
            timer_thread_ = named_thread("larder-timer", [this] { run_timers(); });
        } catch (...) {
            ThreadExecutor::stop();
            throw;
        }
    }
    ~ThreadExecutor() override { ThreadExecutor::stop(); }

    bool post(bool may_block, Fn fn) override {
        return (may_block ? blocking_ : work_).add(std::move(fn), false);
    }

    std::uint64_t after(std::chrono::nanoseconds delay, Fn fn) override {
        const Steady::time_point at = due(delay);
        std::uint64_t id = 0;
        bool first = false;
        {
            const std::lock_guard lock(mutex_);
            id = next_id_++;
            if (stopping_) {
                dropped_.insert(id);
                return id;
            }
            first = timers_.add(id, at, std::move(fn));
        }
        if (first) changed_.notify_one();
        return id;
    }

    bool cancel(std::uint64_t id) override {
        Fn cancelled;  // destroyed behind the lock
        const std::lock_guard lock(mutex_);
        cancelled = timers_.take(id);
        return static_cast<bool>(cancelled) || dropped_.erase(id) != 0;
    }

    void stop() override {
        const std::lock_guard only_one(stop_mutex_);
        Timers gone;  // destroyed behind the lock
        {
            // Who made a timer may still cancel it, and is told that it did not run.
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            timers_.each_id([this](std::uint64_t id) { dropped_.insert(id); });
            std::swap(gone, timers_);
        }
        changed_.notify_all();
        work_.begin_stop();
        blocking_.begin_stop();
        if (timer_thread_.joinable()) timer_thread_.join();
        work_.finish_stop();
        blocking_.finish_stop();
    }

  private:
    // Longer than any process lives is as good as never, and does not overflow.
    static Steady::time_point due(std::chrono::nanoseconds delay) {
        constexpr std::chrono::nanoseconds longest = std::chrono::hours(24 * 365 * 50);
        return Steady::now() + std::clamp(delay, std::chrono::nanoseconds::zero(), longest);
    }

    void run_timers() {
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            if (timers_.empty()) {
                changed_.wait(lock);
                continue;
            }
            const Timers::Due first = timers_.first();
            if (Steady::now() < first.at) {
                changed_.wait_until(lock, first.at);
                continue;
            }
            timers_.pop_first();
            lock.unlock();
            work_.add([this, id = first.id] { run_timer(id); }, true);
            lock.lock();
        }
    }

    void run_timer(std::uint64_t id) {
        Fn fn;
        {
            const std::lock_guard lock(mutex_);
            fn = timers_.take(id);
        }
        if (fn) fn();
    }

    std::mutex stop_mutex_;  // taken before mutex_
    std::mutex mutex_;
    std::condition_variable changed_;
    Timers timers_;  // guarded by mutex_, as what follows
    std::unordered_set<std::uint64_t> dropped_;  // timers that stop() kept from running
    std::uint64_t next_id_ = 1;
    bool stopping_ = false;
    Lane work_, blocking_;
    std::thread timer_thread_;
};

}  // namespace

std::unique_ptr<Executor> make_thread_executor(const ExecutorOptions& options) {
    return std::make_unique<ThreadExecutor>(options);
}

}  // namespace larder
