// plugins/store_redis/walk.hpp -- what visits every key of a server: scan, and clearing the whole store.
//
// With SCAN, on the side link, some hundred keys a round trip; KEYS is never used. Neither stands in the
// way of a request: a scan is somebody's question, and the clearing of a store that nobody else uses is
// the only removal here that searches.
#pragma once

#include "operation.hpp"
#include "server.hpp"

#include <larder/plugin/store.h>

namespace larder::store_redis {

// [worker] Waits. The low 40 bits of the cursor are the server's own, the 8 above say which server.
larder_status scan(const Workshop& shop, larder_scan& scan, const larder_call& call);
// Removes every key of PREFIX. [any]
larder_status clear(const Workshop& shop, const larder_call& call);

}  // namespace larder::store_redis
