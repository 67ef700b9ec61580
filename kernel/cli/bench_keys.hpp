// kernel/cli/bench_keys.hpp -- keys to measure with: as many as are wanted, all different, of one shape.
#pragma once

#include "dsl/policy.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace larder::cli {

// The n-th key of a namespace: 7 for `{id}`, day-7:stock-7 where the template says so. REQUIRES: ns has
// a key.
std::string bench_key(const dsl::Namespace& ns, std::uint64_t n);
// A tag that the entry of bench_key(ns, n) carries; empty: entries of ns carry none by their key.
std::string bench_tag(const dsl::Namespace& ns, std::uint64_t n);

}  // namespace larder::cli
