// plugins/store_redis/topology.hpp -- the border between what is asked and who answers: which server has
// which key.
//
// Above it, operations write batches and read replies, and know no server. Below it, a Server is one
// Redis with its connections, clock and stream, and knows no key. A topology stands between: it sends a
// batch's commands to the servers of their keys, deals with redirects, and makes one stream, one clock
// and one health of all servers'. SingleServer is the plainest one.
//
// All servers of a topology share one Loop: what is called "on the loop" here never runs twice at once.
#pragma once

#include "batch.hpp"

#include <larder/plugin/component.hpp>

#include <cstdint>

namespace larder::store_redis {

class Server;

// Whoever a topology tells. The store passes it on to the kernel's sink. On the loop.
class Audience {
  public:
    virtual void on_changed(const larder_bytes* keys, std::size_t n) noexcept = 0;
    virtual void on_changed_all() noexcept = 0;
    // Every change of every server is told from now on; or not any more. After `no`, on_changed_all
    // comes before the next `yes`.
    virtual void on_trust(bool yes) noexcept = 0;
    virtual void on_renewed(bool older) noexcept = 0;

  protected:
    ~Audience() = default;
};

class Topology {
  public:
    virtual ~Topology() = default;

    // [control] Does not wait for any server.
    virtual void start() = 0;
    // [control] Everything that is under way ends, with E_CANCELLED at the latest; then no call of
    // this topology runs any more.
    virtual void stop() noexcept = 0;

    // Sends the batch. OK: taken, and on_end will come, on the loop, never from inside this call. Anything
    // else: not taken, and still the caller's (E_BUSY: too much under way; E_IO: no server; E_CLOSED). [any]
    virtual larder_status run(Batch& batch) = 0;
    // The same for a caller that waits: on_end may come on this thread, before this returns. Not on the loop.
    virtual larder_status run_here(Batch& batch) { return run(batch); }
    // Ends the batch whose tag this is soon. [any]
    virtual void cancel(const void* tag) noexcept = 0;

    // Whether keys may be on different servers: batches are then made spread, with a GET for each key
    // where one MGET would do. Does not change. [any]
    virtual bool spread() const noexcept = 0;
    // The servers' clock in ms since 1970; 0: not known yet. [any]
    virtual std::uint64_t now_ms() const noexcept = 0;
    virtual plugin::Health health() const = 0;  // [any]

    // For what goes to every server in turn, as SCAN does: the servers that own keys, by number from 0,
    // at most 255; nullptr behind the last. A server lives as long as the topology. [any]
    virtual Server* server(std::size_t number) noexcept = 0;
};

}  // namespace larder::store_redis
