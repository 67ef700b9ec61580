// plugins/redis_wire/connection_options.cpp -- see connection_options.hpp.
#include "connection_options.hpp"

namespace larder::redis_wire {

std::string Endpoint::text() const {
    if (!path.empty()) {
        return "unix:" + path;
    }
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace larder::redis_wire
