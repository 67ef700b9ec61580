// plugins/invalidator_event/postgres_channels.hpp -- NOTIFY of Postgres, as it is committed; the home of libpq.
//
// libpq's asynchronous interface on the loop: nothing here waits, but the look-up of the host's name, which libpq
// does where it is asked to connect. TLS, sockets, timeouts of TCP and files of passwords are the URL's to say, as for
// every client of Postgres.
//
// Postgres keeps no notification for who is not there. So each time LISTEN stands, a resync is owed.
#pragma once

#include "listener.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace larder::invalidator_event {

class PostgresChannels final : public Listener {
  public:
    explicit PostgresChannels(const Surroundings& around);
    ~PostgresChannels() override;

    void open() override;
    void close() noexcept override;
    bool listening() const noexcept override { return listening_; }
    std::string what() const override;

  private:
    enum class State { closed, connecting, asked, listening };
    struct Connection;

    void poll_connection();
    void connected();
    void wait_readable();
    void readable();
    void flush();
    bool take_results();
    void take_notifications();
    void stands();
    void beat();
    void expect_within(std::uint64_t ns);
    void expired();
    void fail(const std::string& cause);
    void drop_connection() noexcept;

    const Surroundings around_;
    std::shared_ptr<Connection> connection_;
    State state_ = State::closed;
    std::atomic<bool> listening_{false};
    bool before_ = false;   // it has listened since open()
    bool looked_ = false;
    std::uint32_t failures_ = 0;
    redis_wire::Loop::Timer answer_, again_, beat_;
};

}  // namespace larder::invalidator_event
