// kernel/cli/server_load.hpp -- many clients at once that ask a server for entries, and how soon it answers.
//
// One thread drives all of them: each sends as many requests as its depth, waits until all are answered,
// and sends again. What is measured is the time from the first byte out to the last byte in. It speaks
// RESP, to larder or to a Redis, and memcached's text protocol, so that the three stand side by side.
#pragma once

#include "kernel/cli/latencies.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace larder::cli {

struct LoadPlan {
    enum class Dialect { resp, memcached } dialect = Dialect::resp;
    std::string address;   // host:port, unix:/path
    std::string password;  // RESP: AUTH before all else
    std::string keys;      // `{n}` stands for a number below `entries`
    std::uint64_t entries = 10'000;
    std::size_t value_bytes = 100;
    unsigned clients = 50;
    unsigned depth = 1;  // requests sent before an answer is waited for
    enum class What { get, set, remove } what = What::get;
    std::chrono::milliseconds time{1000};
    std::uint64_t count = 0;  // so many requests, with keys in order, instead of `time`
};

struct LoadResult {
    std::uint64_t answers = 0, errors = 0;
    double seconds = 0;
    Latencies latencies;
    std::string first_error;  // as the server said it
};

// False: `problem` says why: nobody answers, or not in that language.
bool load_server(const LoadPlan& plan, LoadResult& out, std::string& problem);

}  // namespace larder::cli
