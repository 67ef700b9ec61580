// plugins/store_redis/layout_options.hpp -- the options that name several servers.
//
//     cluster = ["10.0.0.1:6379", "10.0.0.2:6379"]            or url = "redis+cluster://h1:p1,h2:p2"
//     sentinel = ["10.0.0.1:26379"], sentinel_master = "m"    or url = "redis+sentinel://h1:p1,h2:p2/m"
//     servers = ["10.0.0.1:6379", "10.0.0.2:6379"]
//
// An element is HOST[:PORT], [V6]:PORT, redis://..., rediss://... or, in servers, unix:///PATH; user and
// password are those of the options, or stand once in the url, and are the same for all.
#pragma once

#include "options.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::store_redis {

struct Servers {
    Layout layout = Layout::single;
    std::vector<Endpoint> endpoints;
    std::string master_name;
    std::string username, password;  // of a url; empty: none in it
};

// Elements of an option. False: why says which is wrong.
bool parse_servers(const std::vector<std::string>& elements, Layout layout, Servers& out,
                   std::string& why);
// Whether a url names several servers, by its scheme.
bool names_several(std::string_view url);
bool parse_servers_url(std::string_view url, Servers& out, std::string& why);

// What the options say of several servers; nothing when they speak of one.
// Throws plugin::Error with what to write instead.
std::optional<Servers> read_servers(const plugin::Config& config);

}  // namespace larder::store_redis
