// plugins/store_redis/single_server.cpp -- see single_server.hpp.
#include "single_server.hpp"

#include <utility>

namespace larder::store_redis {

SingleServer::SingleServer(const Server::Surroundings& around, Audience& audience)
    : loop_(around.loop),
      options_(around.options),
      audience_(audience),
      server_(around, around.options.endpoint, *this) {}

void SingleServer::start() { server_.open(options_.stream); }

void SingleServer::stop() noexcept {
    loop_.post([this] { server_.close(LARDER_E_CANCELLED); });
}

larder_status SingleServer::run(Batch& batch) { return server_.send(batch); }
larder_status SingleServer::run_here(Batch& batch) { return server_.run_here(batch); }

plugin::Health SingleServer::health() const {
    const std::string where = server_.endpoint().text();
    if (!server_.up()) {
        const std::string cause = server_.cause();
        return {LARDER_HEALTH_DOWN, where + ": " + (cause.empty() ? "not connected yet" : cause)};
    }
    const std::string role = server_.role();
    if (role == "slave") {
        return {LARDER_HEALTH_DEGRADED, where + " is a replica and takes no writes"};
    }
    if (options_.stream && !server_.trusted()) {
        return {LARDER_HEALTH_DEGRADED, where + ": the invalidation stream is not proved"};
    }
    const std::string version = server_.version();
    return {LARDER_HEALTH_OK, where + (version.empty() ? "" : ", Redis " + version)};
}

void SingleServer::on_changed(Server&, const larder_bytes* keys, std::size_t n) noexcept {
    audience_.on_changed(keys, n);
}
void SingleServer::on_changed_all(Server&) noexcept { audience_.on_changed_all(); }
void SingleServer::on_trust(Server&, bool yes) noexcept { audience_.on_trust(yes); }
void SingleServer::on_renewed(Server&, bool older) noexcept { audience_.on_renewed(older); }

}  // namespace larder::store_redis
