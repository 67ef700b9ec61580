// kernel/policy_test/report.hpp -- results of suites, for a person, for TAP and for JUnit.
#pragma once

#include "kernel/policy_test/suite.hpp"

#include <span>
#include <string>

namespace larder::policy_test {

// Failures as diagnostics, then a line for each policy that has tests, then the sums.
std::string report_text(std::span<const SuiteResult> results, bool colour);
// TAP version 14: one test point a test, a policy that is wrong is one, too.
std::string report_tap(std::span<const SuiteResult> results);
// JUnit's XML, as CI servers read it: a testsuite a policy.
std::string report_junit(std::span<const SuiteResult> results);

}  // namespace larder::policy_test
