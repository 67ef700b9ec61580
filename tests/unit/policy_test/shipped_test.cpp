// tests/unit/policy_test/shipped_test.cpp -- the shipped policies are tested, each rule and nearly each word.
#include "tests/catch.hpp"
#include "kernel/policy_test/mutants.hpp"
#include "tests/unit/policy_test/playing.hpp"

#include <set>

using namespace larder;
using namespace larder::policy_test;

namespace {

std::string path_of(const std::string& name) { return LARDER_SOURCE_DIR "/policies/" + name + ".larder"; }

constexpr const char* shipped[] = {"auraconnect", "enhanced", "hotel", "panic", "warehouse"};

}  // namespace

TEST_CASE("every test in a shipped policy passes, and together they exercise every clause of every rule", "[policy_test]") {
    const ManualClock clock;
    for (const char* name : shipped) {
        const SuiteResult result = run_suite(path_of(name), {}, clock);
        INFO(whole(result) << (result.coverage.empty() ? "" : coverage_text(result.coverage)));
        CHECK(result.errors.empty());
        CHECK(result.failed() == 0);
        CHECK(!result.tests.empty());
        REQUIRE(result.coverage.size() == 1);
        CHECK(result.coverage.front().share().reaches(10'000));
        std::set<std::string> titles;
        for (const TestResult& test : result.tests) CHECK(titles.insert(test.title + "|" + test.profile).second);
    }
}

TEST_CASE("the tests of each shipped policy notice at least nine of ten mutants", "[policy_test]") {
    for (const char* name : shipped) {
        const std::vector<MutationResult> result{run_mutants(path_of(name), {})};
        INFO(mutation_text(result, false));
        CHECK(result.front().mutants.size() >= 10);
        CHECK(result.front().left_out == 0);
        CHECK(result.front().score().reaches(9'000));
    }
}
