// kernel/api/cache_service.hpp -- larder.cache/1: the engine behind a table of C functions.
//
// Each function looks at the caller's role, calls the engine, and lets no exception through. What may
// take long (reload, requests that plugins judge too) is done on a thread of the executor when the
// caller can wait for an answer, so that a gateway's own thread is free meanwhile.
#pragma once

#include <larder/plugin/services.h>

#include <string>

namespace larder::api {

// The same for every kernel: its functions find theirs by the host they are given.
const larder_cache_api& cache_table();

// A text as a value that its holder releases.
void give_text(std::string text, larder_value& out);

}  // namespace larder::api
