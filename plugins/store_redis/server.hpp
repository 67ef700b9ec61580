// plugins/store_redis/server.hpp -- one Redis server: its few connections, its clock, its stream.
//
// All operations share `connections` links; a side link exists while something needs one. An exchange
// goes to the link with the least under way. A link that breaks, or on which something was late, is
// replaced at once, and after that with growing, jittered pauses; while none is up and none is being
// made, an exchange is refused, so that whoever counts failures sees them without waiting.
//
// A link's exchanges end with it. One of which no byte was written, or that may be executed twice, is
// sent again on another link, at most as often as there are links; of the rest nobody knows whether they
// were executed, and they end with E_IO.
//
// The heartbeat asks for time, role and lineage on a shared link, and writes the stream's canary.
#pragma once

#include "exchange.hpp"
#include "options.hpp"
#include "wire.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace larder::store_redis {

class Server;
class Journal;
struct Counters;

// What a server tells its topology. On the loop.
class ServerEvents {
  public:
    virtual void on_changed(Server& from, const larder_bytes* keys, std::size_t n) noexcept = 0;
    virtual void on_changed_all(Server& from) noexcept = 0;
    // This server's stream is proved, or not any more.
    virtual void on_trust(Server& from, bool yes) noexcept = 0;
    // It is another process, or another lineage of data, than when it was last heard. older: the data
    // do not continue what was there.
    virtual void on_renewed(Server& from, bool older) noexcept = 0;
    // Its first link is up; its last link is gone.
    virtual void on_up(Server& from) noexcept = 0;
    virtual void on_down(Server& from, const std::string& cause) noexcept = 0;
    // What the heartbeat learnt: "master" or "slave", as INFO says it.
    virtual void on_role(Server& from, std::string_view role) noexcept = 0;

  protected:
    ~ServerEvents() = default;
};

class Server {
  public:
    // What is the same for all servers of a store. All of it outlives the server.
    struct Surroundings {
        Loop& loop;
        const Options& options;
        Journal& journal;
        Counters& counters;
    };

    Server(const Surroundings& around, Endpoint endpoint, ServerEvents& events);
    ~Server();  // REQUIRES: closed, and the loop joined; or never opened.
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Begins to connect; with stream: also the invalidation stream. Exchanges may be sent at once, and wait
    // for a connection. [any]
    void open(bool stream);
    // The hash tag of the canary's key: in a cluster a server may be written only what is in its slots.
    // Empty, as it begins: none. On the loop.
    void set_canary_tag(std::string_view tag);
    // Ends every exchange with `status` and every connection. Nothing is told after it. May be opened
    // again. On the loop.
    void close(larder_status status) noexcept;

    // OK: taken, on_end will come, on the loop, never from inside this call. E_BUSY: as much under way
    // as the pool allows; E_IO: not connected, with no attempt going on; E_CLOSED: not open. [any]
    larder_status send(Exchange& exchange);
    // The same for a caller that waits: it may be carried out on this thread, and on_end be told before this
    // returns. Not on the loop.
    larder_status run_here(Exchange& exchange);
    // Whoever has this tag ends with E_CANCELLED, soon. [any]
    void cancel(const void* tag);

    const Endpoint& endpoint() const noexcept;
    bool up() const noexcept;            // a link is up [any]
    bool trusted() const noexcept;       // the stream is proved [any]
    std::uint64_t now_ms() const noexcept;  // its clock; 0: not known yet [any]
    std::string cause() const;           // of the last failure; empty: none since it is up [any]
    std::string version() const;         // "7.0.15"; empty: not heard yet [any]
    std::string role() const;            // "master", "slave"; empty: not heard yet [any]

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace larder::store_redis
