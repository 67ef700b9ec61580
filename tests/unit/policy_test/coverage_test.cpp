// tests/unit/policy_test/coverage_test.cpp -- which clauses count as exercised, and honest sums.
#include "tests/catch.hpp"
#include "tests/unit/policy_test/playing.hpp"

#include <boost/json.hpp>

using namespace larder;
using namespace larder::policy_test;

namespace {

const std::string policy = R"(larder 1
namespace user { key "{user_id}"; ttl 5m }
namespace list { key "all"; ttl 5m }
namespace tagged { key "{k}"; with t; tag "t:{t}"; ttl 5m }
session login { ttl 30m }
on POST, DELETE "/users/{user_id}" status 201, 5xx {
    drop user "{user_id}", list
}
on write "/tags" {
    let t = header "X-T"
    drop tag "t:{t}"
}
on GET "/users/{user_id}" { serve user "{user_id}" unless header "Pragma", query "fresh" }
on event "e" (user_id) { warm list; end session login of "{user_id}" }
warm list "all" { every 4m; from http "http://localhost/" }
)";

std::vector<std::string> missing(const std::string& tests) {
    const SuiteResult result = played(policy + tests);
    REQUIRE(messages(result).empty());
    std::vector<std::string> out;
    for (const Clause& clause : result.coverage.front().clauses())
        if (clause.times == 0) out.push_back(std::to_string(clause.where.line) + " " + clause.says);
    return out;
}

using Missing = std::vector<std::string>;

}  // namespace

TEST_CASE("without a test every clause is missing", "[policy_test]") {
    CHECK(missing("") ==
          Missing{"6 on POST, DELETE \"/users/{user_id}\" status 201, 5xx", "6 POST", "6 DELETE", "6 status 201",
                  "6 status 500-599", "7 drop user \"{user_id}\"", "7 drop list", "9 on write \"/tags\"",
                  "11 drop tag \"t:{t}\"", "13 on GET \"/users/{user_id}\"", "13 serve user",
                  "13 unless header \"Pragma\"", "13 unless query \"fresh\"", "14 on event \"e\" (user_id)",
                  "14 warm list", "14 end session login"});
}

TEST_CASE("each clause is exercised by what sets it off, and by nothing else", "[policy_test]") {
    CHECK(missing(R"(test "t" { POST "/users/1" status 201 })").size() == 11);
    CHECK(missing(R"(test "t" { DELETE "/users/1" status 503 })").size() == 11);
    CHECK(missing(R"(test "t" { POST "/users/1" status 200 })").size() == 16);
    CHECK(missing(R"(test "t" { POST "/tags" })").size() == 15);
    CHECK(missing(R"(test "t" { POST "/tags" with t = "1" })").size() == 14);
    CHECK(missing(R"(test "t" { GET "/users/1" })").size() == 16);
    CHECK(missing(R"(test "t" { GET "/users/1"; GET "/users/1" })").size() == 14);
    CHECK(missing(R"(test "t" { GET "/users/1" with query "fresh" = "1" })").size() == 15);
    CHECK(missing(R"(test "t" { event "e" with user_id = "1" })").size() == 13);
}

TEST_CASE("all clauses together are all of it", "[policy_test]") {
    const SuiteResult result = played(policy + R"(
test "t" {
    POST "/users/1" status 201; DELETE "/users/1" status 500
    POST "/tags" with t = "1"
    GET "/users/1"; GET "/users/1"
    GET "/users/1" with header "Pragma" = "x", query "fresh" = "1"
    event "e" with user_id = "1"
}
)");
    REQUIRE(messages(result).empty());
    CHECK(result.coverage.front().share().percent() == "100 %");
    CHECK(result.coverage.front().rules().part == 4);
    CHECK(coverage_text(result.coverage) == "test.larder: 4 of 4 rules, 16 of 16 clauses are exercised: 100 %\n");
}

TEST_CASE("a share is not rounded up", "[policy_test]") {
    CHECK(Share{1999, 2000}.percent() == "99.9 %");
    CHECK(Share{99'999, 100'000}.percent() == "99.9 %");
    CHECK(Share{2000, 2000}.percent() == "100 %");
    CHECK(Share{1, 100'000}.percent() == "under 0.1 %");
    CHECK(Share{0, 3}.percent() == "0.0 %");
    CHECK(Share{0, 0}.percent() == "100 %");
    CHECK(Share{1999, 2000}.reaches(9995));
    CHECK_FALSE(Share{1999, 2000}.reaches(9996));
    CHECK_FALSE(Share{999'999, 1'000'000}.reaches(10'000));
    CHECK(Share{0, 0}.reaches(10'000));
}

TEST_CASE("a tracefile has every line once, and a branch for each clause", "[policy_test]") {
    const SuiteResult result = played(policy + "test \"t\" { POST \"/users/1\" status 201 }\n");
    const std::string lcov = coverage_lcov(result.coverage);
    CHECK(lcov.find("SF:test.larder\n") != std::string::npos);
    CHECK(lcov.find("DA:6,1\n") != std::string::npos);
    CHECK(lcov.find("DA:9,0\n") != std::string::npos);
    CHECK(lcov.find("BRDA:6,0,2,0\n") != std::string::npos);  // DELETE
    CHECK(lcov.find("BRF:16\nBRH:5\nLF:6\nLH:2\nend_of_record\n") != std::string::npos);
}

TEST_CASE("coverage as JSON has the shares and every clause", "[policy_test]") {
    const SuiteResult result = played(policy + "test \"t\" { POST \"/users/1\" status 201 }\n");
    const boost::json::value all = boost::json::parse(coverage_json(result.coverage));
    const boost::json::object& one = all.at("policies").at(0).as_object();
    CHECK(one.at("clauses").at("covered") == 5);
    CHECK(one.at("clauses").at("all") == 16);
    CHECK(one.at("list").as_array().size() == 16);
    CHECK(one.at("list").at(0).at("times") == 1);
}
