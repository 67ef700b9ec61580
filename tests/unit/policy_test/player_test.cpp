// tests/unit/policy_test/player_test.cpp -- every step does what the manual says, and an expectation
// fails where it does not hold.
#include "tests/catch.hpp"
#include "tests/unit/policy_test/playing.hpp"

using namespace larder;
using namespace larder::policy_test;

namespace {

using Said = std::vector<std::string>;

const std::string users = R"(
namespace user { key "{user_id}"; ttl 5m; stale 1h on error; absent 30s; tag "user:{user_id}"; tiers l1 1m -> l2 }
namespace list { key "all"; ttl 5m }
namespace stock { key "{sku}:{place}"; ttl 5m }
session login { ttl 30m }
on write "/users/{user_id}" { drop user "{user_id}"; expire list }
on write "/stock/{sku}" status 201 { drop stock matching "{sku}:*" }
on event "gone" (user_id) { drop tag "user:{user_id}"; end session login of "{user_id}" }
breaker l2 { open after 2 failures; retry after 60s }
)";

}  // namespace

TEST_CASE("a story that holds says nothing", "[policy_test]") {
    CHECK(story(users, R"(
        put user "1"; put user "2"; put list
        PUT "/users/1"
        expect dropped user "1"
        expect kept user "2"
        expect expired list
        expect miss user "1"
        expect hit user "2"
        after 5m
        expect miss user "2"
    )") == Said{});
}

TEST_CASE("an expectation that does not hold fails, and says what was instead", "[policy_test]") {
    const auto one = [](const std::string& expectation) {
        const Said said = story(users, "put user \"1\"; put user \"2\"; put list\nPUT \"/users/1\"\n" + expectation);
        return said.size() == 1 ? said.front() : std::to_string(said.size());
    };
    CHECK(one("expect kept user \"1\"") == "`user \"1\"` should be kept, but was dropped");
    CHECK(one("expect expired user \"1\"") == "`user \"1\"` should be expired, but was dropped");
    CHECK(one("expect hit user \"1\"") == "`user \"1\"` should be a hit, but nothing is there");
    CHECK(one("expect dropped user \"2\"") == "`user \"2\"` should be dropped, but is still as it was put");
    CHECK(one("expect miss user \"2\"") == "`user \"2\"` should be a miss, but it is there, fresh, in l1, for another 5m");
    CHECK(one("expect stale user \"2\"") == "`user \"2\"` should be stale, but it is there, fresh, in l1, for another 5m");
    CHECK(one("expect absent user \"2\"") == "`user \"2\"` should be absent, but it is there, fresh, in l1, for another 5m");
    CHECK(one("expect hit user \"2\" in l2") == "`user \"2\"` should be a hit in l2, but it is there, fresh, in l1, for another 5m");
    CHECK(one("expect dropped list") == "`list \"all\"` should be dropped, but was expired");
    CHECK(one("expect served user \"2\"") == "`user \"2\"` did not answer the last request");
    CHECK(one("expect warmed list") == "nothing asked for `list` to be warmed");
    CHECK(one("expect no rule") == "a rule was set off");
    CHECK(one("expect rule \"gone\"") == "the rule of \"gone\" was not set off");
    CHECK(one("expect ended session login of \"1\"") == "no rule ended session login of \"1\"");
    CHECK(one("expect breaker l2 open") == "the breaker of l2 should be open, but is closed");
    CHECK(one("fail l3") == "no tier of this policy is a store `l3`");
}

TEST_CASE("a failure shows the step and the rule that did it", "[policy_test]") {
    const SuiteResult result = played("larder 1\n" + users + R"(
test "it" {
    put user "1"
    PUT "/users/1"
    expect kept user "1"
}
)");
    const std::string text = whole(result);
    CHECK(text.find("this did it") != std::string::npos);
    CHECK(text.find("put here") != std::string::npos);
    CHECK(text.find("was dropped with user \"1\" by test.larder:7 PUT /users/1") != std::string::npos);
    CHECK(text.find("in test \"it\"") != std::string::npos);
}

TEST_CASE("what ends by its time is not dropped", "[policy_test]") {
    CHECK(story(users, "put stock \"a:b\"\nafter 5m\nexpect dropped stock \"a:b\"") ==
          Said{"`stock \"a:b\"` should be dropped, but its time was over 5m after it was put"});
    CHECK(story(users, "put stock \"a:b\"\nafter 4m59s\nexpect kept stock\nafter 1s\nexpect miss stock \"a:b\"") == Said{});
}

TEST_CASE("an expectation about nothing that was put fails", "[policy_test]") {
    CHECK(story(users, "put list\nexpect kept user") == Said{"the test puts nothing that this could be about"});
    CHECK(story(users, "put list\nexpect dropped tag \"user:1\"") == Said{"the test puts nothing that this could be about"});
    CHECK(story(users, "expect dropped user \"1\"") == Said{"the test never puts `user \"1\"`"});
}

TEST_CASE("a target is a key, a namespace, a pattern, a tag or everything that was put", "[policy_test]") {
    const std::string put = "put user \"1\"; put user \"2\"; put stock \"a:b\"; put stock \"c:d\"; put list\n";
    CHECK(story(users, put + "event \"gone\" with user_id = \"1\"\nexpect dropped tag \"user:1\"; expect kept tag \"user:2\"; expect kept stock, list") == Said{});
    CHECK(story(users, put + "POST \"/stock/a\" status 201\nexpect dropped stock matching \"a:*\"; expect kept stock matching \"c:*\"") == Said{});
    CHECK(story(users, put + "POST \"/stock/a\" status 200\nexpect kept everything; expect no rule") == Said{});
    CHECK(story(users, put + "POST \"/stock/a\" status 201\nexpect kept everything").size() == 1);
}

TEST_CASE("the values of a request stand where the rules read them", "[policy_test]") {
    const std::string policy = R"(
namespace item { key "{a}:{b}:{c}:{d}:{e}"; ttl 5m }
on POST "/x" {
    let a = header "X-A"
    let b = query "b"
    let c = cookie "c"
    let d = json "deep.d"
    drop item matching "{a}:{b}:{c}:{d}:*"
}
on POST "/form" { let e = form "e"; drop item matching "*:{e}" }
)";
    const std::string put = "put item \"1:2:3:4:5\"\n";
    CHECK(story(policy, put + "POST \"/x\" with a = \"1\", b = \"2\", c = \"3\", d = \"4\"\nexpect dropped item") == Said{});
    CHECK(story(policy, put + "POST \"/x?b=2\" with header \"x-a\" = \"1\", cookie \"c\" = \"3\", json \"deep.d\" = \"4\"\nexpect dropped item") == Said{});
    CHECK(story(policy, put + "POST \"/x\" with a = \"1\", b = \"2\", c = \"3\", d = \"9\"\nexpect kept item") == Said{});
    CHECK(story(policy, put + "POST \"/form\" with e = \"5\"\nexpect dropped item") == Said{});
    CHECK(story(policy, put + "POST \"/form\" with form \"e\" = \"6 &=\"\nexpect kept item") == Said{});
}

TEST_CASE("an entry may be put by the values that make its key", "[policy_test]") {
    const std::string policy = "namespace item { key \"{item_id}:t{tenant}\"; with kind; tag \"kind:{kind}\"; ttl 5m }\non event \"k\" (kind) { drop tag \"kind:{kind}\" }\n";
    CHECK(story(policy, "put item with item_id = \"7\", tenant = \"1\", kind = \"x\"\nexpect hit item \"7:t1\"\nevent \"k\" with kind = \"x\"\nexpect dropped item \"7:t1\"") == Said{});
    const Said said = story(policy, "put item with item_id = \"7\"");
    REQUIRE(said.size() == 1);
    CHECK(said.front() == "L0203 nothing says which key of `item` is meant");
}

TEST_CASE("a request is answered by the entry of its serve rule, else by the application", "[policy_test]") {
    const std::string policy = R"(
namespace page { key "{id}"; ttl 5m }
on GET "/p/{id}" { serve page "{id}" unless header "Cache-Control" }
on GET "/p/{id}" { warm page }
)";
    CHECK(story(policy, "GET \"/p/1\"\nexpect rule \"/p/{id}\"\nGET \"/p/1\"\nexpect served page \"1\"; expect no rule") == Said{});
    CHECK(story(policy, "GET \"/p/1\"\nGET \"/p/1\" with header \"Cache-Control\" = \"no-cache\"\nexpect served page \"1\"") ==
          Said{"`page \"1\"` did not answer the last request"});
    CHECK(story(policy, "GET \"/p/1\" status 500\nexpect miss page \"1\"") == Said{});
}

TEST_CASE("a load brings a value, fails, or finds that there is none", "[policy_test]") {
    CHECK(story(users, "load user \"1\"\nexpect hit user \"1\"") == Said{});
    CHECK(story(users, "load user \"1\" fails\nexpect miss user \"1\"") == Said{});
    CHECK(story(users, "load user \"1\" absent\nexpect absent user \"1\"\nafter 30s\nexpect miss user \"1\"") == Said{});
    CHECK(story(users, "put user \"1\"\nafter 6m\nload user \"1\" fails\nexpect stale user \"1\"\nafter 1h\nexpect miss user \"1\"") == Said{});
    CHECK(story(users, "put user \"1\"\nafter 6m\nload user \"1\"\nexpect kept user \"1\"; expect hit user \"1\"") == Said{});
}

TEST_CASE("what is stale while it is revalidated is an answer, too", "[policy_test]") {
    const std::string policy = "namespace n { key \"{k}\"; ttl 5m; stale 1m while revalidating; static }";
    CHECK(story(policy, "put n \"1\"\nafter 5m30s\nexpect stale n \"1\"\nafter 31s\nexpect miss n \"1\"") == Said{});
}

TEST_CASE("a store that fails is left alone, tried again and used again", "[policy_test]") {
    CHECK(story(users, R"(
        put user "1"
        fail l2
        expect hit user "1" in l1
        after 61s
        expect miss user "1"
        expect breaker l2 closed
        expect miss user "1"
        expect breaker l2 open
        after 60s
        expect breaker l2 half-open
        recover l2
        expect hit user "1" in l2
        expect breaker l2 closed
    )") == Said{});
}

TEST_CASE("what a rule drops while a store fails is told when it is back", "[policy_test]") {
    CHECK(story(users, R"(
        put user "1"; put user "2"
        fail l2
        PUT "/users/1"
        recover l2
        expect dropped user "1"
        expect kept user "2"
    )") == Said{});
}

TEST_CASE("looking at an entry is not a use of it", "[policy_test]") {
    const std::string policy = "namespace s { key \"{k}\"; ttl 10m sliding; static }\non event \"e\" { warm s }";
    CHECK(story(policy, "put s \"1\"\nafter 9m\nexpect kept s \"1\"\nevent \"e\"\nafter 1m\nexpect miss s \"1\"") == Said{});
    CHECK(story(policy, "put s \"1\"\nafter 9m\nexpect hit s \"1\"\nafter 9m\nexpect hit s \"1\"\nafter 10m\nexpect miss s \"1\"") == Said{});
    CHECK(story(users, "put user \"1\"\nafter 2m\nexpect kept user \"1\"\nexpect hit user \"1\" in l2\nexpect hit user \"1\" in l1") == Said{});
}

TEST_CASE("today is the day that the test says", "[policy_test]") {
    const std::string policy = "namespace sales { key \"{day}\"; ttl 4h when {day} before today; ttl 5m; static }";
    CHECK(story(policy, "today \"2026-03-15\"\nput sales \"2026-03-14\"; put sales \"2026-03-15\"\nafter 1h\nexpect hit sales \"2026-03-14\"\nexpect miss sales \"2026-03-15\"") == Said{});
    CHECK(story(policy, "today \"2026-02-30\"").size() == 1);
}

TEST_CASE("warming and the end of sessions are seen", "[policy_test]") {
    const std::string policy = R"(
namespace menu { key "all"; ttl 5m }
session login { ttl 30m }
on event "a" { warm menu }
on event "b" { refresh menu }
on DELETE "/u/{id}" { end session login of "{id}" }
warm menu "all" { every 4m; from http "http://localhost/" }
)";
    CHECK(story(policy, "put menu\nevent \"a\"\nexpect warmed menu; expect kept menu") == Said{});
    CHECK(story(policy, "put menu\nevent \"b\"\nexpect warmed menu; expect dropped menu") == Said{});
    CHECK(story(policy, "DELETE \"/u/7\" status 204\nexpect ended session login of \"7\"") == Said{});
}

TEST_CASE("each test begins with an empty kernel", "[policy_test]") {
    const SuiteResult result = played("larder 1\n" + users + R"(
test "one" { put user "1"; fail l2; expect hit user "1" }
test "two" { expect miss user "1"; put user "2"; expect hit user "2" }
)");
    CHECK(messages(result) == Said{});
    CHECK(result.tests.size() == 2);
}

TEST_CASE("jitter is the same each time", "[policy_test]") {
    const std::string policy = "namespace n { key \"{k}\"; ttl 100m jitter 50%; static }";
    const std::string steps = "put n \"1\"\nafter 49m\nexpect hit n \"1\"\nafter 40m\nexpect hit n \"1\"";
    const Said first = story(policy, steps);
    for (int i = 0; i < 3; ++i) CHECK(story(policy, steps) == first);
}

TEST_CASE("a test is bounded in steps, entries, looks and time, and says so", "[policy_test]") {
    const auto many = [](const std::string& step, int n) {
        std::string out;
        for (int i = 0; i < n; ++i) {
            std::string one = step;
            if (const auto at = one.find('#'); at != one.npos) one.replace(at, 1, std::to_string(i));
            out += one + "\n";
        }
        return out;
    };
    const auto one = [&](const std::string& steps, const Bounds& bounds) {
        SuiteOptions options;
        options.bounds = bounds;
        return messages(played("larder 1\n" + users + "test \"it\" {\n" + steps + "}\n", options));
    };
    Bounds bounds;
    bounds.steps = 20;
    bounds.entries = 10;
    CHECK(one(many("put list", 20), bounds) == Said{});
    CHECK(one(many("put list", 21), bounds) == Said{"this test is too much for one: it has more than 20 steps"});
    CHECK(one(many("put user \"#\"", 11), bounds) == Said{"this test is too much for one: it puts more than 10 entries"});
    bounds.steps = 1000;
    bounds.looks = 50;
    CHECK(one(many("put user \"#\"", 10) + many("expect kept user", 5), bounds) ==
          Said{"this test is too much for one: so many entries are looked at so often"});
    CHECK(story(users, "put list\nafter 5000w\nafter 5000w") ==
          Said{"this test is too much for one: more than a hundred years go by in it"});
    CHECK(story(users, "after 5000w\nexpect miss list \"all\"") == Said{});
}
