// plugins/redis_wire/hello.hpp -- how a connection begins, and how long one that failed waits.
#pragma once

#include "connection_options.hpp"
#include "reply.hpp"

#include <cstdint>
#include <string>

namespace larder::redis_wire {

// AUTH where there is a password, SELECT where db is not 0, then PING. Appends to wire; returns the
// number of replies.
std::uint32_t write_hello(const ConnectionOptions& options, std::string& wire);
// What is wrong with reply `index` of it; empty: nothing. Never the password.
std::string judge_hello(const ConnectionOptions& options, std::uint32_t index, const Reply& reply);

// The pause before attempt `failures` + 1: none at first, then from 20 ms doubling to 640 ms, each drawn
// from its upper half, so that nodes which lost a server together do not come back together.
std::uint64_t pause_ns(std::uint32_t failures, std::uint64_t seed);

}  // namespace larder::redis_wire
