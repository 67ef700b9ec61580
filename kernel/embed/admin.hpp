// kernel/embed/admin.hpp -- the admin socket and API of a kernel inside a host, and its alerts on loops.
#pragma once

#include "kernel/embed/state.hpp"
#include "kernel/serve/admin.hpp"
#include "kernel/serve/admin_api.hpp"
#include "kernel/serve/http_listener.hpp"

struct larder_kernel::Admin {
    std::unique_ptr<larder::serve::AdminServer> socket;
    std::unique_ptr<larder::serve::AdminApi> api;
    std::unique_ptr<larder::serve::HttpListener> http;  // ends first

    // Null: `problem` says why.
    static std::shared_ptr<Admin> open(larder::Kernel& kernel, const larder::config::AdminOptions& options, const larder::config::Environment& environment,
                                       std::uint64_t max_value_bytes, std::string& problem);
};

namespace larder::embed {

// From now on its alerts reach the loops that watch them.
void watch_alerts(larder_kernel& k);

}  // namespace larder::embed
