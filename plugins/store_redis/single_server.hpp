// plugins/store_redis/single_server.hpp -- the plainest topology: every key is on one server.
#pragma once

#include "server.hpp"
#include "topology.hpp"

namespace larder::store_redis {

class SingleServer final : public Topology, private ServerEvents {
  public:
    SingleServer(const Server::Surroundings& around, Audience& audience);

    void start() override;
    void stop() noexcept override;
    larder_status run(Batch& batch) override;
    larder_status run_here(Batch& batch) override;
    void cancel(const void* tag) noexcept override { server_.cancel(tag); }
    bool spread() const noexcept override { return false; }
    std::uint64_t now_ms() const noexcept override { return server_.now_ms(); }
    plugin::Health health() const override;
    Server* server(std::size_t number) noexcept override {
        return number == 0 ? &server_ : nullptr;
    }

  private:
    void on_changed(Server&, const larder_bytes* keys, std::size_t n) noexcept override;
    void on_changed_all(Server&) noexcept override;
    void on_trust(Server&, bool yes) noexcept override;
    void on_renewed(Server&, bool older) noexcept override;
    void on_up(Server&) noexcept override {}
    void on_down(Server&, const std::string&) noexcept override {}
    void on_role(Server&, std::string_view) noexcept override {}

    Loop& loop_;
    const Options& options_;
    Audience& audience_;
    Server server_;
};

}  // namespace larder::store_redis
