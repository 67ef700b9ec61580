// plugins/invalidator_route/route_event.hpp -- what one line says of one answered request.
//
// Three ways to write it: the datagram line `PUT /v1.0/user/update/42 200`, an access log in common
// or combined format as nginx and Apache write it, and a log of one JSON object a line. Input is
// whatever the network made a server write into its log: every reader either gives a request with a
// method, a path that begins with `/` and a status of 100 to 599, or says no.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::invalidator_route {

struct RouteEvent {
    std::string method;
    std::string path;  // Percent-encoded as sent, without the query.
    std::string query;
    std::uint32_t status = 0;
};

// False: the line does not say all of that; `out` is then unspecified.
bool read_plain(std::string_view line, RouteEvent& out);
bool read_common_log(std::string_view line, RouteEvent& out);

// Names of members; a dot goes into an object: "request.method".
class JsonLine {
  public:
    JsonLine(std::string_view method, std::string_view path, std::string_view status);
    bool read(std::string_view line, RouteEvent& out) const;

  private:
    using Name = std::vector<std::string>;
    static Name split(std::string_view dotted);

    Name method_, path_, status_;
};

}  // namespace larder::invalidator_route
