// kernel/api/request_rules.hpp -- a request that plugins judge beside the policy.
#pragma once

#include "kernel/api/kernel_services.hpp"
#include "kernel/config/wiring.hpp"

#include <larder/plugin/services.h>

#include <vector>

namespace larder::api {

// Asks each invalidator that has rules of its own. What one says counts only when it ends well.
void ask_invalidators(const std::vector<config::Node>& nodes, config::Log& log,
                      const larder_request& request, const KernelSide::Add& add);

// What the policy's rules do, then what the invalidator plugins say, as one receipt. `call` has no
// done.
larder_status request_with_plugins(KernelServices& services, const larder_request& request,
                                   larder_receipt* receipt, const larder_call& call);

}  // namespace larder::api
