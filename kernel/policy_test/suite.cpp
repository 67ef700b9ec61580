// kernel/policy_test/suite.cpp -- all tests of one policy file.
#include "kernel/policy_test/suite.hpp"

#include <algorithm>
#include <utility>

namespace larder::policy_test {
namespace {

std::vector<dsl::Diagnostic> errors_of(std::vector<dsl::Diagnostic> found) {
    std::erase_if(found, [](const dsl::Diagnostic& d) {
        return d.severity != dsl::Severity::error;
    });
    return found;
}

dsl::Diagnostic not_played(const dsl::PolicyTest& test) {
    dsl::Diagnostic out;
    out.code = "L0452";
    out.message = "this test is not played: the policy has too many for its size";
    out.primary = {test.at, ""};
    out.helps.push_back("name some of them with `--filter`, or part the policy");
    return out;
}

}  // namespace

dsl::CompileOptions compile_options(const SuiteOptions& options, const std::string& profile) {
    dsl::CompileOptions out;
    out.profile = profile;
    out.read = options.read;
    out.env = [&env = options.env](std::string_view name) -> std::optional<std::string> {
        const auto found = env.find(std::string(name));
        if (found == env.end()) return std::nullopt;
        return found->second;
    };
    return out;
}

std::size_t SuiteResult::failed() const {
    return static_cast<std::size_t>(std::count_if(
        tests.begin(), tests.end(), [](const TestResult& test) { return !test.found.empty(); }));
}

SuiteResult run_suite(const std::string& path, const SuiteOptions& options, const Clock& clock) {
    SuiteResult out;
    out.path = path;
    std::map<std::string, dsl::Compiled> compiled;  // by profile
    const auto in_profile = [&](const std::string& profile) -> const dsl::Compiled& {
        const auto known = compiled.find(profile);
        if (known != compiled.end()) return known->second;
        return compiled.emplace(profile, dsl::compile({&path, 1}, compile_options(options, profile)))
            .first->second;
    };
    const dsl::Compiled& base = in_profile(options.profile);
    out.sources = base.sources;
    if (!base.ok()) {
        out.errors = errors_of(base.found);
        return out;
    }
    out.coverage.emplace_back(*base.policy);
    const std::size_t each = base.policy->namespaces.size() + base.policy->rules.size() + 500;
    std::size_t set_up = 0;
    for (std::size_t i = 0; i < base.tests.size(); ++i) {
        const dsl::PolicyTest& test = base.tests[i];
        if (test.title.find(options.filter) == std::string::npos) {
            ++out.left_out;
            continue;
        }
        TestResult result{test.title, test.profile, test.where, {}, 0};
        const dsl::Compiled& own = test.profile.empty() ? base : in_profile(test.profile);
        const std::uint64_t began = clock.fine_ns();
        set_up += each;
        if (set_up > options.bounds.set_up) {
            result.found.push_back(not_played(test));
            out.tests.push_back(std::move(result));
            continue;
        }
        // The same files in the same order, so a place in one is the same place in the other.
        if (own.ok() && i < own.tests.size())
            result.found = play(own.policy, own.tests[i], &out.coverage.front(), options.bounds);
        else
            result.found = errors_of(own.found);
        result.took_ns = clock.fine_ns() - began;
        out.tests.push_back(std::move(result));
    }
    return out;
}

}  // namespace larder::policy_test
