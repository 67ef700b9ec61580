// tests/unit/admin/api_test.cpp -- tokens, roles, methods, limits, the audit log.
#include "catch.hpp"
#include "tests/unit/admin/served.hpp"

#include <string>
#include <vector>

using namespace larder;
using test::contains;
using test::Served;

namespace {

const char* const policy = R"(larder 1
namespace menu { ttl 5m
  namespace item { key "{item_id}"; tag "category:{item_id}" } }
namespace user_details { key "{user_id}"; ttl 5m }
on event "user_changed" (user_id) { drop user_details "{user_id}" }
)";

}  // namespace

TEST_CASE("without a token every path answers the same 401, also those that do not exist") {
    Served larder(policy);
    const auto first = larder.ask("GET", "/api/v1/cache/health", {}, "");
    CHECK(first.status == 401);
    CHECK_THAT(first.headers.front().second, contains("Bearer"));
    for (const char* path : {"/api/v1/cache/stats", "/nowhere", "/healthz", "/metrics", "/openapi.json", "/api/v1/live"}) {
        INFO(path);
        CHECK(larder.ask("GET", path, {}, "").status == 401);
        CHECK(larder.ask("GET", path, {}, "").body == first.body);
        CHECK(larder.ask("GET", path, {}, "a token that nobody has").body == first.body);
    }
    CHECK(larder.ask("DELETE", "/api/v1/cache/invalidate/tag?tag=a", {}, "").status == 401);
}

TEST_CASE("a role may do what it says and no more") {
    Served larder(policy, "", "user_id = \"user_changed\"");
    const auto status = [&](const char* method, const char* path, const char* token) { return larder.ask(method, path, {}, token).status; };
    CHECK(status("GET", "/api/v1/cache/stats", test::reader_token) == 200);
    CHECK(status("DELETE", "/api/v1/cache/invalidate/tag?tag=a", test::reader_token) == 403);
    CHECK(status("DELETE", "/api/v1/cache/invalidate/tag?tag=a", test::app_token) == 200);
    CHECK(status("POST", "/v1.0/cache/clear", test::app_token) == 403);
    CHECK(status("POST", "/v1.0/cache/clear", test::admin_token) == 200);
    CHECK(status("POST", "/v1.0/cache/clear/user/42", test::reader_token) == 403);
    CHECK(status("POST", "/v1.0/cache/clear/user/42", test::app_token) == 200);
    CHECK(status("POST", "/api/v1/reload", test::app_token) == 403);
}

TEST_CASE("mutations answer to the methods that their documents name, and to no other") {
    Served larder(policy);
    for (const char* method : {"GET", "POST", "PUT", "PATCH"}) {
        const auto reply = larder.ask(method, "/api/v1/cache/invalidate/tag?tag=a");
        CHECK(reply.status == 405);
    }
    CHECK(larder.ask("GET", "/v1.0/cache/clear").status == 405);
    CHECK(larder.ask("DELETE", "/v1.0/cache/clear").status == 405);
    CHECK(larder.ask("HEAD", "/v1.0/cache/health").status == 200);
    CHECK(larder.ask("GET", "/api/v1/nothing").status == 404);
}

TEST_CASE("what is opened answers without a token, and only that") {
    Served larder(policy, "open = [\"health\", \"test\"]");
    CHECK(larder.ask("GET", "/v1.0/cache/health", {}, "").status == 200);
    CHECK(larder.ask("GET", "/v1.0/cache/test", {}, "").status == 200);
    CHECK(larder.ask("GET", "/v1.0/cache/health/detailed", {}, "").status == 401);
    CHECK(larder.ask("GET", "/v1.0/cache/stats", {}, "").status == 401);
}

TEST_CASE("an endpoint that changes something cannot be opened, nor one that does not exist") {
    CHECK_THROWS_WITH(Served(policy, "open = [\"clear\"]"), contains("changes something"));
    CHECK_THROWS_WITH(Served(policy, "open = [\"haelth\"]"), contains("is no endpoint"));
}

TEST_CASE("endpoints stand below every configured mount, and below no other") {
    Served larder(policy, "mount = [\"/one\", \"/deep/er/two/\"]");
    CHECK(larder.ask("GET", "/one/health").status == 200);
    CHECK(larder.ask("GET", "/deep/er/two/stats").status == 200);
    CHECK(larder.ask("GET", "/api/v1/cache/health").status == 404);
}

TEST_CASE("too many requests of one client are answered 429 until a second has passed") {
    Served larder(policy, "rate = 5");
    unsigned last = 0;
    for (int i = 0; i < 40; ++i) last = larder.ask("GET", "/healthz").status;
    CHECK(last == 429);
}

TEST_CASE("every mutation leaves a line that says who did what, and no secret") {
    Served larder(policy);
    larder.ask("DELETE", "/api/v1/cache/invalidate/tag?tag=category:7", {}, test::app_token);
    larder.ask("DELETE", "/api/v1/cache/invalidate/tag?tag=category:8&dry_run=1", {}, test::app_token);
    const auto events = larder.json("GET", "/api/v1/events?type=admin").at("events").as_array();
    REQUIRE(events.size() == 1);
    const std::string line = boost::json::value_to<std::string>(events.front().as_object().at("text"));
    CHECK_THAT(line, contains("app@127.0.0.1 DELETE /api/v1/cache/invalidate/tag?tag=category:7 -> 200"));
    CHECK_THAT(line, !contains(test::app_token));
}

TEST_CASE("bad input is told what is wrong with it, and changes nothing") {
    Served larder(policy);
    REQUIRE(larder.put("user_details:42") == LARDER_OK);
    const auto status = [&](const char* method, const char* path, const char* body = "") { return larder.ask(method, path, body).status; };
    CHECK(status("DELETE", "/api/v1/cache/invalidate/pattern") == 400);
    CHECK(status("DELETE", "/api/v1/cache/invalidate/tag?tag=") == 400);
    CHECK(status("DELETE", "/api/v1/cache/invalidate/tag?tag=%zz") == 400);
    CHECK(status("DELETE", "/api/v1/cache/invalidate/tag?tag=a%0ab") == 400);
    CHECK(status("DELETE", "/api/v1/cache/invalidate/namespace/user_detials") == 404);
    CHECK_THAT(larder.ask("DELETE", "/api/v1/cache/invalidate/namespace/user_detials").body, contains("user_details"));
    CHECK(status("POST", "/api/v1/admin/cache/invalidate", "{") == 400);
    CHECK(status("POST", "/api/v1/admin/cache/invalidate", "[]") == 400);
    CHECK(status("POST", "/api/v1/admin/cache/invalidate", "{}") == 400);
    CHECK(status("POST", "/api/v1/admin/cache/invalidate", R"({"patterns": 7})") == 400);
    CHECK(status("POST", "/api/v1/admin/cache/invalidate", R"({"patterns": ["user_details:*"], "firm_id": "7"})") == 400);
    CHECK(status("GET", "/api/v1/cache/stats?namespace=nothing") == 404);
    CHECK(status("POST", "/api/v1/route", R"({"method": "PUT", "path": "/x", "status": 9999})") == 400);
    CHECK(larder.has("user_details:42"));
}

TEST_CASE("files of the page are shown without a token, and nothing outside their folder") {
    test::TemporaryFolder folder;
    folder.write("index.html", "<title>larder</title>");
    folder.write("app.js", "1");
    folder.write("secret.key", "no");
    Served larder(policy, "pages = \"" + folder.file("") + "\"");
    CHECK_THAT(larder.ask("GET", "/ui/", {}, "").body, contains("<title>"));
    CHECK(larder.ask("GET", "/ui/app.js", {}, "").content_type == "text/javascript; charset=utf-8");
    CHECK(larder.ask("GET", "/", {}, "").status == 302);
    for (const char* path : {"/ui/secret.key", "/ui/../p.larder", "/ui/%2e%2e/p.larder", "/ui/..%2fp.larder", "/ui//etc/passwd", "/ui/nothing.js"}) {
        INFO(path);
        CHECK(larder.ask("GET", path, {}, "").status == 404);
    }
}

TEST_CASE("a host is called once when an alert fires and once when it is resolved, by the alert's name") {
    Served larder("larder 1\nnamespace user { key \"{id}\"; ttl 5m }\nalert low_hit_rate when hit_rate < 80% for 1h -> log\n");
    std::vector<std::string> heard;
    larder.kernel->on_alert([&](const AlertNotice& notice) { heard.push_back((notice.state.firing ? "fires " : "resolved ") + notice.state.name); });
    for (int i = 0; i < 10; ++i) larder.has("user:" + std::to_string(i));
    larder.json("POST", "/api/v1/alerts/check");
    larder.json("POST", "/api/v1/alerts/check");
    larder.put("user:1");
    for (int i = 0; i < 1000; ++i) larder.has("user:1");
    larder.json("POST", "/api/v1/alerts/check");
    CHECK(heard == std::vector<std::string>{"fires low_hit_rate", "resolved low_hit_rate"});
    CHECK(larder.json("GET", "/api/v1/alerts").at("alerts").as_array().front().as_object().at("firing") == false);
}
