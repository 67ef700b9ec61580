// plugins/warmer_redis/refusal.hpp -- what an error of a Redis server means to whoever asked.
#pragma once

#include <larder/plugin/abi.h>

#include <string>
#include <string_view>

namespace larder::warmer_redis {

struct Refusal {
    larder_status status = LARDER_E_IO;
    // For the log. Servers repeat what they were asked ("unknown command 'GET', with args beginning with: ..."), so
    // of their words there is the first one, and of the others what stands in front of a quote.
    std::string words;
};

Refusal refusal_of(std::string_view error);

}  // namespace larder::warmer_redis
