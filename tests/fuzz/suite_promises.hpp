// tests/fuzz/suite_promises.hpp -- what larder promises of any bytes whose `test` items are played.
//
// Apart from policy_promises.hpp, since this needs the kernel and libFuzzer's target has the language only.
#pragma once

#include "kernel/policy_test/suite.hpp"
#include "policy_promises.hpp"

#include <optional>
#include <string>

namespace larder::fuzz {

inline policy_test::SuiteResult played(const std::string& text) {
    policy_test::SuiteOptions options;
    options.read = [&](const std::string& path) -> std::optional<std::string> {
        if (path == "fuzz.larder") return text;
        return std::nullopt;
    };
    // A thousandth of what a test may cost by itself: an input has five seconds, also under sanitizers.
    options.bounds.steps = 1'000;
    options.bounds.entries = 1'000;
    options.bounds.looks = 2'000;
    return policy_test::run_suite("fuzz.larder", options, ManualClock());
}

inline std::string findings_of(const policy_test::SuiteResult& result) {
    std::string out = dsl::render_text(*result.sources, result.errors, true);
    for (const policy_test::TestResult& test : result.tests)
        out += test.title + "\n" + dsl::render_text(*result.sources, test.found, true);
    return out;
}

// Returns the number of tests that were played.
inline std::size_t testing_keeps_its_promises(const std::string& text) {
    const dsl::Compiled compiled = dsl::compile_text("fuzz.larder", text, closed_world());
    const policy_test::SuiteResult once = played(text);
    require(once.errors.empty() == compiled.ok(), "the tests of a policy are played when it has no errors");
    require_places(*once.sources, once.errors);
    for (const policy_test::TestResult& test : once.tests) require_places(*once.sources, test.found);
    if (once.tests.empty()) return 0;
    require(findings_of(played(text)) == findings_of(once), "playing tests again finds the same");
    return once.tests.size();
}

}  // namespace larder::fuzz
