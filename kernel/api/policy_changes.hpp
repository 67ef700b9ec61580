// kernel/api/policy_changes.hpp -- what a reload changes, in words.
#pragma once

#include "dsl/policy.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace larder::api {

// One line each: namespaces that come, go or change (and whether they go cold), rules, sessions, warm
// items, alerts. Empty: the policies do the same.
std::vector<std::string> policy_changes(const dsl::Policy& before, const dsl::Policy& after);

// "5m", "1h30m", "250ms": as policies write it.
std::string duration_text(std::chrono::milliseconds time);

}  // namespace larder::api
