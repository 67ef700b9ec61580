// plugins/redis_wire/named_server.hpp -- one server, as a plugin's options name it.
#pragma once

#include "connection_options.hpp"

#include <larder/plugin/host.hpp>

#include <string>
#include <string_view>

namespace larder::redis_wire {

// Throws plugin::Error (LARDER_E_CONFIG): where the option stands, its name, and what is wrong with it.
[[noreturn]] void refuse(const plugin::Config& config, const char* option, const std::string& why);

// From url, username, password, connect_timeout, tls_verify, tls_ca, tls_cert, tls_key and tls_name; the url is given because
// plugins may know other schemes besides. Throws as refuse() does.
void read_server(plugin::Host host, const plugin::Config& config, std::string_view url,
                 Endpoint& endpoint, ConnectionOptions& options);

}  // namespace larder::redis_wire
