// tests/unit/policy_test/pages_test.cpp -- what documents say about tests of policies is so.
#include "tests/catch.hpp"
#include "tests/unit/dsl/compiling.hpp"
#include "tests/unit/policy_test/playing.hpp"

using namespace larder;
using namespace larder::policy_test;

TEST_CASE("every test in a document's example holds", "[policy_test]") {
    std::size_t tests = 0;
    for (const char* page : {"policy-language.md", "testing-policies.md"}) {
        for (const dsl::test::Example& e : dsl::test::examples_of(LARDER_SOURCE_DIR "/docs/" + std::string(page))) {
            if (!e.is("larder")) continue;
            const SuiteResult result = played(e.text);
            INFO(page << ":" << e.line << "\n" << whole(result));
            if (!result.errors.empty()) continue;  // the pages' own tests judge those
            CHECK(result.failed() == 0);
            tests += result.tests.size();
        }
    }
    CHECK(tests >= 3);
}

TEST_CASE("every example of a failing test's page fails with that code, and no other", "[policy_test]") {
    std::size_t shown = 0;
    for (const char* page : {"diagnostics.md", "testing-policies.md"}) {
        for (const dsl::test::Example& e : dsl::test::examples_of(LARDER_SOURCE_DIR "/docs/" + std::string(page))) {
            if (!e.is("larder-fails")) continue;
            const SuiteResult result = played(e.text);
            INFO(page << ":" << e.line << "\n" << whole(result));
            CHECK(result.errors.empty());
            CHECK(result.failed() > 0);
            for (const TestResult& test : result.tests)
                for (const dsl::Diagnostic& d : test.found) CHECK(d.code == e.info.at(1));
            ++shown;
        }
    }
    CHECK(shown >= 2);
}
