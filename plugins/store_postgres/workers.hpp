// plugins/store_postgres/workers.hpp -- a few threads for calls that nobody waits for here.
//
// A call with `done` returns at once; what it asked for stands in line, and a thread says it to the server. The line is
// bounded: what does not fit is refused, and the caller's breaker sees that.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace larder::store_postgres {

class Workers {
  public:
    explicit Workers(std::size_t most) : most_(most) {}
    ~Workers() { stop(); }
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    void start(std::size_t threads);
    // What stands in line is run first: with `stopped` said by then, each ends at once.
    void stop() noexcept;
    // False: the line is full, or nobody works.
    bool post(std::function<void()> work);

  private:
    void run();

    const std::size_t most_;
    std::mutex mutex_;
    std::condition_variable there_;
    std::deque<std::function<void()>> line_;  // guarded by mutex_
    bool running_ = false;                    // guarded by mutex_
    std::vector<std::thread> threads_;
};

}  // namespace larder::store_postgres
