// tests/sim/network.hpp -- what lies between the nodes and their shared store, and how it fails.
//
// A call is a message that takes its time there and back. Its steps are done at the server with others
// between them; its answer may be lost, or come after the call's deadline; a message whose call has failed
// may still be done, as what stands in a socket is.
//
//   server   runs; is stopped (what comes waits); is down (what comes is refused, what is under way is lost)
//   comes back   as it was; empty; with older data; as a replica that lacks the last writes
//   link     of a node is cut: nothing passes, and nobody is told
//   stream   tells each node in order, after a delay of its own; is closed, or loses what it carries
//
// A node knows that its stream works by a canary: a key that it writes and is told of. Trust ends when the
// newest canary that came back was written max_staleness ago, and begins anew with a new stream: changed_all,
// then a canary, then trust. The server's clock and the nodes' are apart.
#pragma once

#include "tests/sim/node_parts.hpp"
#include "tests/support/virtual_redis.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace larder::sim {

struct NetworkOptions {
    std::uint64_t quick_ns = 300'000, slow_ns = 20'000'000;  // of a message, one way
    std::uint64_t slow_percent = 5;
    std::uint64_t lost_per_mille = 0;      // answers
    std::uint64_t lingering_per_mille = 0; // messages that the server gets to much later
    std::uint64_t push_slow_percent = 10;
    std::uint64_t heartbeat_ns = 100'000'000;
    std::uint64_t max_staleness_ms = 300;
    bool shuffles = true;                  // several servers: the steps of a read in any order
};

class Network final : public test::VirtualWire {
  public:
    Network(Scheduler& scheduler, Clock& server_clock, const NetworkOptions& options);
    ~Network() override;

    test::VirtualRedis& redis() { return redis_; }
    const test::VirtualRedis& redis() const { return redis_; }
    // A node's store; `clock` is the node's and outlives this.
    test::VirtualNode& connect(const NodeClock& clock);
    // Streams are opened from now on.
    void start();

    // ---- faults, all ended by heal()
    void stop_server();                     // as SIGSTOP
    void kill_server();                     // and nobody answers until a revival
    enum class Revival { same, empty, older, replica };
    // A replica is as old as the last mark_replica(), older data as the last mark_copy().
    void revive_server(Revival how);
    void mark_replica() { replica_ = redis_.server().data(); }
    void mark_copy() { copy_ = redis_.server().data(); }
    void cut(std::size_t node, bool yes) { links_[node]->cut = yes; }
    void close_stream(std::size_t node);    // the node knows soon
    void mute_stream(std::size_t node);     // the node has to find out
    void lose_answers(std::uint64_t per_mille) { options_.lost_per_mille = per_mille; }
    void linger(std::uint64_t per_mille) { options_.lingering_per_mille = per_mille; }
    void heal();
    void foreign_remove(const std::string& key);

    // ---- for judging
    // The node has been told all that changed at the server until this time, without a gap; 0: it does not trust.
    std::uint64_t told_until_ns(std::size_t node) const;
    bool trusts(std::size_t node) const { return links_[node]->trusts; }
    // What changed before this was not told by the stream it has, only that anything may have changed.
    std::uint64_t stream_since_ns(std::size_t node) const { return links_[node]->since_ns; }
    // Messages of this node that were not answered well, until now; or that may have been done twice or late.
    std::uint64_t troubles(std::size_t node) const { return links_[node]->troubles; }
    std::uint64_t last_trouble_ns(std::size_t node) const { return links_[node]->last_trouble_ns; }
    // Whether the server did a change or removal that this task of the node has sent since then.
    bool did_change(std::size_t node, const std::string& task, std::uint64_t since_ns) const;
    // When the server last came back with less than it had acknowledged; 0: never.
    std::uint64_t lost_writes_at_ns() const { return lost_writes_at_ns_; }
    bool server_up() const { return state_ == State::running; }
    // Somebody may have the right to fill this key, in vain: nobody else keeps it until that is over.
    bool leased(const std::string& key) const;
    // Told when a change is done that nobody waits for any more: from an outbox, or sent again.
    std::function<void()> late_change;
    std::function<void(std::string)> story;  // told of what happens; may be empty

    larder_status send(test::VirtualNode& from, test::VirtualMessage message, const larder_call& call, larder_value* out) override;

  private:
    enum class State { running, stopped, down };
    struct Canary {
        std::uint64_t written_ns;
    };
    struct Push {
        std::uint64_t done_ns;  // at the server
        std::vector<std::string> keys;
        std::uint64_t canary_ns;  // 0: none
    };
    struct Link {
        test::VirtualNode* node = nullptr;
        const NodeClock* clock = nullptr;
        bool cut = false;
        bool open = false, muted = false, opening = false, trusts = false, told_all = false;
        std::uint64_t stream = 0;       // number of the stream it has or had
        std::uint64_t last_push_ns = 0; // when the newest push under way arrives
        std::uint64_t proof_ns = 0;
        std::uint64_t told_ns = 0;      // changes until then are told
        std::uint64_t since_ns = 0;     // its stream tells of what changes after this
        std::deque<Push> under_way;
        std::uint64_t incarnation = 0;  // of the server, as the node knows it
        std::uint64_t troubles = 0, last_trouble_ns = 0;
        std::map<std::string, std::uint64_t> changed;  // by task: when it sent the last change that was done
    };
    struct Operation;

    std::uint64_t delay();
    void trouble(Link& link);
    void arrive(const std::shared_ptr<Operation>& operation, std::size_t step);
    void answer(const std::shared_ptr<Operation>& operation, larder_status status);
    void finish(Operation& operation, larder_status status);
    void push(std::vector<std::string> keys, std::size_t only, std::uint64_t canary_ns);
    void beat(std::size_t node);
    void watch(std::size_t node, std::uint64_t proof_ns);
    void open_stream(std::size_t node);
    void lose_trust(std::size_t node);
    void stream_ended(std::size_t node, std::uint64_t noticed_after_ns);
    void tell(std::string what);

    Scheduler& scheduler_;
    NetworkOptions options_;
    const NetworkOptions healthy_;
    test::VirtualRedis redis_;
    std::vector<std::unique_ptr<Link>> links_;
    State state_ = State::running;
    std::uint64_t incarnation_ = 1;  // of the server: another one after each death
    bool older_ = false;             // the present one has older data
    std::uint64_t lost_writes_at_ns_ = 0;
    std::vector<std::function<void()>> stopped_;  // what waits for the server to go on
    test::VirtualServer::Data replica_, copy_;
};

}  // namespace larder::sim
