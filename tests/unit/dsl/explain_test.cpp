// tests/unit/dsl/explain_test.cpp -- the answers people get, word for word where it matters.
#include "dsl/explain.hpp"

#include "catch.hpp"
#include "unit/dsl/compiling.hpp"

using namespace larder::dsl;
using namespace larder::dsl::test;
using larder::test::contains;

namespace {

std::shared_ptr<const Policy> seed(const std::string& name) {
    const Compiled c = compile_text(
        name, file_text(std::string(LARDER_SOURCE_DIR) + "/tests/policy/" + name), plain_options());
    INFO(rendered(c));
    REQUIRE(c.ok());
    return c.policy;
}

}  // namespace

TEST_CASE("a request is explained with its rule, its bindings and what goes") {
    CHECK(explain_request(*seed("3_hotel.larder"), {"PUT", "/v1.0/user/update/42", 200, {}}) ==
          "PUT /v1.0/user/update/42\n"
          "  rule at 3_hotel.larder:19  on write \"/v1.0/user/update/{user_id}\"\n"
          "    {user_id} = \"42\"\n"
          "    drop user_stats  (every entry)\n"
          "    drop user_list  (every entry)\n"
          "    drop dashboard_stats  (every entry)\n"
          "    drop superadmin_user_list  (every entry)\n"
          "    drop user_details \"42\"\n");
}

TEST_CASE("what depends on a dropped entry is named") {
    const std::string text =
        explain_request(*seed("5_panic.larder"), {"DELETE", "/users/9?x=1", 204, {}});
    CHECK_THAT(
        text,
        contains("drop user.profile \"9\"\n      then user.dashboard, which depends on it\n"));
    CHECK_THAT(text, contains("end session login of \"9\""));
    CHECK_THAT(text, contains("does not fire on status 204") || contains("5_panic.larder:30"));
}

TEST_CASE("a rule that matches but does not fire on the status says so") {
    CHECK_THAT(explain_request(*seed("3_hotel.larder"), {"PUT", "/v1.0/user/update/42", 422, {}}),
               contains("does not fire on status 422"));
    CHECK_THAT(explain_request(*seed("3_hotel.larder"), {"GET", "/nothing", 200, {}}),
               contains("no rule fires"));
    CHECK_THAT(explain_request(*seed("3_hotel.larder"), {"FETCH", "/", 200, {}}),
               contains("no such method"));
}

TEST_CASE("values that the path does not give are named until they are given") {
    const auto p = seed("1_auraconnect.larder");
    CHECK_THAT(explain_request(*p, {"PUT", "/api/v1/inventory/A1", 200, {}}),
               contains("{tenant_id} is not given  (header \"X-Tenant-Id\")"));
    CHECK_THAT(explain_request(*p, {"PUT", "/api/v1/inventory/A%31", 200, {{"tenant_id", "7"}}}),
               contains("drop inventory \"A1:t7\""));
}

TEST_CASE("an event is explained, and a misspelt one finds its neighbour") {
    const auto p = seed("2_warehouse.larder");
    CHECK_THAT(explain_event(*p, "inventory_update", {{"sku", "A1"}}),
               contains("drop inventory matching \"stock:A1:*\""));
    CHECK_THAT(explain_event(*p, "inventory_updat", {}),
               contains("did you mean `inventory_update`?"));
}

TEST_CASE("an entry is explained with its life, its tags and what can drop it") {
    const auto p = seed("2_warehouse.larder");
    const std::string text = explain_entry(*p, "inventory", "stock:A1:berlin");
    CHECK_THAT(text, contains("lives 10m"));
    CHECK_THAT(text, contains("inventory_update"));
    CHECK_THAT(text, !contains("equipment_update"));
    CHECK_THAT(explain_entry(*p, "inventory", "berlin"), contains("stock:{sku}:{warehouse}"));
    CHECK_THAT(explain_entry(*p, "inventri", "x"), contains("did you mean `inventory`?"));
}

TEST_CASE("a code's page is its section, and nothing but its section") {
    const auto page = explain_code("L0202");
    REQUIRE(page);
    CHECK(page->rfind("L0202: an unknown namespace\n", 0) == 0);
    CHECK_THAT(*page, contains("    on write \"/users/{user_id}\" { drop user_detials"));
    CHECK_THAT(*page, contains("Fix:"));
    CHECK_THAT(*page, !contains("L0203:"));
    CHECK_FALSE(explain_code("L9999"));
    CHECK_FALSE(explain_code("L020"));
    CHECK(all_codes().size() > 60);
}
