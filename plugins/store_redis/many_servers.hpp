// plugins/store_redis/many_servers.hpp -- what a cluster and a ring have in common: several servers that
// own keys, one stream, one clock and one health made of all theirs.
//
// The stream is proved when every owner's is, and when whoever derives from this says that it knows the
// owners. Before each `yes` everything is said to have changed: what happened at one server while another
// one's stream was away is nobody's to sort out. The clock is that of the first owner that has one;
// every node orders the owners alike, so all of them count ages by the same clock.
//
// Servers are made when they are first named and live as long as the topology: closed, they cost some
// hundred bytes. Everything on the loop, but what Topology says is for any thread.
#pragma once

#include "node_breaker.hpp"
#include "server.hpp"
#include "spread.hpp"
#include "topology.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace larder::store_redis {

class ManyServers : public Topology, protected ServerEvents, protected Router {
  public:
    static constexpr std::size_t most_owners = 255;
    // Named since the start, owners or not. A cluster whose addresses change needs new ones now and then.
    static constexpr std::size_t most_servers = 4096;

    void start() override;
    void stop() noexcept override;
    larder_status run(Batch& batch) override;
    void cancel(const void* tag) noexcept override;
    bool spread() const noexcept override { return true; }
    std::uint64_t now_ms() const noexcept override;
    plugin::Health health() const override;
    Server* server(std::size_t number) noexcept override;

  protected:
    struct Node {
        Node(const Server::Surroundings& around, const Endpoint& endpoint, ServerEvents& events)
            : server(around, endpoint, events) {}
        Server server;
        NodeBreaker breaker;
        bool open = false, owner = false;
        bool trusted = false;  // its stream is proved
        bool slave = false;    // it said so of itself
        std::string canary_tag;  // a cluster's
        std::uint32_t rounds_unowned = 0;  // a cluster's: maps in which it owns nothing
    };

    ManyServers(const Server::Surroundings& around, Audience& audience)
        : around_(around), audience_(audience) {}

    virtual void on_start() = 0;
    virtual void on_stop() noexcept = 0;
    virtual bool knows_owners() const = 0;    // as of now
    virtual void on_trouble(Node& node) = 0;  // it failed, went away or is no master any more
    virtual const char* kind() const noexcept = 0;  // "cluster", for people

    // Finds or makes; nullptr when there are too many.
    Node* node_at(const Endpoint& endpoint);
    void open(Node& node);
    void close(Node& node);
    const std::vector<Node*>& owners() const noexcept { return owners_; }
    const std::vector<std::unique_ptr<Node>>& nodes() const noexcept { return nodes_; }
    void set_owners(std::vector<Node*> owners);
    void judge_trust();
    bool stopped() const noexcept { return stopped_; }

    // Of Router.
    bool admits(Server& server) override;
    void on_outcome(Server& server, larder_status status) override;

    const Server::Surroundings around_;
    Audience& audience_;

  private:
    void on_changed(Server&, const larder_bytes* keys, std::size_t n) noexcept override;
    void on_changed_all(Server&) noexcept override;
    void on_trust(Server& from, bool yes) noexcept override;
    void on_renewed(Server&, bool older) noexcept override;
    void on_up(Server&) noexcept override;
    void on_down(Server& from, const std::string& cause) noexcept override;
    void on_role(Server& from, std::string_view role) noexcept override;

    std::vector<std::unique_ptr<Node>> nodes_;
    std::unordered_map<const Server*, Node*> by_server_;
    std::vector<Node*> owners_;
    bool trust_told_ = false;
    bool stopped_ = true;

    // For any thread. A list being changed is seen half changed, which nobody minds.
    std::array<std::atomic<Server*>, most_owners + 1> shown_{};
    std::atomic<bool> running_{false};
};

}  // namespace larder::store_redis
