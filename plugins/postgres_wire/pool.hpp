// plugins/postgres_wire/pool.hpp -- a bounded number of sessions, for any number of threads.
#pragma once

#include "session.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace larder::postgres_wire {

// Safe for any number of threads.
class Pool {
  public:
    Pool(plugin::Host host, ConnectionOptions options, std::size_t most)
        : host_(host), options_(std::move(options)), most_(most) {}

    // Runs them on one session, with a connection that is there or is made. All within the deadline.
    // `again`: what was read may be read once more where the connection was lost meanwhile. [worker]
    void run(std::span<const Query> queries, std::span<Outcome> outcomes, std::uint64_t deadline_ns, bool again, Batch batch = Batch::mended);
    // Closes what is idle; nothing is run after it.
    void stop();
    const std::string& shown() const noexcept { return options_.shown; }

  private:
    std::unique_ptr<Session> take(std::uint64_t deadline_ns);
    void give_back(std::unique_ptr<Session> session);

    const plugin::Host host_;
    const ConnectionOptions options_;
    const std::size_t most_;
    std::mutex mutex_;
    std::condition_variable free_;
    std::vector<std::unique_ptr<Session>> idle_;  // guarded by mutex_, as what follows; the last one used last
    std::size_t taken_ = 0;
    bool stopped_ = false;
};

}  // namespace larder::postgres_wire
