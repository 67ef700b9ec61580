// kernel/policy_test/player.hpp -- one test, played from its first step to its last.
//
// It goes on after an expectation that does not hold, so that one run shows all that is wrong; what the
// test has put is followed (entries.hpp), so that a failure can say who did it.
#pragma once

#include "dsl/diagnostic.hpp"
#include "dsl/policy_test.hpp"
#include "kernel/policy_test/coverage.hpp"
#include "kernel/policy_test/world.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace larder::policy_test {

// What a test may cost. A test beyond it fails, and says so.
struct Bounds {
    std::size_t steps = 10'000;    // steps of it that are played
    std::size_t entries = 10'000;  // that it puts
    std::size_t looks = 200'000;    // at its entries
    Ms time{std::chrono::hours(24 * 366 * 100)};  // that goes by in it
    // Of all tests of a policy: a fresh kernel costs what the policy is long, so this many namespaces and
    // rules are set up altogether, at about 100 ns each.
    std::size_t set_up = 50'000'000;
};

// Failures, as diagnostics of the policy's sources (L0451, L0452); none: it passed. `coverage` null:
// not wanted. [any thread]
std::vector<dsl::Diagnostic> play(const std::shared_ptr<const dsl::Policy>& policy,
                                  const dsl::PolicyTest& test, Coverage* coverage = nullptr,
                                  const Bounds& bounds = {});

}  // namespace larder::policy_test
