// kernel/policy_test/mutants.hpp -- whether the tests of a policy would notice if it were another.
//
// Each mutation (dsl/mutations.hpp) makes a policy of its own, and all tests are played on it until one
// fails. A mutant that means the same as the policy cannot be noticed and is not counted; one that
// breaks a guarantee is noticed without any test. What is left is what the tests do not say.
#pragma once

#include "dsl/mutations.hpp"
#include "kernel/policy_test/suite.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace larder::policy_test {

enum class MutantFate : std::uint8_t {
    noticed,   // a test fails
    promised,  // a guarantee of the policy does not hold
    same,      // it means the same as the policy
    wrong,     // it is no policy at all
    missed     // no test fails
};

struct Mutant {
    dsl::Mutation change;
    MutantFate fate = MutantFate::missed;
    std::string by;  // the title of the first test that noticed it
};

struct MutationResult {
    std::string path;
    std::shared_ptr<dsl::SourceMap> sources;
    std::vector<Mutant> mutants;
    std::size_t left_out = 0;  // mutations that were not tried: there are too many
    Share score() const;       // of those that could be noticed
    // Those that are missed, as warnings (L0453).
    std::vector<dsl::Diagnostic> missed() const;
};

struct MutationBounds {
    std::size_t mutants = 5'000;
    std::size_t plays = 200'000;  // of tests, altogether
};

// REQUIRES: the policy at `path` is right and all its tests pass. [any thread]
MutationResult run_mutants(const std::string& path, const SuiteOptions& options,
                           const MutationBounds& bounds = {});

// The missed ones, and a line with the score of each policy.
std::string mutation_text(std::span<const MutationResult> results, bool colour);

}  // namespace larder::policy_test
