// kernel/api/session_store.hpp -- larder.session_store/1: records of sessions in the store that the policy names.
//
// A session is not an entry. Nothing drops it but its end: not `drop everything`, not a reload that makes a
// namespace cold. No copy of it is kept above its store, so that what one node ends no other node finds; and
// a read is one round trip, as it needs no records of scopes. So it stands beside the entries, under
// PREFIX:s:{SESSION:KEY} in a shared store, behind a breaker of the same options and the same deadlines.
//
// The clock is the store's where nodes share it. Else it is the wall clock as the process found it, moved on
// by the monotonic one: a jump of the machine's clock neither ends a session nor brings one back.
#pragma once

#include <larder/plugin/session.h>

namespace larder::api {

// The same for every kernel: its functions find theirs by the host they are given.
const larder_session_store_api& session_store_table();

}  // namespace larder::api
