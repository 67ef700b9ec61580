// tests/bench/eviction/trace.hpp -- a list of requests to replay: read from a file or generated.
//
// A file has one request a line, `id` or `id size-in-bytes`, packed with gzip or plain. Objects are
// renumbered from 0 in the order of their first request. An object keeps the size of its first
// request; a trace without sizes has size 1 throughout, so that its capacities count objects.
//
// Generated traces are seeded: the same name is the same trace on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace larder::bench {

struct Request {
    std::uint32_t object, size;
};

struct Trace {
    std::string name;
    std::vector<Request> requests;
    std::uint64_t objects = 0, bytes = 0;  // Distinct ones; bytes == objects without sizes.
    bool sized = false;
};

// Ends the program with a message if the file cannot be read or has a line that is no request.
Trace read_trace(const std::string& path);

// Names of the generated families; `variant` 0 is the one tuned with, others are held out: other
// seeds, other sizes and other mixtures of the same kind.
std::vector<std::string> generated_names();
Trace generate(const std::string& name, std::uint64_t variant);

}  // namespace larder::bench
