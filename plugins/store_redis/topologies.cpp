// plugins/store_redis/topologies.cpp -- see topologies.hpp.
#include "topologies.hpp"

#include "cluster.hpp"
#include "sentinel.hpp"
#include "shards.hpp"
#include "single_server.hpp"

namespace larder::store_redis {

std::unique_ptr<Topology> make_topology(const Server::Surroundings& around, Audience& audience) {
    switch (around.options.layout) {
        case Layout::cluster:
            return std::make_unique<Cluster>(around, audience);
        case Layout::sentinel:
            return std::make_unique<Sentinel>(around, audience);
        case Layout::shards:
            return std::make_unique<Shards>(around, audience);
        case Layout::single:
            break;
    }
    return std::make_unique<SingleServer>(around, audience);
}

}  // namespace larder::store_redis
