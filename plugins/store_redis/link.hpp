// plugins/store_redis/link.hpp -- one place for a connection: exchanges of many callers in, replies in
// order out.
//
// A caller writes its commands into the link's buffer, under its lock, and, while little is under way,
// sends it there and then, on its own thread; so a single GET costs no hop to another thread. When more
// is under way a reply is about to come, and with it a turn of the loop, which sends everything that has
// gathered with one write. That is all there is to pipelining: nobody waits for a batch to fill.
//
// Replies belong to commands by their order and by nothing else. So whatever could shift that order ends
// the connection: an error of the protocol, a reply that nobody has asked for, one that its command cannot
// have, one before its command was sent. A command that was too late or cancelled keeps its place in the
// line, where its reply is swallowed; and its connection is retired: it takes nothing new, a fresh one is made
// in its place, and it is closed when what else is under way on it has ended.
//
// send() from any thread, everything else on the loop.
#pragma once

#include "exchange.hpp"
#include "server.hpp"
#include "wire.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace larder::store_redis {

class Link {
  public:
    class Owner {
      public:
        // The connection is there and `hello` is to be sent on it first; nothing else goes before
        // opened(). [loop]
        virtual void on_connected(Link& link) = 0;
        // It is gone, or was never made. What it had under way goes to on_orphan.
        virtual void on_broken(Link& link, const std::string& cause) = 0;
        // Retired: the link is free for a new connection.
        virtual void on_retired(Link& link) = 0;
        // Whether there may be one connection more; else a late command's place in the line has to do.
        virtual bool may_replace(const Link& link) const = 0;
        // An exchange whose connection broke. unsent: the server cannot have seen any of it.
        virtual void on_orphan(Exchange& exchange, bool unsent, const std::string& cause) = 0;

      protected:
        ~Owner() = default;
    };

    Link(const Server::Surroundings& around, const Endpoint& endpoint, Owner& owner);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    // False: it is not open, and the exchange is still the caller's. [any]
    bool send(Exchange& exchange);
    // How much is under way; for choosing among links. [any]
    std::uint32_t under_way() const noexcept { return under_way_.load(std::memory_order_relaxed); }
    bool open() const noexcept { return open_.load(std::memory_order_relaxed); }

    // REQUIRES: neither connecting nor open.
    void connect(const TlsContext* tls);
    // The first exchange of a connection, before opened().
    void greet(Exchange& hello);
    void opened();
    bool connecting() const noexcept { return wire_ != nullptr && !open(); }
    // As if the connection had failed.
    void fail(const std::string& cause);
    // Ends what is late; answers the earliest deadline of the rest, UINT64_MAX when there is none.
    std::uint64_t expire(std::uint64_t now_ns);
    // Ends whose tag it is. False: it is not here.
    bool cancel(const void* tag);
    // Ends everything with `status`, and every connection; the owner is not told.
    void close(larder_status status) noexcept;
    std::size_t retired() const noexcept { return retired_.size(); }

  private:
    struct Slot {
        Exchange* exchange;         // nullptr: given up, its replies are swallowed
        std::uint64_t begin, end;   // of its bytes, counted from the connection's first
        std::uint32_t replies, seen;
    };
    struct Wire;

    void on_bytes(Wire& wire, const char* data, std::size_t size);
    void on_written(Wire& wire);
    void on_failed(Wire& wire, const std::string& cause);
    void adopt();
    void flush();
    void end_turn(std::uint32_t answered);
    void discard(Wire& wire, const std::string& cause);
    void retire();
    void orphan(std::deque<Slot>& line, std::uint64_t sent, const std::string& cause);
    static Exchange* take_tagged(Wire& wire, const void* tag);
    static std::uint64_t take_late(Wire& wire, std::uint64_t now_ns, std::vector<Exchange*>& late);
    void bury_idle();

    Loop& loop_;
    const Options& options_;
    Journal& journal_;
    Counters& counters_;
    const Endpoint& endpoint_;
    Owner& owner_;
    std::shared_ptr<Wire> wire_;                  // the connection, or the attempt; may be null
    std::vector<std::shared_ptr<Wire>> retired_;  // draining
    bool in_turn_ = false;                        // replies are being told: flush when done
    std::uint64_t writing_ = 0;                   // bytes that the transport writes now

    std::mutex mutex_;  // guards what follows
    std::vector<Slot> fresh_;       // sent or to be sent, not yet in the wire's line
    std::string out_;               // not sent yet
    std::uint64_t queued_ = 0, sent_ = 0;  // bytes, counted from the connection's first
    bool busy_ = false;             // the transport writes, or the loop is about to
    std::atomic<std::uint32_t> under_way_{0};  // changed under mutex_
    std::atomic<bool> open_{false};            // changed under mutex_
};

}  // namespace larder::store_redis
