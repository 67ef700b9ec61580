// kernel/serve/verbs.hpp -- what may be asked of a running kernel over its admin socket.
//
//   ping                                        get NAMESPACE KEY
//   put NAMESPACE KEY VALUE TTL_MS [NAME VALUE]...   TTL_MS 0: the namespace's
//   drop|expire|refresh KIND [NAMESPACE] [TEXT]      KIND key namespace matching tag everything
//   route METHOD PATH STATUS BODY [HEADER VALUE]...  event NAME [PARAMETER VALUE]...
//   alerts [now]
//   record start SAMPLE | take NAME | end NAME      a line of JSON, then bytes of the trace
//   stats [SECTION]      explain WHAT      events AFTER      plugins      reload
//
// Everything goes through larder.cache/1, the table that gateways use too.
#pragma once

#include "kernel/api/kernel.hpp"
#include "kernel/serve/protocol.hpp"

#include <string_view>

namespace larder::serve {

// request: verb, "text" or "json", arguments. Never throws; a request that nobody understands is an
// answer with status 2. May block until the kernel's deadline. [any thread]
Answer run_verb(Kernel& kernel, const Message& request) noexcept;

}  // namespace larder::serve
