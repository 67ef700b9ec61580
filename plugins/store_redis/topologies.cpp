// plugins/store_redis/topologies.cpp -- see topologies.hpp.
#include "topologies.hpp"

#include "single_server.hpp"

namespace larder::store_redis {

std::unique_ptr<Topology> make_topology(const Server::Surroundings& around, Audience& audience) {
    return std::make_unique<SingleServer>(around, audience);
}

}  // namespace larder::store_redis
