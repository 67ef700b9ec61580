// plugins/store_postgres/workers.cpp -- see workers.hpp.
#include "workers.hpp"

#include <utility>

namespace larder::store_postgres {

void Workers::start(std::size_t threads) {
    {
        const std::lock_guard lock(mutex_);
        running_ = true;
    }
    for (std::size_t i = 0; i < threads; ++i) {
        threads_.emplace_back([this] { run(); });
    }
}

void Workers::stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        running_ = false;
    }
    there_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

bool Workers::post(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        if (!running_ || line_.size() >= most_) {
            return false;
        }
        line_.push_back(std::move(work));
    }
    there_.notify_one();
    return true;
}

void Workers::run() {
    for (;;) {
        std::function<void()> work;
        {
            std::unique_lock lock(mutex_);
            there_.wait(lock, [&] { return !running_ || !line_.empty(); });
            if (line_.empty()) {
                return;
            }
            work = std::move(line_.front());
            line_.pop_front();
        }
        work();
    }
}

}  // namespace larder::store_postgres
