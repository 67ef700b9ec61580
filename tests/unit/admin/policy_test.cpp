// tests/unit/admin/policy_test.cpp -- plans, changes and guards over HTTP: who may, what is answered, what is left behind.
#include "catch.hpp"
#include "tests/unit/admin/served.hpp"

using namespace larder;
using test::contains;
using test::Served;

namespace {

namespace json = boost::json;

const std::string first =
    "larder 1\nnamespace item { key \"{id}\"; ttl 5m }\nnamespace list { key \"{page}\"; ttl 1m; static }\n"
    "on write \"/items/{id}\" { drop item \"{id}\" }\non event \"gone\" { drop item, list }\n"
    "guard { refuse drop above 20% of item; refuse change above 50%; watch hit_rate < 10% for 1m }\n";
const std::string next = "larder 1\nnamespace item { key \"i{id}\"; ttl 5m }\non write \"/items/{id}\" { drop item \"i{id}\" }\n";

std::string body(const std::string& text, json::object more = {}) {
    more["files"] = json::array{json::object{{"name", "next.larder"}, {"text", text}}};
    return json::serialize(more);
}

void fill(Served& larder) {
    for (const char* key : {"item:1", "item:2", "item:3"}) REQUIRE(larder.put(key) == LARDER_OK);
}

}  // namespace

TEST_CASE("who may plan may not apply, and who may read may do neither") {
    Served larder(first);
    CHECK(larder.ask("POST", "/api/v1/policy/plan", body(next), test::reader_token).status == 403);
    CHECK(larder.ask("POST", "/api/v1/policy/plan", body(next), test::app_token).status == 200);
    CHECK(larder.ask("POST", "/api/v1/policy/apply", body(next), test::app_token).status == 403);
    CHECK(larder.ask("POST", "/api/v1/policy/rollback", "{}", test::app_token).status == 403);
    CHECK(larder.ask("POST", "/api/v1/policy/apply", body(next), "").status == 401);
}

TEST_CASE("a plan over HTTP has the counts, and changes nothing") {
    Served larder(first);
    fill(larder);
    const auto answer = larder.json("POST", "/api/v1/policy/plan", body(next));
    CHECK(answer.at("changes").as_bool());
    CHECK(answer.at("needs_confirm").as_bool());
    CHECK(answer.at("plan").at("unreadable").as_int64() == 3);
    CHECK(larder.has("item:1"));
    CHECK_FALSE(larder.json("POST", "/api/v1/policy/plan").at("changes").as_bool());
}

TEST_CASE("a guarded change is 428 until it is confirmed, and shows as what runs") {
    Served larder(first);
    fill(larder);
    const auto refused = larder.ask("POST", "/api/v1/policy/apply", body(next));
    CHECK(refused.status == 428);
    CHECK_THAT(refused.body, contains("takes 3 of 3 entries"));
    const auto applied = larder.json("POST", "/api/v1/policy/apply?confirm=1", body(next, {{"watch", "5m"}}));
    CHECK(applied.at("success").as_bool());
    CHECK(applied.at("watched_ms").as_int64() == 300'000);
    const auto now = larder.json("GET", "/api/v1/policy");
    CHECK(now.at("id").as_string() == applied.at("running").as_string());
    CHECK(now.at("origin").as_string() == "apply");
    CHECK(now.at("by").as_string() == "ops");
    CHECK(now.at("files").as_array().at(0).at("text").as_string() == next);
    CHECK(now.at("watched").as_bool());
    CHECK(larder.ask("POST", "/api/v1/policy/apply", body(first)).status == 409);
    CHECK(larder.ask("POST", "/api/v1/policy/rollback", "{}").status == 200);
    CHECK(larder.json("GET", "/api/v1/policy").at("files").as_array().at(0).at("text").as_string() == first);
}

TEST_CASE("a body that is no order is 400, a policy that is none 422, another one than was planned against 409") {
    Served larder(first);
    CHECK(larder.ask("POST", "/api/v1/policy/apply", "{\"files\": 5}").status == 400);
    CHECK(larder.ask("POST", "/api/v1/policy/apply", "{\"files\": [{\"name\": \"x\"}]}").status == 400);
    CHECK(larder.ask("POST", "/api/v1/policy/apply", body(next, {{"watch", "soon"}})).status == 400);
    CHECK(larder.ask("POST", "/api/v1/policy/apply", "{\"kept\": \"newest\"}").status == 400);
    CHECK(larder.ask("POST", "/api/v1/policy/apply", body("namespace {")).status == 422);
    CHECK(larder.ask("POST", "/api/v1/policy/plan", body("namespace {")).status == 422);
    CHECK(larder.ask("POST", "/api/v1/policy/plan", "{\"files\": []}").status == 422);
    CHECK(larder.ask("POST", "/api/v1/policy/apply", body(next, {{"running", "0123456789abcdef"}})).status == 409);
    CHECK(larder.ask("POST", "/api/v1/policy/rollback", "{}").status == 422);
}

TEST_CASE("each change of the policy leaves who made it and what came of it") {
    Served larder(first);
    larder.ask("POST", "/api/v1/policy/apply", body(next, {{"watch", 0}}));
    CHECK_THAT(larder.ask("GET", "/api/v1/events").body, contains("ops@127.0.0.1 POST /api/v1/policy/apply") && contains("-> 200"));
}

TEST_CASE("a drop that a guard does not allow is 428 with the counts, and nothing of the request is done") {
    Served larder(first);
    fill(larder);
    REQUIRE(larder.put("list:1") == LARDER_OK);
    const auto refused = larder.ask("POST", "/api/v1/cache/invalidate", "{\"namespaces\": [\"list\", \"item\"]}");
    CHECK(refused.status == 428);
    CHECK_THAT(refused.body, contains("takes 3 of 3 entries of item (100%)") && contains("confirm=1"));
    CHECK(larder.has("list:1"));
    CHECK(larder.ask("DELETE", "/api/v1/cache/invalidate/namespace/list").status == 200);
    CHECK(larder.ask("DELETE", "/api/v1/cache/invalidate/key/item/1").status == 200);
    CHECK(larder.ask("DELETE", "/api/v1/cache/invalidate/pattern?pattern=item:*").status == 428);
    CHECK(larder.ask("DELETE", "/api/v1/cache/invalidate/pattern?pattern=item:*&dry_run=1").status == 200);
    CHECK(larder.has("item:2"));
    CHECK(larder.ask("DELETE", "/api/v1/cache/invalidate/pattern?pattern=item:*&confirm=1").status == 200);
    CHECK_FALSE(larder.has("item:2"));
}

TEST_CASE("an event over HTTP sets off its rules, whatever guards say of drops by hand") {
    Served larder(first);
    fill(larder);
    CHECK(larder.ask("POST", "/api/v1/event/gone", "{}").status == 200);
    CHECK_FALSE(larder.has("item:1"));
}
