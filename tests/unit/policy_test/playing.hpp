// tests/unit/policy_test/playing.hpp -- a policy text with tests in it, and what becomes of them.
#pragma once

#include "kernel/policy_test/suite.hpp"

#include <string>
#include <utility>
#include <vector>

namespace larder::policy_test {

inline SuiteResult played(std::string text, SuiteOptions options = {}) {
    const ManualClock clock;
    options.read = [text = std::move(text)](const std::string& path) -> std::optional<std::string> {
        if (path == "test.larder") return text;
        return std::nullopt;
    };
    return run_suite("test.larder", options, clock);
}

// What is said of one policy: errors of it, else what fails.
inline std::vector<std::string> messages(const SuiteResult& result) {
    std::vector<std::string> out;
    for (const dsl::Diagnostic& d : result.errors) out.push_back(d.code + " " + d.message);
    for (const TestResult& test : result.tests)
        for (const dsl::Diagnostic& d : test.found) out.push_back(d.message);
    return out;
}

// `steps` as the one test of `policy`.
inline std::vector<std::string> story(const std::string& policy, const std::string& steps) {
    return messages(played("larder 1\n" + policy + "\ntest \"it\" {\n" + steps + "\n}\n"));
}

inline std::string whole(const SuiteResult& result) {
    std::string out = dsl::render_text(*result.sources, result.errors, false);
    for (const TestResult& test : result.tests)
        out += dsl::render_text(*result.sources, test.found, false);
    return out;
}

}  // namespace larder::policy_test
