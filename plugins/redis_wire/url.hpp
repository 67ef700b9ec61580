// plugins/redis_wire/url.hpp -- redis://, rediss:// and unix:// taken apart.
//
//     redis[s]://[[USER]:PASSWORD@]HOST[:PORT][/DB]     also redis://PASSWORD-less HOST, [V6], ?db=N
//     unix://[[USER]:PASSWORD@]/PATH[?db=N]
//
// User and password are percent-decoded. What is wrong is said without what stood in it: a URL may hold
// a password.
#pragma once

#include "connection_options.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace larder::redis_wire {

struct Url {
    Endpoint endpoint;
    std::optional<std::uint32_t> db;
    std::string username, password;
};

// False: why says what is wrong, and what was expected.
bool parse_url(std::string_view text, Url& out, std::string& why);

}  // namespace larder::redis_wire
