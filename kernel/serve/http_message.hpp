// kernel/serve/http_message.hpp -- a request and its answer, without a network.
//
// What the listener reads and writes, and what the admin API and its tests speak.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace larder::serve {

struct HttpRequest {
    std::string method;         // "GET", as sent
    std::string target;         // path and query, as sent
    std::string authorization;  // the header's value, "" without one
    std::string accept, accept_encoding, if_none_match;
    std::string body;
    std::string peer;           // address of the client, without its port
};

struct HttpReply {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;  // besides the usual ones
};

}  // namespace larder::serve
