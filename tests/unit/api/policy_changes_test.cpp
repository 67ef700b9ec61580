// tests/unit/api/policy_changes_test.cpp -- what a reload says of itself.
#include "catch.hpp"
#include "dsl/compile.hpp"
#include "kernel/api/policy_changes.hpp"

using namespace larder;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<const dsl::Policy> policy(const std::string& text, const std::string& profile = {}) {
    dsl::CompileOptions options;
    options.profile = profile;
    const auto compiled = dsl::compile_text("test.larder", "larder 1\n" + text, options);
    INFO(dsl::render_text(*compiled.sources, compiled.found, false));
    REQUIRE(compiled.ok());
    return compiled.policy;
}

std::vector<std::string> changes(const std::string& before, const std::string& after) {
    return api::policy_changes(*policy(before), *policy(after));
}

const std::string item = "namespace item { key \"{id}\"; ttl 5m }\n";

}  // namespace

TEST_CASE("durations are told as policies write them") {
    CHECK(api::duration_text(0ms) == "0s");
    CHECK(api::duration_text(250ms) == "250ms");
    CHECK(api::duration_text(90s) == "1m30s");
    CHECK(api::duration_text(24h) == "1d");
}

TEST_CASE("the same policy with other blanks, comments and order of rules changes nothing") {
    const std::string rules = "on event \"a\" { drop item }\non event \"b\" (id) { drop item \"{id}\" }\n";
    const std::string other = "on event \"b\" (id) { drop item \"{id}\" }\n# why\non event \"a\" { drop item }\n";
    CHECK(changes(item + rules, item + "\n\n" + other).empty());
}

TEST_CASE("a changed lifetime is told from what to what, and cools nothing") {
    const auto said = changes(item, "namespace item { key \"{id}\"; ttl 10m }\n");
    CHECK(said == std::vector<std::string>{"namespace item: ttl 5m -> 10m"});
}

TEST_CASE("a changed key is told, and that the entries are misses now") {
    const auto said = changes(item, "namespace item { key \"{id}:{lang}\"; ttl 5m }\n");
    REQUIRE(said.size() == 1);
    CHECK_THAT(said[0], test::contains("key {id} -> {id}:{lang}"));
    CHECK_THAT(said[0], test::contains("misses"));
}

TEST_CASE("namespaces, rules and profiles that come and go are told by name") {
    const std::string rule = "on write \"/items/{id}\" { drop item \"{id}\" }\n";
    const auto said = changes(item + rule, "namespace other { key \"{id}\"; ttl 5m }\n");
    CHECK(said == std::vector<std::string>{"namespace other: added", "namespace item: removed",
                                           "rule on write \"/items/{id}\": removed"});
    const auto stronger = changes(item + rule, item + "on write \"/items/{id}\" { drop item }\n");
    REQUIRE(stronger.size() == 1);
    CHECK_THAT(stronger[0], test::contains("does something else"));

    const std::string profiled = item + "profile fast { namespace item { ttl 1m } }\n";
    const auto switched = api::policy_changes(*policy(profiled), *policy(profiled, "fast"));
    CHECK(switched == std::vector<std::string>{"profile: none -> fast", "namespace item: ttl 5m -> 1m"});
}
