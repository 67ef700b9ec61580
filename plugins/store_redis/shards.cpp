// plugins/store_redis/shards.cpp -- see shards.hpp.
#include "shards.hpp"

namespace larder::store_redis {
namespace {

std::vector<std::string> names_of(const std::vector<Endpoint>& servers) {
    std::vector<std::string> names;
    for (const Endpoint& server : servers) {
        names.push_back(server.text());
    }
    return names;
}

}  // namespace

Shards::Shards(const Server::Surroundings& around, Audience& audience)
    : ManyServers(around, audience), ring_(names_of(around.options.servers)) {}

void Shards::on_start() {
    std::vector<Node*> owners;
    for (const Endpoint& endpoint : around_.options.servers) {
        owners.push_back(node_at(endpoint));
    }
    set_owners(std::move(owners));
}

Server* Shards::route(std::string_view key) { return &owners()[ring_.owner(key)]->server; }

}  // namespace larder::store_redis
