// tests/unit/policy_test/report_test.cpp -- results as TAP, as JUnit and for a person.
#include "tests/catch.hpp"
#include "kernel/policy_test/report.hpp"
#include "tests/unit/policy_test/playing.hpp"

using namespace larder;
using namespace larder::policy_test;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::vector<SuiteResult> results() {
    std::vector<SuiteResult> out;
    out.push_back(played(R"(larder 1
namespace n { key "{k}"; ttl 5m; static }
test "it # holds" { put n "1"; expect hit n "1" }
test "<it> & \"fails\"" { expect hit n "2" }
)"));
    out.push_back(played("larder 1\nnamespace n { key \"a\"; ttl 5; static }\n"));
    return out;
}

}  // namespace

TEST_CASE("TAP has a plan, a point a test and a reason for each that fails", "[policy_test]") {
    const std::string tap = report_tap(results());
    CHECK(tap.starts_with("TAP version 14\n1..3\nok 1 - test.larder: it \\# holds\nnot ok 2 - "));
    CHECK(has(tap, "\n  ---\n  message: \"`n \\\"2\\\"` should be a hit, but nothing is there\"\n"));
    CHECK(has(tap, "\n  at: \"test.larder:4:38\"\n"));
    CHECK(has(tap, "\n  ...\nnot ok 3 - test.larder\n"));
}

TEST_CASE("JUnit has a suite a policy, a case a test, and nothing in it that XML forbids", "[policy_test]") {
    const std::string xml = report_junit(results());
    CHECK(has(xml, "<testsuite name=\"test.larder\" tests=\"2\" failures=\"1\" errors=\"0\""));
    CHECK(has(xml, "<testsuite name=\"test.larder\" tests=\"1\" failures=\"0\" errors=\"1\""));
    CHECK(has(xml, "<testcase name=\"&lt;it&gt; &amp; &quot;fails&quot;\" classname=\"test.larder\" file=\"test.larder\" line=\"4\""));
    CHECK(has(xml, "<failure message=\"`n &quot;2&quot;` should be a hit, but nothing is there\">error[L0451]"));
    CHECK(has(xml, "<error message=\""));
    for (const char c : xml) CHECK((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
}

TEST_CASE("for a person the failures come first and the sums last", "[policy_test]") {
    const std::string text = report_text(results(), false);
    CHECK(text.starts_with("error[L0451]: `n \"2\"` should be a hit, but nothing is there\n"));
    CHECK(has(text, "test.larder: 2 tests, 1 failed\n"));
    CHECK(has(text, "test.larder: the policy is wrong, so nothing ran\n"));
    CHECK(has(text, "2 tests, 1 failed, 1 policy file wrong, "));
}
