// tests/unit/admin/changes_test.cpp -- invalidation over HTTP drops what it says, and a dry run says it before.
#include "catch.hpp"
#include "tests/unit/admin/served.hpp"

#include <vector>

using namespace larder;
using test::contains;
using test::Served;

namespace {

const char* const policy = R"(larder 1
namespace menu {
  ttl 5m
  namespace item     { key "{item_id}:t{tenant}"; tag "tenant:{tenant}"; tag "item:{item_id}" }
  namespace category { key "{category_id}:t{tenant}"; tag "tenant:{tenant}" }
}
namespace order        { key "{id...}"; ttl 5m; static }
namespace user_stats   { key "{user_id}"; ttl 5m }
namespace user_details { key "{user_id}"; ttl 5m }
namespace summary      { key "{user_id}"; ttl 5m; depends on user_details "{user_id}" }
namespace overview     { key "all"; ttl 5m; depends on user_details }
on event "user_changed" (user_id) { drop user_details "{user_id}"; drop user_stats "{user_id}" }
on event "firm_changed" (firm_id) { drop tag "tenant:{firm_id}" }
on write "/users/{user_id}" { drop user_details "{user_id}" }
on write "/archive/{item_id}" { drop menu.item matching "{item_id}:*" }
)";
const char* const entities = "user_id = \"user_changed\"\nfirm_id = \"firm_changed\"";

const std::vector<std::string> keys{
    "menu:item:1:t1", "menu:item:2:t1", "menu:item:1:t2", "menu:category:9:t1", "menu:category:9:t2", "order:active:5", "order:7",
    "user_stats:42", "user_stats:43", "user_details:42", "user_details:43", "summary:42", "summary:43", "overview:all"};

void fill(Served& larder) {
    for (const std::string& key : keys) {
        INFO(key);
        REQUIRE(larder.put(key) == LARDER_OK);
    }
}

std::vector<std::string> gone(Served& larder) {
    std::vector<std::string> out;
    for (const std::string& key : keys)
        if (!larder.has(key)) out.push_back(key);
    return out;
}

using Keys = std::vector<std::string>;

}  // namespace

TEST_CASE("a pattern of whole keys drops what it fits in every namespace it reaches, and nothing else") {
    const auto [pattern, expected] = GENERATE(
        std::pair<std::string, Keys>{"order:*", {"order:active:5", "order:7"}},
        std::pair<std::string, Keys>{"order:active:*", {"order:active:5"}},
        std::pair<std::string, Keys>{"user_stats*", {"user_stats:42", "user_stats:43"}},
        // A pattern that no rule declares drops all that depends on entries of the namespace: nobody knows which it met.
        std::pair<std::string, Keys>{"user_*:42", {"user_stats:42", "user_details:42", "summary:42", "summary:43", "overview:all"}},
        std::pair<std::string, Keys>{"user_stats:42", {"user_stats:42"}},
        std::pair<std::string, Keys>{"menu:item:1:*", {"menu:item:1:t1", "menu:item:1:t2"}},
        std::pair<std::string, Keys>{"menu.item:*:t1", {"menu:item:1:t1", "menu:item:2:t1"}},
        std::pair<std::string, Keys>{"menu:*", {"menu:item:1:t1", "menu:item:2:t1", "menu:item:1:t2", "menu:category:9:t1", "menu:category:9:t2"}},
        std::pair<std::string, Keys>{"menu*:t2", {"menu:item:1:t2", "menu:category:9:t2"}},
        std::pair<std::string, Keys>{"*", keys});
    Served larder(policy);
    fill(larder);
    INFO(pattern);
    const auto rehearsed = larder.json("DELETE", "/api/v1/cache/invalidate/pattern?dry_run=1&pattern=" + pattern);
    CHECK(gone(larder).empty());
    CHECK(larder.ask("DELETE", "/api/v1/cache/invalidate/pattern?pattern=" + pattern).status == 200);
    CHECK(gone(larder) == expected);
    if (pattern != "*") {  // which is dropped namespace by namespace, and counted so
        CHECK(rehearsed.at("counted") == "exact");
        CHECK(rehearsed.at("sample").as_array().size() == std::min<std::size_t>(rehearsed.at("entries").to_number<std::size_t>(), 100));
    }
}

TEST_CASE("a pattern that reaches no namespace is told so") {
    Served larder(policy);
    CHECK(larder.ask("DELETE", "/api/v1/cache/invalidate/pattern?pattern=nothing:*").status == 404);
}

TEST_CASE("the count of a dry run equals the later drop, whatever is dropped") {
    struct Case {
        const char *method, *target, *body;
    };
    const auto one = GENERATE(
        Case{"DELETE", "/api/v1/cache/invalidate/tag?tag=tenant:1", ""}, Case{"DELETE", "/api/v1/cache/invalidate/tag?tag=item:1", ""},
        Case{"DELETE", "/api/v1/cache/invalidate/namespace/menu", ""}, Case{"DELETE", "/api/v1/cache/invalidate/namespace/user_details", ""},
        Case{"DELETE", "/api/v1/cache/invalidate/key/user_details/42", ""}, Case{"DELETE", "/api/v1/cache/invalidate/key/menu.item/1:t1", ""},
        Case{"DELETE", "/api/v1/cache/invalidate/pattern?pattern=menu:item:1:*", ""},
        Case{"POST", "/v1.0/cache/clear/user/42", ""}, Case{"POST", "/v1.0/cache/clear", ""},
        Case{"POST", "/api/v1/event/firm_changed", R"({"firm_id": "1"})"},
        Case{"POST", "/api/v1/route", R"({"method": "PUT", "path": "/users/43", "status": 200})"},
        Case{"POST", "/api/v1/route", R"({"method": "PUT", "path": "/archive/1", "status": 200})"},
        Case{"POST", "/api/v1/route", R"({"method": "PUT", "path": "/users/43", "status": 500})"});
    Served larder(policy, "", entities);
    fill(larder);
    INFO(one.method << " " << one.target << " " << one.body);
    const std::string target = one.target;
    const auto rehearsed = larder.json(one.method, target + (target.find('?') == std::string::npos ? "?" : "&") + "dry_run=1", one.body);
    REQUIRE(rehearsed.at("dry_run").as_bool());
    CHECK(gone(larder).empty());
    const auto done = larder.json(one.method, target, one.body);
    CHECK(done.at("changes") == rehearsed.at("changes"));
    CHECK(rehearsed.at("entries").to_number<std::size_t>() == gone(larder).size());
    CHECK(rehearsed.at("counted") == "exact");
    for (const auto& sample : rehearsed.at("sample").as_array()) {
        const std::string key = boost::json::value_to<std::string>(sample);
        CHECK_FALSE(larder.has(key));
    }
}

TEST_CASE("a dry run fires no rule and leaves no trace in counters and events") {
    Served larder(policy, "", entities);
    fill(larder);
    larder.json("POST", "/v1.0/cache/clear/user/42?dry_run=1");
    const auto live = larder.json("GET", "/api/v1/live");
    for (const auto& rule : live.at("rules").as_array()) CHECK(rule.as_object().at("fired") == 0);
    CHECK(live.at("invalidations").as_array().empty());
    larder.json("POST", "/v1.0/cache/clear/user/42");
    const auto after = larder.json("GET", "/api/v1/live");
    CHECK(after.at("rules").as_array().front().as_object().at("fired") == 1);
}

TEST_CASE("a body of patterns and entities drops each of them, and an unknown member stops all of it") {
    Served larder(policy, "", entities);
    fill(larder);
    const auto refused = larder.ask("POST", "/api/v1/admin/cache/invalidate", R"({"patterns": ["order:*"], "planet_id": "7"})");
    CHECK(refused.status == 400);
    CHECK_THAT(refused.body, contains("[admin.entities]"));
    CHECK(gone(larder).empty());
    CHECK(larder.ask("POST", "/api/v1/admin/cache/invalidate", R"({"patterns": ["order:*"], "user_id": 42, "firm_id": "2", "tags": []})").status == 200);
    CHECK(gone(larder) == Keys{"menu:item:1:t2", "menu:category:9:t2", "order:active:5", "order:7", "user_stats:42", "user_details:42", "summary:42", "overview:all"});
}

TEST_CASE("what clearing an entity means is the configuration's to say") {
    Served larder(policy);
    const auto reply = larder.ask("POST", "/v1.0/cache/clear/user/42");
    CHECK(reply.status == 501);
    CHECK_THAT(reply.body, contains("[admin.entities]"));
}

TEST_CASE("live figures follow traffic: hits, misses, entries, rules with their line, invalidations") {
    Served larder(policy, "", entities);
    const auto before = larder.json("GET", "/api/v1/live");
    fill(larder);
    larder.has("user_details:42");
    larder.has("user_details:44");
    larder.json("POST", "/api/v1/event/user_changed", R"({"user_id": "42"})");
    const auto after = larder.json("GET", "/api/v1/live?after=" + std::to_string(before.at("last_event").to_number<std::uint64_t>()));
    const auto& space = after.at("namespaces").as_object().at("user_details").as_object();
    CHECK(space.at("hits") == 1);
    CHECK(space.at("misses") == 1);
    CHECK(space.at("hit_rate") == 50.0);
    CHECK(space.at("sets") == 2);
    CHECK(space.at("tiers").as_array().front().as_object().at("tier") == "l1");
    const auto& rule = after.at("rules").as_array().front().as_object();
    CHECK(rule.at("fired") == 1);
    CHECK(rule.at("line") == 12);
    CHECK_THAT(boost::json::serialize(after.at("invalidations")), contains("p.larder:12"));
    CHECK(after.at("changes").as_object().at("key").as_object().at("event") == 2);
}
