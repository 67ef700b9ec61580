// tests/unit/policies/built_keys_test.cpp -- keys that a host builds of a call are keys of the shipped policies.
#include "dsl/compile.hpp"
#include "tests/catch.hpp"

#include <larder/key.hpp>

using namespace larder;

namespace {

struct Place {
    std::string space, key;
    bool operator==(const Place&) const = default;
};

// Where a client's key belongs in a shipped policy.
Place place(const char* policy, const std::optional<std::string>& key) {
    const std::string path = std::string(LARDER_SOURCE_DIR "/policies/") + policy + ".larder";
    const dsl::Compiled made = dsl::compile({&path, 1}, {});
    REQUIRE(made.ok());
    REQUIRE(key.has_value());
    const auto found = made.policy->resolve(*key);
    REQUIRE(found.has_value());
    return {made.policy->namespaces[found->ns].name, key->substr(found->prefix)};
}

}  // namespace

TEST_CASE("the hotel's key of a decorated call is built of its prefix, function and named argument") {
    const auto key = KeyBuilder("user_service:get_user_details").add("user_id", 5779356081).text();
    CHECK(key == "user_service:get_user_details:user_id:5779356081");
    CHECK(place("hotel", key) == Place{"user_service", "get_user_details:user_id:5779356081"});
}

TEST_CASE("panic's predefined key builders are its namespaces, filled by the one builder") {
    CHECK(place("panic", KeyBuilder("user:subscriptions").add(42).text()) == Place{"user.subscriptions", "42"});
    CHECK(place("panic", KeyBuilder("firm:coverage_areas").add("north").text()) == Place{"firm.coverage_areas", "north"});
    CHECK(place("panic", KeyBuilder("scratch:generate").add(1).add("b", true).add("a", 2.5).text()) ==
          Place{"scratch", "generate:1:a:2.5:b:true"});
}

TEST_CASE("the warehouse's digests of a query and its parameters make the key of its entry") {
    const auto query = key_digest("SELECT sku FROM stock WHERE warehouse = $1");
    const auto params = key_digest(KeyValue::Map{{"limit", 10}, {"warehouse", "north"}});
    REQUIRE((query && params));
    CHECK(params == key_digest(KeyValue::Map{{"warehouse", "north"}, {"limit", 10.0}}));
    CHECK(params != key_digest(KeyValue::Map{{"warehouse", "north"}, {"limit", "10"}}));
    CHECK(place("warehouse", KeyBuilder("sql_query").add(*query).add(*params).text()) ==
          Place{"sql_query", *query + ":" + *params});
}
