// plugins/store_redis/cluster.hpp -- a Redis Cluster: every key is with the master that owns its slot, and
// which one that is changes.
//
// The slot map is asked of one master after the other, once a heartbeat, and at once when something
// says that it is old: a redirect, a failure, a master that calls itself a slave; then at most once in
// 100 ms. A redirect corrects its own slot meanwhile. A map that nobody confirmed for `max_staleness` is
// not known any more, and trust ends: an owner we do not know tells us nothing.
//
// When the map changes everything may have changed (a slot's new master told its changes to others, not
// to us). When the masters change, too, one took over from another, and may lack its last writes.
#pragma once

#include "many_servers.hpp"
#include "slot_map.hpp"

#include <memory>

namespace larder::store_redis {

class Cluster final : public ManyServers {
  public:
    static constexpr std::uint64_t least_pause_ns = 100'000'000;

    // The seeds are around.options.servers: any nodes of the cluster.
    Cluster(const Server::Surroundings& around, Audience& audience);
    ~Cluster() override;

  private:
    class Question;

    void on_start() override;
    void on_stop() noexcept override;
    bool knows_owners() const override;
    void on_trouble(Node& node) override;
    const char* kind() const noexcept override { return "cluster"; }
    Server* route(std::string_view key) override;
    Way redirected(Server& from, std::string_view error) override;

    void ask_by(std::uint64_t when_ns);
    void ask();
    Node* next_to_ask();
    void on_answer(Node& asked, std::optional<SlotMap> map, const std::string& why);
    void apply(SlotMap map);
    void choose_canaries();

    Loop::Timer timer_;
    std::uint64_t due_ns_ = 0;       // of timer_; 0: not set
    std::uint64_t asked_ns_ = 0;     // when the map was last asked for
    std::uint64_t confirmed_ns_ = 0; // when a map was last told; 0: never
    std::unique_ptr<Question> question_;  // under way
    std::size_t turn_ = 0;           // whom to ask next
    std::optional<SlotMap> map_;
    std::array<Node*, cluster_slots> routes_{};  // the map, corrected by redirects
};

}  // namespace larder::store_redis
