// tests/unit/admin/seeds_test.cpp -- each seed's documented endpoint, at its path, by its method, in its shape.
//
// What is quoted is from the documents of the five applications. Members may be more than they name; the
// ones they name are there, with the types they have there (null where this host has no such figure).
#include "catch.hpp"
#include "tests/unit/admin/served.hpp"

using namespace larder;
using test::contains;
using test::Served;

namespace {

namespace json = boost::json;

bool is_number(const json::value& value) { return value.is_number(); }

// Whether `given` has every member that `quoted` has, of the same kind all the way down.
std::string differs(const json::value& quoted, const json::value& given, const std::string& at) {
    if (given.is_null() && !quoted.is_object()) return {};
    if (is_number(quoted) && is_number(given)) return {};
    if (quoted.kind() != given.kind()) return at + " is of another kind";
    if (!quoted.is_object()) return {};
    for (const auto& member : quoted.as_object()) {
        const auto* const found = given.as_object().if_contains(member.key());
        const std::string name = at + "." + std::string(member.key());
        if (found == nullptr) return name + " is not there";
        if (auto why = differs(member.value(), *found, name); !why.empty()) return why;
    }
    return {};
}

void fill(Served& larder) {
    for (const char* key : {"user_stats:1", "user_stats:2", "user_list:1", "user_details:5779356081", "dashboard_stats:all"}) {
        INFO(key);
        larder.put(key, "{}");
    }
}

const char* const hotel = "@policies/hotel.larder";
const char* const entities = "user_id = \"user_changed\"";

}  // namespace

TEST_CASE("H: GET /v1.0/cache/health") {
    Served larder(hotel, "", entities);
    const auto reply = larder.ask("GET", "/v1.0/cache/health");
    CHECK(reply.status == 200);
    CHECK(differs(json::parse(R"({"success": true, "cache_info": {"status": "available", "redis_version": "7.0.5",
        "used_memory": "2.5M", "connected_clients": 3, "hit_rate": 85.2}})"), json::parse(reply.body), "") == "");
}

TEST_CASE("H: GET /v1.0/cache/health/detailed") {
    Served larder(hotel, "", entities);
    fill(larder);
    const auto reply = larder.ask("GET", "/v1.0/cache/health/detailed");
    CHECK(differs(json::parse(R"({"success": true, "timestamp": "2024-12-17T15:30:00Z",
        "cache_info": {"status": "available", "redis_version": "7.0.5", "used_memory": "2.5M", "connected_clients": 3, "hit_rate": 85.2},
        "detailed_statistics": {
          "key_counts": {"user_stats_keys": 45, "user_list_keys": 12, "user_details_keys": 234, "dashboard_stats_keys": 8, "total_keys": 299},
          "memory_usage": {"used_memory": "2.5M", "used_memory_peak": "3.1M", "memory_fragmentation_ratio": 1.15},
          "connections": {"connected_clients": 3, "total_connections_received": 1247, "uptime_in_seconds": 86400},
          "performance": {"keyspace_hits": 8542, "keyspace_misses": 1458, "hit_rate": 85.42},
          "redis_version": "7.0.5", "redis_mode": "standalone"}})"), json::parse(reply.body), "") == "");
    const auto counts = json::parse(reply.body).at("detailed_statistics").at("key_counts").as_object();
    CHECK(counts.at("user_stats_keys") == 2);
    CHECK(counts.at("user_details_keys") == 1);
    CHECK(counts.at("total_keys").to_number<int>() >= 4);
}

TEST_CASE("H: 8542 hits and 1458 misses are a hit rate of 85.42 per cent") {
    Served larder(hotel);
    REQUIRE(larder.put("user_details:1") == LARDER_OK);
    for (int i = 0; i < 8542; ++i) larder.has("user_details:1");
    for (int i = 0; i < 1458; ++i) larder.has("user_details:2");
    const auto performance = larder.json("GET", "/v1.0/cache/health/detailed").at("detailed_statistics").at("performance").as_object();
    CHECK(performance.at("keyspace_hits") == 8542);
    CHECK(performance.at("keyspace_misses") == 1458);
    CHECK(performance.at("hit_rate") == 85.42);
    CHECK(larder.json("GET", "/v1.0/cache/health").at("cache_info").as_object().at("hit_rate") == 85.42);
    CHECK(larder.json("GET", "/api/v1/cache/stats").at("overall").as_object().at("hit_rate") == 85.42);
}

TEST_CASE("H: POST /v1.0/cache/clear, clear/user/{user_id} and warm, GET stats") {
    Served larder(hotel, "", entities);
    fill(larder);
    const auto one = larder.json("POST", "/v1.0/cache/clear/user/5779356081");
    CHECK(one.at("success") == true);
    CHECK(one.at("message") == "Cache cleared for user 5779356081");
    CHECK_FALSE(larder.has("user_details:5779356081"));
    const auto all = larder.json("POST", "/v1.0/cache/clear");
    CHECK(all.at("message") == "All user caches cleared successfully");
    CHECK_FALSE(larder.has("user_stats:1"));
    CHECK(differs(json::parse(R"({"success": true, "cache_info": {"status": "available", "redis_version": "7.0.5", "hit_rate": 85.2},
        "key_counts": {"user_stats_keys": 45, "user_list_keys": 12, "user_details_keys": 234, "dashboard_stats_keys": 8, "total_keys": 299}})"),
        larder.json("GET", "/v1.0/cache/stats"), "") == "");
    const auto warm = larder.ask("POST", "/v1.0/cache/warm");
    CHECK(warm.status == 501);  // warming is not built yet, and nothing pretends it was
    CHECK_THAT(warm.body, contains("\"success\":false"));
}

TEST_CASE("H: GET /v1.0/cache/test") {
    Served larder(hotel);
    CHECK(differs(json::parse(R"({"success": true, "test_results": {"cache_available": true, "set_operation": true, "get_operation": true,
        "exists_operation": true, "delete_operation": true, "get_after_delete": true}})"), larder.json("GET", "/v1.0/cache/test"), "") == "");
    const auto answer = larder.json("GET", "/v1.0/cache/test");
    for (const auto& result : answer.at("test_results").as_object()) CHECK(result.value() == true);
}

TEST_CASE("A: GET health, stats?namespace=, metrics under /api/v1/cache") {
    Served larder("@policies/auraconnect.larder");
    CHECK(larder.ask("GET", "/api/v1/cache/health").status == 200);
    const auto stats = larder.json("GET", "/api/v1/cache/stats?namespace=menu");
    CHECK(differs(json::parse(R"({"overall": {"hit_rate": 85.5, "average_latency_ms": 2.3, "total_operations": 10000}, "by_namespace": {}})"), stats, "") == "");
    for (const auto& space : stats.at("by_namespace").as_object()) CHECK(space.key().starts_with("menu"));
    CHECK(stats.at("by_namespace").as_object().contains("menu.item"));
}

TEST_CASE("A: DELETE invalidate by pattern, tag and namespace, POST warm/{name}: admins only") {
    Served larder("@policies/auraconnect.larder");
    for (const char* path : {"/api/v1/cache/invalidate/pattern?pattern=orders:*", "/api/v1/cache/invalidate/tag?tag=tenant:1",
                             "/api/v1/cache/invalidate/namespace/analytics"}) {
        INFO(path);
        CHECK(larder.ask("DELETE", path).status == 200);
        CHECK(larder.ask("DELETE", path, {}, test::reader_token).status == 403);
        CHECK(larder.ask("DELETE", path, {}, "").status == 401);
    }
    CHECK(larder.ask("POST", "/api/v1/cache/warm/menu").status == 501);
    CHECK(larder.ask("POST", "/api/v1/cache/warm/menu", {}, test::reader_token).status == 403);
}

TEST_CASE("P: /api/v1/admin/cache has stats, invalidate, warm and health") {
    Served larder("@policies/panic.larder", "", "user_id = \"user_changed\"\nfirm_id = \"firm_changed\"");
    larder.put("user:profile:user-uuid");
    larder.put("product:7");
    larder.put("firm:details:firm-uuid");
    CHECK(larder.ask("GET", "/api/v1/admin/cache/stats").status == 200);
    CHECK(larder.ask("GET", "/api/v1/admin/cache/health").status == 200);
    const auto done = larder.json("POST", "/api/v1/admin/cache/invalidate",
                                  R"({"patterns": ["user:*", "product:*"], "user_id": "user-uuid", "firm_id": "firm-uuid"})");
    CHECK(done.at("success") == true);
    for (const char* key : {"user:profile:user-uuid", "product:7", "firm:details:firm-uuid"}) CHECK_FALSE(larder.has(key));
    CHECK(larder.ask("POST", "/api/v1/admin/cache/warm", R"({"cache_names": ["active_products", "coverage_areas"]})").status >= 400);
    CHECK(larder.ask("POST", "/api/v1/admin/cache/warm", R"({"cache_names": ["active_products"]})").status == 501);
}

TEST_CASE("E: /api/v1/monitoring/cache/v2 has performance, compression, memory and the flow; patterns say what would learn them") {
    Served larder("@policies/enhanced.larder");
    const std::string at = "/api/v1/monitoring/cache/v2/";
    const auto performance = larder.json("GET", at + "performance");
    for (const char* part : {"performance", "compression", "multi_level"}) CHECK(performance.at(part).is_object());
    CHECK(larder.json("GET", at + "compression/stats").at("recommendations").is_array());
    CHECK(larder.json("GET", at + "memory/stats").at("by_namespace").is_object());
    const auto levels = larder.json("GET", at + "multi-level/flow").at("levels").as_array();
    CHECK(levels.size() >= 1);
    CHECK(levels.front().as_object().at("level") == "L1");
    const auto patterns = larder.ask("GET", at + "patterns/analysis");
    CHECK(patterns.status == 501);
    CHECK_THAT(patterns.body, contains("plugin that learns"));
}
