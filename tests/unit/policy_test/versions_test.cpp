// tests/unit/policy_test/versions_test.cpp -- migrations that a policy declares, tested in the policy.
#include "tests/catch.hpp"
#include "tests/unit/policy_test/playing.hpp"

using namespace larder;
using namespace larder::policy_test;

namespace {

using Said = std::vector<std::string>;

const std::string users = R"(
namespace user {
    key "{user_id}"
    ttl 2h
    tiers l1 1m -> l2
    version 3 accepts 1, 2
    migrate 1 -> 2 { rename "name" to "full_name"; move "address.zip" to "zip" }
    migrate 2 -> 3 { default "locale" "de"; default "active" true; default "visits" 0; default "tags" list; drop "legacy" }
}
on write "/users/{user_id}" { drop user "{user_id}" }
)";

}  // namespace

TEST_CASE("a test puts a value of an older version and sees what it is migrated to", "[policy_test]") {
    CHECK(story(users, R"(
        put user "1" version 1 holding "name" = "Ann", "address.zip" = "8001", "legacy" = 7
        expect value user "1" holding "full_name" = "Ann", "zip" = "8001", "locale" = "de", "active" = true, "visits" = 0, "tags" = list without "name", "address.zip", "legacy"
        expect hit user "1" in l1
        put user "2" version 2 holding "full_name" = "Bob", "locale" = "en"
        expect value user "2" holding "full_name" = "Bob", "locale" = "en"
        put user "3" holding "full_name" = "Eve", "locale" = null
        expect value user "3" holding "locale" = null without "tags"
        PUT "/users/1"
        expect dropped user "1"
    )") == Said{});
}

TEST_CASE("what a migrated value does not hold fails the test, with the value", "[policy_test]") {
    const auto one = [](const std::string& expectation) {
        const Said said = story(users, "put user \"1\" version 1 holding \"name\" = \"Ann\"\n" + expectation);
        return said.size() == 1 ? said.front() : std::to_string(said.size());
    };
    CHECK(one("expect value user \"1\" holding \"full_name\" = \"Bob\"") == "`user \"1\"` should hold `full_name` = \"Bob\"");
    CHECK(one("expect value user \"1\" holding \"name\" = \"Ann\"") == "`user \"1\"` should hold `name` = \"Ann\"");
    CHECK(one("expect value user \"1\" without \"full_name\"") == "`user \"1\"` should be without `full_name`");
    CHECK(one("expect value user \"2\" holding \"a\" = 1") == "`user \"2\"` should have a value, but a read finds nothing");
    CHECK(one("put user \"2\"; expect value user \"2\" holding \"a\" = 1") == "`user \"2\"` holds no JSON object");
    CHECK(one("put user \"2\" holding \"a\" = 1, \"a.b\" = 2") == "what is above this member holds something else already");
}

TEST_CASE("a version without a migration, or one that is not accepted, is a miss", "[policy_test]") {
    CHECK(story("namespace user { key \"{id}\"; ttl 2h; static; version 3 accepts 2 }", R"(
        put user "1" version 1 holding "a" = 1
        put user "2" version 2 holding "a" = 1
        put user "3" version 3 holding "a" = 1
        expect miss user "1", user "2"
        expect hit user "3"
    )") == Said{});
}
