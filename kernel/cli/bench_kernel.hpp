// kernel/cli/bench_kernel.hpp -- what the operations of a kernel cost in this process, with a policy and
// stores of the user's own.
#pragma once

#include "kernel/api/kernel.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace larder::cli {

// A line of the table.
struct BenchRow {
    std::string what;
    double per_second = 0;
    std::uint64_t p50_ns = 0, p99_ns = 0;
    std::string remark;  // empty, or what to know about it
};

struct BenchPlan {
    std::string space;  // namespace; empty: the first that has a tag and keeps entries, else the first
    std::uint64_t entries = 100'000;
    std::size_t value_bytes = 100;
    std::chrono::milliseconds each{1000};  // for one line
    // Told what is measured now.
    std::function<void(const std::string&)> progress = [](const std::string&) {};
};

struct BenchReport {
    std::string space, key_template;
    double bytes_per_entry = 0;  // of resident memory; 0: too few entries to say
    std::vector<BenchRow> rows;
};

// False: `problem` says why nothing could be measured. One thread, the caller's.
bool bench_kernel(Kernel& kernel, const BenchPlan& plan, BenchReport& out, std::string& problem);

}  // namespace larder::cli
