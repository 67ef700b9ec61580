// tests/unit/policy_test/suite_test.cpp -- profiles, environment and filter; what a wrong policy comes to.
#include "tests/catch.hpp"
#include "tests/unit/policy_test/playing.hpp"

using namespace larder;
using namespace larder::policy_test;

namespace {

using Said = std::vector<std::string>;

const std::string profiles = R"(larder 1
namespace n { key "{k}"; ttl env N_TTL or 5m; static }
profile production { namespace n { ttl 30m } }
test "short" { put n "1"; after 5m; expect miss n "1" }
test "long" in profile production { put n "1"; after 29m; expect hit n "1" }
)";

}  // namespace

TEST_CASE("a test runs in the profile it names, else in the one of the caller", "[policy_test]") {
    CHECK(messages(played(profiles)) == Said{});
    SuiteOptions options;
    options.profile = "production";
    const Said said = messages(played(profiles, options));
    REQUIRE(said.size() == 1);
    CHECK(said.front() == "`n \"1\"` should be a miss, but it is there, fresh, in l1, for another 25m");
}

TEST_CASE("a test sees no environment but what it is given", "[policy_test]") {
    SuiteOptions options;
    options.env["N_TTL"] = "10m";
    CHECK(messages(played(profiles, options)).size() == 1);
    CHECK(messages(played("larder 1\nnamespace n { key \"a\"; ttl env PATH; static }\n")) ==
          Said{"L0216 environment variable `PATH` is not set"});
}

TEST_CASE("a filter leaves out the tests whose title does not contain it", "[policy_test]") {
    SuiteOptions options;
    options.filter = "lon";
    const SuiteResult result = played(profiles, options);
    REQUIRE(result.tests.size() == 1);
    CHECK(result.tests[0].title == "long");
    CHECK(result.left_out == 1);
}

TEST_CASE("a wrong policy runs no test and says what is wrong", "[policy_test]") {
    const SuiteResult result = played("larder 1\nnamespace n { key \"a\"; ttl 0s; static }\ntest \"x\" { put m \"a\" }\n");
    CHECK(result.tests.empty());
    CHECK(messages(result) == Said{"L0232 this duration must be longer than nothing",
                                   "L0202 namespace `m` is not declared in this policy"});
}

TEST_CASE("a file that is not there is a finding", "[policy_test]") {
    const ManualClock clock;
    const SuiteResult result = run_suite("/nowhere/at/all.larder", {}, clock);
    CHECK(result.errors.size() == 1);
    CHECK(result.failed() == 0);
}

TEST_CASE("a profile that is wrong fails the tests that name it, and no other", "[policy_test]") {
    const SuiteResult result = played(R"(larder 1
namespace n { key "{k}"; ttl 5m; static }
profile p { namespace n { ttl env MISSING } }
test "one" { put n "1"; expect hit n "1" }
test "two" in profile p { put n "1"; expect hit n "1" }
)");
    REQUIRE(result.tests.size() == 2);
    CHECK(result.tests[0].found.empty());
    REQUIRE(result.tests[1].found.size() == 1);
    CHECK(result.tests[1].found[0].code == "L0216");
}

TEST_CASE("tests beyond what a policy may cost are not played, and say so", "[policy_test]") {
    SuiteOptions options;
    options.bounds.set_up = 1'200;
    const SuiteResult result = played(R"(larder 1
namespace n { key "{k}"; ttl 5m; static }
test "one" { put n "1"; expect hit n "1" }
test "two" { put n "1"; expect hit n "1" }
test "three" { put n "1"; expect hit n "1" }
)", options);
    REQUIRE(result.tests.size() == 3);
    CHECK(result.tests[1].found.empty());
    REQUIRE(result.tests[2].found.size() == 1);
    CHECK(result.tests[2].found[0].code == "L0452");
}
