// tests/unit/api/change_events_test.cpp -- invalidations as exporters read them.
#include "catch.hpp"
#include "kernel/api/change_events.hpp"

using namespace larder;

TEST_CASE("an invalidation is told with its action, its target and the namespaces it reaches") {
    CHECK(api::json_of({{dsl::Action::drop, dsl::TargetKind::tag, "user%3A42", {}}, {dsl::Action::expire, dsl::TargetKind::everything, "", {}}}) ==
          R"({"changes":[{"action":"drop","target":"tag","text":"user%3A42"},{"action":"expire","target":"everything"}]})");
    CHECK(api::json_of({{dsl::Action::refresh, dsl::TargetKind::namespace_, "", {"shop", "shop.menu"}}}) ==
          R"({"changes":[{"action":"refresh","target":"namespace","namespaces":["shop","shop.menu"]}]})");
    CHECK(api::json_of({{dsl::Action::drop, dsl::TargetKind::key, "42", {"user"}}, {dsl::Action::drop, dsl::TargetKind::matching, "4*", {"user"}}}) ==
          R"({"changes":[{"action":"drop","target":"key","text":"42","namespaces":["user"]},{"action":"drop","target":"matching","text":"4*","namespaces":["user"]}]})");
}

TEST_CASE("where no exporter takes changes, nobody is told and nothing is made") {
    SystemClock clock;
    CHECK_FALSE(api::change_events(config::Graph{}, nullptr, clock));
}
