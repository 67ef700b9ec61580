// tests/unit/policy_test/shipped_test.cpp -- the tests in the shipped policies pass.
#include "tests/catch.hpp"
#include "tests/unit/policy_test/playing.hpp"

using namespace larder;
using namespace larder::policy_test;

TEST_CASE("every test in a shipped policy passes", "[policy_test]") {
    const ManualClock clock;
    for (const char* name : {"auraconnect", "enhanced", "hotel", "panic", "warehouse"}) {
        const SuiteResult result = run_suite(LARDER_SOURCE_DIR "/policies/" + std::string(name) + ".larder", {}, clock);
        INFO(whole(result));
        CHECK(result.errors.empty());
        CHECK(result.failed() == 0);
        CHECK(!result.tests.empty());
    }
}
