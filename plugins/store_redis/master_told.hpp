// plugins/store_redis/master_told.hpp -- which server is the master, as one Sentinel tells it.
//
// The reply to SENTINEL MASTER: names and values in turn. The configuration epoch grows with each
// failover, so of two Sentinels that disagree the one with the higher epoch is right: a Sentinel that
// was cut off cannot bring an old master back.
#pragma once

#include "options.hpp"
#include "wire.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace larder::store_redis {

struct MasterTold {
    Endpoint endpoint;
    std::uint64_t epoch = 0;
    bool down = false;  // this Sentinel, or a majority, does not reach it

    // sentinel: who answered. tls: whether the master is reached by TLS. Nothing, and why, when the
    // reply names no master.
    static std::optional<MasterTold> read(const Reply& reply, const Endpoint& sentinel, bool tls,
                                          std::string& why);
};

}  // namespace larder::store_redis
