// tests/unit/policies/seed_domains_test.cpp -- every kind of data that the five systems' documents show has its
// place in a policy: a key as a client writes it, a lifetime, tags, and what makes it go.
#include "seed_system.hpp"

#include <functional>

using namespace larder;
using namespace larder::test;
using namespace std::chrono_literals;

namespace {

using Change = std::function<void(SeedSystem&)>;

Change wrote(const char* method, const char* path, With headers = {}, const char* body = "") {
    return [=](SeedSystem& s) { s.request(method, path, headers, body); };
}
Change happened(const char* event, With values = {}) {
    return [=](SeedSystem& s) { s.event(event, values); };
}

struct Domain {
    const char* system;
    const char* words;  // of its document
    const char* policy;
    const char* client_key;  // as a Redis client writes it
    const char* space;       // where that belongs
    std::chrono::seconds life;
    With with;
    std::vector<const char*> tags;
    Change change;  // what makes it go
};

const With tenant{{"tenant_id", "1"}};
const With dish{{"tenant_id", "1"}, {"category_id", "5"}};
const With t1{{"X-Tenant-Id", "1"}};

// Today is 2023-11-14.
const std::vector<Domain>& domains() {
    static const std::vector<Domain> rows{
        {"AuraConnect", "Menu items", "auraconnect", "menu:item:123:t1", "menu.item", 1h, dish, {"tenant:1", "menu_items", "category:5"},
         wrote("PUT", "/api/v1/menu/items/123", t1, R"({"category_id": "9"})")},
        {"AuraConnect", "categories", "auraconnect", "menu:category:5:t1", "menu.category", 1h, tenant, {"tenant:1", "menu_items", "category:5"},
         wrote("PATCH", "/api/v1/menu/categories/5")},
        {"AuraConnect", "recipes", "auraconnect", "menu:recipe:123:t1", "menu.recipe", 1h, tenant, {"tenant:1", "menu_items"},
         wrote("PUT", "/api/v1/menu/recipes/123", t1)},
        {"AuraConnect", "recipe cost {total, per_serving}", "auraconnect", "menu:recipe_cost:123:t1", "menu.recipe_cost", 1h, tenant,
         {"tenant:1", "menu_items", "recipe_costs"}, happened("prices_changed")},
        {"AuraConnect", "Dashboard data", "auraconnect", "analytics:dashboard:2024-01-15:2024-01-22:t1", "analytics.dashboard", 5min, tenant,
         {"tenant:1"}, wrote("POST", "/api/v1/orders")},
        {"AuraConnect", "dashboard with filters {location: 1}", "auraconnect", "analytics:filtered:2023-11-14:2023-11-14:location=1:t1",
         "analytics.filtered", 5min, tenant, {"tenant:1"}, wrote("POST", "/api/v1/orders")},
        {"AuraConnect", "reports", "auraconnect", "analytics:report:hours:2023-10-01:2023-10-31:t1", "analytics.report", 4h, tenant, {"tenant:1"},
         happened("month_closed", {{"month", "2023-10"}})},
        {"AuraConnect", "sales:2024-01-*", "auraconnect", "analytics:sales:2023-10-17:t1", "analytics.sales", 4h, tenant, {"tenant:1"},
         happened("month_closed", {{"month", "2023-10"}})},
        {"AuraConnect", "AI insights (demand_prediction, next_week)", "auraconnect", "analytics:insights:demand_prediction:next_week:t1",
         "analytics.insights", 1h, tenant, {"tenant:1"}, happened("insights_ready", {{"insight_type", "demand_prediction"}})},
        {"AuraConnect", "Stock levels", "auraconnect", "inventory:stock:A1:t1", "inventory.stock", 10min, tenant, {"tenant:1"},
         wrote("PATCH", "/api/v1/inventory/A1", t1)},
        {"AuraConnect", "movements", "auraconnect", "inventory:movements:A1:2023-11-14:t1", "inventory.movements", 10min, tenant, {"tenant:1"},
         wrote("POST", "/api/v1/inventory/A1/movements", t1)},
        {"AuraConnect", "Schedules", "auraconnect", "staff:schedule:7:2023-W46:t1", "staff.schedule", 30min, tenant, {"tenant:1"},
         wrote("PUT", "/api/v1/staff/7/schedule")},
        {"AuraConnect", "availability", "auraconnect", "staff:availability:7:2023-11-14:t1", "staff.availability", 30min, tenant, {"tenant:1"},
         wrote("PUT", "/api/v1/staff/7/availability")},
        {"AuraConnect", "Active orders", "auraconnect", "orders:active:restaurant:5:table:10", "orders.active", 5min, tenant, {"tenant:1", "active"},
         wrote("POST", "/api/v1/orders/5/items")},
        {"AuraConnect", "Order status", "auraconnect", "orders:status:991", "orders.status", 5min, tenant, {"tenant:1"},
         wrote("PATCH", "/api/v1/orders/991/status")},
        {"AuraConnect", "orders: stats", "auraconnect", "orders:stats:2023-11-14:t1", "orders.stats", 5min, tenant, {"tenant:1"},
         wrote("POST", "/api/v1/orders")},
        {"AuraConnect", "Active promotions", "auraconnect", "promotions:active:all:t1", "promotions.active", 10min, tenant, {"tenant:1"},
         wrote("POST", "/api/v1/promotions")},
        {"AuraConnect", "eligibility", "auraconnect", "promotions:eligibility:summer:42:t1", "promotions.eligibility", 10min, tenant, {"tenant:1"},
         wrote("DELETE", "/api/v1/promotions/summer")},

        {"Warehouse", "SQL query results", "warehouse", "sql_query:9f86d081:3c9909af", "sql_query", 300s, {{"table", "stock"}}, {"table:stock"},
         happened("inventory_update", {{"sku", "A1"}})},
        {"Warehouse", "Vector search results", "warehouse", "vector_search:9f86d081:3c9909af", "vector_search", 600s, {}, {}, nullptr},
        {"Warehouse", "Evidence packs", "warehouse", "evidence_pack:9f86d081:3c9909af", "evidence_pack", 1800s, {}, {},
         happened("evidence_updated", {{"query_hash", "9f86d081"}})},
        {"Warehouse", "user context", "warehouse", "user_session:42:context", "user_session", 3600s, {}, {},
         happened("user_logged_out", {{"user_id", "42"}})},
        {"Warehouse", "conversation history", "warehouse", "user_session:42:history:7", "user_session", 3600s, {}, {},
         happened("conversation_ended", {{"user_id", "42"}, {"conversation_id", "7"}})},
        {"Warehouse", "Configuration data", "warehouse", "config_data:limits", "config_data", 86400s, {}, {},
         happened("config_changed", {{"name", "limits"}})},
        {"Warehouse", "inventory cache of a sku", "warehouse", "inventory:stock:A1:berlin", "inventory", 600s, {}, {},
         happened("inventory_update", {{"sku", "A1"}})},
        {"Warehouse", "equipment cache of an asset", "warehouse", "equipment:17", "equipment", 600s, {}, {},
         happened("equipment_update", {{"asset_id", "17"}})},

        {"Hotel", "users", "hotel", "user_details:5779356081", "user_details", 180s, {}, {}, wrote("PUT", "/v1.0/user/update/5779356081")},
        {"Hotel", "users: lists", "hotel", "user_list:1:active", "user_list", 60s, {}, {}, wrote("POST", "/v1.0/user/create")},
        {"Hotel", "users: statistics", "hotel", "user_stats:all", "user_stats", 300s, {}, {}, wrote("DELETE", "/v1.0/user/delete/7")},
        {"Hotel", "points", "hotel", "dashboard_stats:all", "dashboard_stats", 600s, {}, {}, wrote("POST", "/v1.0/points/add")},
        {"Hotel", "permissions", "hotel", "user_details:5779356081", "user_details", 180s, {}, {}, wrote("PUT", "/v1.0/permissions/5779356081")},
        {"Hotel", "user_service:get_user_details:user_id:5779356081", "hotel", "user_service:get_user_details:user_id:5779356081", "user_service",
         300s, {}, {}, wrote("PUT", "/v1.0/user/update/5779356081")},

        {"Panic", "user subscriptions", "panic", "user:subscriptions:9", "user.subscriptions", 3600s, {}, {}, wrote("PATCH", "/users/9/subscriptions")},
        {"Panic", "User groups", "panic", "user:groups:9", "user.groups", 1800s, {}, {}, wrote("POST", "/users/9/groups")},
        {"Panic", "user dashboard", "panic", "user:dashboard:9", "user.dashboard", 900s, {}, {}, wrote("PUT", "/users/9")},
        {"Panic", "firms", "panic", "firm:details:3", "firm.details", 3600s, {}, {"firm:3"}, wrote("PUT", "/firms/3")},
        {"Panic", "Coverage areas", "panic", "firm:coverage_areas:3", "firm.coverage_areas", 3600s, {}, {"firm:3"}, wrote("PUT", "/firms/3/areas")},
        {"Panic", "Active products", "panic", "active_products:all", "active_products", 1800s, {}, {}, wrote("POST", "/products")},
        {"Panic", "product:*", "panic", "product:17", "product", 1800s, {}, {}, wrote("PUT", "/products/17")},
    };
    return rows;
}

}  // namespace

TEST_CASE("every kind of data of the systems' documents has its namespace, lifetime, tags and end", "[seeds]") {
    for (const Domain& row : domains()) {
        INFO(row.system << ": " << row.words << " -> " << row.policy << ": " << row.client_key);
        SeedSystem system(row.policy);
        std::uint32_t ns = 0, prefix = 0;
        REQUIRE(system.cache().resolve(row.client_key, LARDER_NS_NONE, &ns, &prefix) == LARDER_OK);
        CHECK(ns == system.ns(row.space));
        const std::string key = std::string(row.client_key).substr(prefix);
        const dsl::Namespace& space = system.space(row.space);

        REQUIRE(system.put(row.space, key, "value", row.with) == LARDER_OK);
        const auto got = system.get(row.space, key);
        REQUIRE(got);
        CHECK(got->value == "value");
        CHECK(got->left <= row.life);
        CHECK(got->left >= row.life * 9 / 10);

        CHECK(space.tags.size() + space.late_tags.size() == row.tags.size());
        for (const char* tag : row.tags) {
            INFO("tag " << tag);
            REQUIRE(system.put(row.space, key, "value", row.with) == LARDER_OK);
            REQUIRE(system.has(row.space, key));
            system.drop(LARDER_TARGET_TAG, "", tag);
            CHECK_FALSE(system.has(row.space, key));
        }

        if (!row.change) {
            CHECK(space.is_static);
            continue;
        }
        REQUIRE(system.put(row.space, key, "value", row.with) == LARDER_OK);
        row.change(system);
        CHECK_FALSE(system.has(row.space, key));
    }
}

TEST_CASE("what the systems' services invalidate by hand is an event or a tag of the policy", "[seeds]") {
    SeedSystem panic("panic");
    const auto fill = [&panic] {
        for (const char* id : {"9", "10"})
            for (const char* space : {"user.profile", "user.subscriptions", "user.groups", "user.dashboard",
                                      "firm.details", "firm.coverage_areas"})
                REQUIRE(panic.put(space, id, "value") == LARDER_OK);
    };
    fill();
    panic.event("user_changed", {{"user_id", "9"}});  // invalidate_user_cache
    for (const char* space : {"user.profile", "user.subscriptions", "user.groups", "user.dashboard"}) {
        INFO(space);
        CHECK_FALSE(panic.has(space, "9"));
        CHECK(panic.has(space, "10"));
    }
    CHECK(panic.has("firm.details", "9"));
    panic.event("firm_changed", {{"firm_id", "9"}});  // invalidate_firm_cache
    for (const char* space : {"firm.details", "firm.coverage_areas"}) {
        INFO(space);
        CHECK_FALSE(panic.has(space, "9"));
        CHECK(panic.has(space, "10"));
    }

    SeedSystem hotel("hotel");  // CacheKeys.invalidate_user_caches(user_id), then of all users
    REQUIRE(hotel.put("user_details", "7", "value") == LARDER_OK);
    REQUIRE(hotel.put("user_details", "8", "value") == LARDER_OK);
    hotel.event("user_changed", {{"user_id", "7"}});
    CHECK_FALSE(hotel.has("user_details", "7"));
    CHECK(hotel.has("user_details", "8"));
    hotel.event("users_changed");
    CHECK_FALSE(hotel.has("user_details", "8"));
}
