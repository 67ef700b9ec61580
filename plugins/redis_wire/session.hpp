// plugins/redis_wire/session.hpp -- one connection to Redis that is made again whenever it is lost.
//
// It connects, says who it is and hands over replies, one at a time and in order. Whoever derives from it says what
// is asked. An answer that does not come in time ends the connection; time is not counted while a message is being
// handled, because then nobody looked. A server that is away is tried again without end, after pauses of at most 0.64 s.
//
// Everything on the loop.
#pragma once

#include "connection_options.hpp"
#include "journal.hpp"
#include "loop.hpp"
#include "reader.hpp"
#include "transport.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace larder::redis_wire {

// Who talks to whom; all of it outlives the session.
struct Party {
    Loop& loop;
    const Endpoint& endpoint;
    const ConnectionOptions& options;
    const TlsContext* tls;  // nullptr when the endpoint has none
    Journal& journal;
};

class Session : private Transport::User {
  public:
    // purpose: what the log says that is lost, "the subscription".
    Session(const Party& party, const char* purpose);

    void open();
    void close() noexcept;

  protected:
    enum class Loss : std::uint8_t {
        never_was,  // no connection, or the server did not let it in
        nonsense,   // it said what no server says
        gone        // it ended, or said nothing for too long
    };

    virtual ~Session() = default;

    virtual void on_ready() = 0;
    // False: a message that no server sends.
    virtual bool on_reply(Reply& reply) = 0;
    // Each attempt that fails, too. The next one is under way when it returns.
    virtual void on_failure(Loss loss, const std::string& cause) = 0;
    // Whether an answer is still to come, after those that were handed over.
    virtual bool awaiting() const noexcept = 0;

    void send(std::string_view wire);
    // The connection ends unless something comes within so long; an earlier expectation is replaced.
    void expect_within(std::uint64_t ns);
    void expect_nothing() noexcept { answer_.cancel(); }
    bool expecting() const noexcept { return answer_.set(); }
    void fail(const std::string& cause, Loss loss = Loss::gone);
    bool connected() const noexcept { return state_ == State::ready; }
    // Counts connections, to know whether what was asked on one is still to be answered.
    std::uint64_t epoch() const noexcept { return epoch_; }

    const Party party_;

  private:
    enum class State { closed, connecting, greeting, ready };

    void on_connected() override;
    void on_bytes(const char* data, std::size_t size) override;
    void on_written() override;
    void on_failed(const std::string& cause) override { fail(cause); }
    bool greeted(Reply& reply);
    void expired();

    const char* const purpose_;
    State state_ = State::closed;
    std::uint64_t epoch_ = 0, expectations_ = 0;
    std::shared_ptr<Transport> transport_;
    std::unique_ptr<Reader> reader_;
    std::string out_;
    bool writing_ = false, looked_ = false;
    std::uint32_t hello_ = 0, answered_ = 0, failures_ = 0;
    Loop::Timer answer_, again_;
};

}  // namespace larder::redis_wire
