// plugins/invalidator_event/redis_session.hpp -- one connection to Redis that is made again whenever it is lost.
//
// It connects, says who it is and hands over replies, one at a time and in order. Whoever derives from it says what
// is asked. An answer that does not come in time ends the connection; time is not counted while a message is being
// handled, because then nobody looked.
//
// Everything on the loop, but ready().
#pragma once

#include "listener.hpp"

#include "plugins/redis_wire/reader.hpp"
#include "plugins/redis_wire/transport.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace larder::invalidator_event {

class RedisSession : private redis_wire::Transport::User {
  public:
    // tls: nullptr when the endpoint has none.
    RedisSession(const Listener::Surroundings& around, const redis_wire::TlsContext* tls,
                 const char* purpose);

    void open_session();
    void close_session() noexcept;

  protected:
    virtual ~RedisSession() = default;

    virtual void on_ready() = 0;
    // False: a message that no server sends.
    virtual bool on_reply(redis_wire::Reply& reply) = 0;
    virtual void on_lost() = 0;
    // Whether an answer is still to come, after those that were handed over.
    virtual bool awaiting() const noexcept = 0;

    void send(std::string_view wire);
    // The connection ends unless something comes within so long; an earlier expectation is replaced.
    void expect_within(std::uint64_t ns);
    bool expecting() const noexcept { return answer_.set(); }
    void fail(const std::string& cause);
    bool connected() const noexcept { return state_ == State::ready; }
    // Counts connections, to know whether what was asked on one is still to be answered.
    std::uint64_t epoch() const noexcept { return epoch_; }

    const Listener::Surroundings around_;

  private:
    enum class State { closed, connecting, greeting, ready };

    void on_connected() override;
    void on_bytes(const char* data, std::size_t size) override;
    void on_written() override;
    void on_failed(const std::string& cause) override { fail(cause); }
    bool greeted(redis_wire::Reply& reply);
    void expired();

    const redis_wire::TlsContext* tls_;
    const char* const purpose_;
    State state_ = State::closed;
    std::uint64_t epoch_ = 0, expectations_ = 0;
    std::shared_ptr<redis_wire::Transport> transport_;
    std::unique_ptr<redis_wire::Reader> reader_;
    std::string out_;
    bool writing_ = false, looked_ = false;
    std::uint32_t hello_ = 0, answered_ = 0, failures_ = 0;
    redis_wire::Loop::Timer answer_, again_;
};

}  // namespace larder::invalidator_event
