// plugins/store_redis/shards.hpp -- several servers that know nothing of one another, and a ring that says
// which of them has a key: for those who have no cluster.
//
// The servers are those of the configuration, all the time: one that is away is not replaced, and its
// keys are misses and failed writes until it is back.
#pragma once

#include "many_servers.hpp"
#include "ring.hpp"

namespace larder::store_redis {

class Shards final : public ManyServers {
  public:
    // Of around.options.servers, by the texts of their endpoints.
    Shards(const Server::Surroundings& around, Audience& audience);

  private:
    void on_start() override;
    void on_stop() noexcept override {}
    bool knows_owners() const override { return true; }
    void on_trouble(Node&) override {}
    const char* kind() const noexcept override { return "shards"; }
    Server* route(std::string_view key) override;
    Way redirected(Server&, std::string_view) override { return {}; }

    const Ring ring_;
};

}  // namespace larder::store_redis
