// plugins/store_redis/lender.hpp -- connections of a server that a waiting caller has for itself, one
// exchange long.
//
// Callers that wait gain nothing from a thread that reads for all: its wake-up and theirs are two switches
// of context for each reply, which is as much as a Redis nearby takes to answer. So a few connections are
// made on the loop and then taken out of it. Whoever waits takes one that is idle, writes, reads and
// judges the replies on its own thread, and gives it back; when none is idle it goes by the shared links
// (link.hpp), as whoever does not wait.
//
// A connection has one user at a time and is given back only when exactly the replies asked for have
// come. Otherwise (an error, a deadline, a reply too many) it is closed: there is no order that could be in
// doubt, and a reply that is late finds nobody. It is looked at before it is used: one on which something
// came that nobody asked for, or that the server closed meanwhile, is closed, too. All are when a shared
// link breaks, which hears of a server's end at once.
//
// The price: a connection for each caller that waits at the same time, four by default, and a look at the
// socket for each exchange, some 0.2 us.
//
// Not with TLS, whose records are read and written together.
#pragma once

#include "exchange.hpp"
#include "server.hpp"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace larder::store_redis {

class Lender {
  public:
    Lender(const Server::Surroundings& around, const Endpoint& endpoint);
    ~Lender();  // REQUIRES: closed.
    Lender(const Lender&) = delete;
    Lender& operator=(const Lender&) = delete;

    // What became of an exchange.
    enum class Served {
        not_taken,  // no connection is at hand: still the caller's
        ended,      // on_end was told; it may be gone
        broken      // the connection broke under it: on_end was not told
    };
    struct Outcome {
        Served served = Served::not_taken;
        bool unsent = false;  // of a broken one: the server cannot have seen any of it
        std::string cause;
    };
    // Somebody who may be carrying out an exchange: close() waits until there is none. [any], not on the loop
    class Visit {
      public:
        explicit Visit(Lender& lender) noexcept;
        ~Visit();
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;
        // Sends the exchange and reads its replies, on this thread, until they are there or it is too late.
        Outcome serve(Exchange& exchange);

      private:
        Lender& lender_;
    };

    // May make connections from now on. [loop]
    void open();
    // The server went away or is another one: no connection of before is used again. [loop]
    void renew() noexcept;
    // Ends every connection, and waits until nobody uses one. [loop]
    void close() noexcept;
    // Connections that are there or being made. [any]
    std::uint32_t count() const noexcept;

  private:
    struct Line;
    class Attempt;

    std::unique_ptr<Line> take();
    void give_back(std::unique_ptr<Line> line);
    void drop(std::unique_ptr<Line> line);
    Outcome carry_out(Line& line, Exchange& exchange);
    void make_one();
    void made(int descriptor);
    void not_made(const std::string& cause);

    const Server::Surroundings around_;
    const Endpoint& endpoint_;
    const std::uint32_t most_;
    std::shared_ptr<Attempt> attempt_;  // the loop's

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable left_;
    bool open_ = false, making_ = false;
    std::uint32_t failures_ = 0;       // in a row
    std::uint64_t generation_ = 0;
    std::uint64_t not_before_ns_ = 0;  // when the next one may be made
    std::vector<std::unique_ptr<Line>> idle_;
    std::vector<Line*> used_;
    std::uint32_t visitors_ = 0;
};

}  // namespace larder::store_redis
