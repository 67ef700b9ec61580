// kernel/policy_test/suite.hpp -- all tests of one policy file.
//
// A file is a policy of its own, with what it `use`s. It is compiled once for each profile that a test
// names; tests that name none run in the profile that the caller chose. Values of the environment are
// those the caller gives and no others, so that a test does the same everywhere.
#pragma once

#include "dsl/compile.hpp"
#include "kernel/core/clock.hpp"
#include "kernel/policy_test/coverage.hpp"
#include "kernel/policy_test/player.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace larder::policy_test {

struct SuiteOptions {
    std::string profile;  // of tests that name none
    std::string filter;   // only tests whose title contains it; empty: all
    std::map<std::string, std::string> env;
    // How files are read; empty: from the file system.
    std::function<std::optional<std::string>(const std::string& path)> read;
    Bounds bounds;
};

struct TestResult {
    std::string title, profile;
    dsl::Where where;
    std::vector<dsl::Diagnostic> found;  // into SuiteResult::sources; empty: it passed
    std::uint64_t took_ns = 0;
};

struct SuiteResult {
    std::string path;
    std::shared_ptr<dsl::SourceMap> sources;
    std::vector<dsl::Diagnostic> errors;  // the policy itself is wrong, so no test ran
    std::vector<TestResult> tests;
    std::vector<Coverage> coverage;  // one; none when the policy is wrong
    std::size_t left_out = 0;        // tests that the filter does not let through
    std::size_t failed() const;
};

// How a policy is compiled for its tests; `options` outlives what is made of it.
dsl::CompileOptions compile_options(const SuiteOptions& options, const std::string& profile);

// Never throws on bad input. `clock` measures how long tests take. [any thread]
SuiteResult run_suite(const std::string& path, const SuiteOptions& options, const Clock& clock);

}  // namespace larder::policy_test
