// plugins/store_redis/spread.hpp -- one batch in pieces: its commands to the servers of their keys, the
// replies back to their places.
//
// A leg is what goes to one server at once. Legs run side by side; an ordered batch has one leg at a
// time, each a run of commands for one server, and of a stage of it the legs of all servers. A reply that names another server sends its command
// there, at most 5 times; then the error is the reply. In an ordered batch what stood behind a redirected
// command is sent again with it, because it was worked on too early: its first replies are not told. (An
// ordered batch consists of commands that do the same when they are done twice.)
//
// What fails: a command of a repeatable batch that lost its connection is routed once more; if that
// fails too, it is answered with an error reply, so that one dead server does not take the answers of
// the others along. A batch that writes, and one none of whose commands was answered, ends with the
// status of its first failure instead.
//
// Everything on the loop. A spread belongs to itself from begin() on.
#pragma once

#include "batch.hpp"
#include "server.hpp"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace larder::store_redis {

// Who knows the servers. On the loop.
class Router {
  public:
    struct Way {
        Server* server = nullptr;  // nullptr: nowhere
        bool asking = false;       // ASKING before the command
    };
    // The server of a key; nullptr: nobody has it.
    virtual Server* route(std::string_view key) = 0;
    // Another way for a command that was answered with this error; none: the error is the answer.
    virtual Way redirected(Server& from, std::string_view error) = 0;
    // Whether a server is worth asking, and what became of a leg.
    virtual bool admits(Server& server) = 0;
    virtual void on_outcome(Server& server, larder_status status) = 0;

  protected:
    ~Router() = default;
};

class Spread {
  public:
    static constexpr std::uint32_t most_redirects = 5;

    // Takes the batch, and ends it whatever happens; never from inside this call unless it has no
    // commands that can go anywhere. REQUIRES: batch.spread(), and it is written to its end.
    static void begin(Router& router, Batch& batch);

  private:
    struct Leg;
    struct Step {  // a command that is to be sent
        std::uint32_t command = 0;
        Router::Way way;
    };

    Spread(Router& router, Batch& batch);
    ~Spread();

    void send_all(std::vector<Step> steps);
    void send_next();
    bool send_stage();
    void send(Server* server, bool asking, std::vector<std::uint32_t> commands);
    bool is_last_of(const Server& server, std::uint32_t command);
    bool on_reply(Leg& leg, std::uint32_t index, Reply& reply);
    void on_end(Leg& leg, larder_status status) noexcept;
    void settle(Leg& leg, larder_status status);
    void fail(larder_status status) noexcept;
    void end_if_done();

    Router& router_;
    Batch& batch_;
    struct Command {
        bool answered = false;
        bool sent_again = false;
        std::uint8_t redirects = 0;
    };
    std::vector<Command> commands_;
    std::vector<std::unique_ptr<Leg>> legs_;
    std::uint32_t ordered_at_ = 0;      // of an ordered batch: the first command not done, or not sent
    bool in_stage_ = false;             // the legs under way have no order
    Router::Way ordered_way_;           // its way, if it was redirected
    std::uint32_t answers_ = 0;
    larder_status failure_ = LARDER_OK; // the first
    larder_status ended_ = LARDER_OK;   // CANCELLED or CLOSED: no more legs
};

}  // namespace larder::store_redis
