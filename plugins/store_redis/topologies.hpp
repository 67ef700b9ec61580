// plugins/store_redis/topologies.hpp -- which topology the options ask for.
#pragma once

#include "server.hpp"
#include "topology.hpp"

#include <memory>

namespace larder::store_redis {

std::unique_ptr<Topology> make_topology(const Server::Surroundings& around, Audience& audience);

}  // namespace larder::store_redis
