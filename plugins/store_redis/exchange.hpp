// plugins/store_redis/exchange.hpp -- commands that go to one server together, and the replies to them.
//
// The unit that a Link sends, matches and ends. Its commands are written one behind the other and so are
// worked on in that order, on one connection; its replies come back in that order. Whatever happens
// on_end is told once, and last.
#pragma once

#include "wire.hpp"

#include <cstdint>
#include <string>

namespace larder::store_redis {

// data: the few connections all operations share. side: a connection for what makes a server wait or
// walk (WAIT, SCAN), so that nothing else stands behind it.
enum class Lane : std::uint8_t { data, side };

class Exchange {
  public:
    Exchange() = default;
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    // One reply for each command in wire, in order; on the loop's thread, as on_end, or on that of a caller that
    // waits (Lender). The reply may be taken apart. False: no reply that this command can have; the connection is discarded.
    virtual bool on_reply(std::uint32_t index, Reply& reply) = 0;
    // The connection broke and the exchange is sent once more: forget the replies seen.
    virtual void on_again() noexcept {}
    // OK: every reply came. Else E_IO, E_TIMEOUT, E_CANCELLED or E_CLOSED; whether the commands were
    // executed is then unknown. The exchange belongs to itself from here on (and mostly goes).
    virtual void on_end(larder_status status) noexcept = 0;
    // The first word of it, for messages.
    virtual const char* name() const noexcept = 0;

    std::string wire;               // RESP, all commands
    std::uint32_t replies = 0;      // how many
    Lane lane = Lane::data;
    bool repeatable = false;        // may be executed twice: only reads
    bool sent_again = false;        // it is not to be, any more
    std::uint32_t resent = 0;       // the server's: how often it was
    std::uint64_t deadline_ns = 0;  // host's monotonic clock; never 0
    const void* tag = nullptr;      // done_ctx of whoever may cancel it

  protected:
    ~Exchange() = default;
};

}  // namespace larder::store_redis
