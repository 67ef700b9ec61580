// tests/unit/analysis/promise_test.cpp -- guarantees: proven for all requests, or refuted with one
// that breaks them.
#include "catch.hpp"
#include "unit/dsl/compiling.hpp"

using namespace larder::dsl;
using namespace larder::dsl::test;
using larder::test::contains;

namespace {

constexpr const char* spaces =
    "namespace user { key \"{id}\" }\nnamespace list { key \"all\" }\n"
    "namespace card { key \"{id}\"; depends on user \"{id}\" }\n";

std::string judged(const std::string& rules, const std::string& promise) {
    std::string out;
    const Compiled c = compiled(spaces + rules + "guarantee \"g\" { " + promise + " }\n");
    for (const Diagnostic& d : c.found) {
        if (d.code != "L0309") continue;
        out = d.message;
        for (const std::string& note : d.notes) out += "; " + note;
    }
    return out;
}

bool holds(const std::string& rules, const std::string& promise) {
    return judged(rules, promise).empty();
}

}  // namespace

TEST_CASE("two rules that each answer for some statuses keep a promise together") {
    const std::string rules =
        "on PUT \"/u\" status 2xx { drop list }\non PUT \"/u\" status 3xx { drop list }\n";
    CHECK(holds(rules, "on PUT \"/u\" always drops list"));
    CHECK_THAT(judged(rules, "on PUT \"/u\" status 2xx, 404 always drops list"),
               contains("`PUT /u` answered with `404`"));
}

TEST_CASE("a rule for other statuses than the promise's does not break a `never`") {
    CHECK(holds("on PUT \"/u\" status 404 { drop list }\n", "on PUT \"/u\" never drops list"));
    CHECK_FALSE(holds("on PUT \"/u\" status 404 { drop list }\n",
                      "on PUT \"/u\" status 4xx never drops list"));
}

TEST_CASE("a value from a header is not the segment of the path that has its name") {
    CHECK_FALSE(holds("on PUT \"/u/**\" { let id = header \"Id\"; drop user \"{id}\" }\n",
                      "on PUT \"/u/{id}\" always drops user \"{id}\""));
    CHECK(holds("on PUT \"/*/{who}\" { drop user \"{who}\" }\n",
                "on PUT \"/u/{id}\" always drops user \"{id}\""));
    CHECK(holds("on PUT \"/u/{who...}\" { drop user \"{who}\" }\n",
                "on PUT \"/u/{id}\" always drops user \"{id}\""));
}

TEST_CASE("a refresh drops, so it keeps `always drops` and breaks `never drops`") {
    const std::string rules = "on PUT \"/u\" { refresh list }\n";
    CHECK(holds(rules, "on PUT \"/u\" always drops list"));
    CHECK_FALSE(holds(rules, "on PUT \"/u\" never drops list"));
    CHECK(holds("on PUT \"/u\" { drop list, user }\n", "on PUT \"/u\" always drops list, user"));
}

TEST_CASE("what goes because of a dependency or a rule on drop of breaks a `never`") {
    CHECK_THAT(
        judged("on PUT \"/u/{id}\" { drop user \"{id}\" }\n", "on PUT \"/u/**\" never drops card"),
        contains("`PUT /u/"));
    CHECK_FALSE(holds("on PUT \"/u/{id}\" { drop user \"{id}\" }\non drop of user { drop list }\n",
                      "on PUT \"/u/**\" never drops list"));
}

TEST_CASE("rules on drop of keep a promise, with the values of the key that is dropped") {
    const std::string put = "on PUT \"/u/{x}\" { drop user \"{x}\" }\n";
    CHECK(holds(put + "on drop of user \"{y}\" { drop card \"{y}\" }\n",
                "on PUT \"/u/{z}\" always drops card \"{z}\""));
    CHECK(holds(put + "on drop of user { drop list }\n", "on PUT \"/u/{z}\" always drops list"));
    CHECK_FALSE(holds(put, "on PUT \"/u/{z}\" always drops list"));
}

TEST_CASE(
    "promises about events, topics of plugins and drops are judged like those about requests") {
    CHECK(holds("on event \"sold\" (id) { drop user \"{id}\" }\n",
                "on event \"sold\" (id) always drops user \"{id}\""));
    CHECK_FALSE(holds("on event \"sold\" (id) { drop user \"{id}\" }\n",
                      "on event \"sold\" (sku) always drops user \"{sku}\""));
    CHECK(holds("on bus \"sold\" { drop list }\n", "on bus \"sold\" always drops list"));
    CHECK_THAT(judged("on bus \"sold\" { drop list }\n", "on bus \"lost\" always drops list"),
               contains("event bus:lost"));
    CHECK(holds("on drop of user \"{a}\" { drop card \"{a}\" }\n",
                "on drop of user \"{b}\" always drops card \"{b}\""));
    CHECK_FALSE(holds("on drop of user \"{a}\" { drop list }\n",
                      "on drop of user \"{b}\" never drops list"));
}

TEST_CASE("the rules that fire for a counterexample are named") {
    CHECK_THAT(judged("on PUT \"/u/**\" { drop list }\n", "on write \"/u\" always drops user"),
               contains("counterexample: `DELETE /u`; no rule fires then"));
    CHECK_THAT(judged("on write \"/u/**\" { drop list }\n", "on write \"/u\" always drops user"),
               contains("the rules that fire then do something else: `p.larder:4`"));
}

TEST_CASE("a promise about routes that overlap too much is not called kept") {
    std::string rules;
    for (char c = 'a'; c <= 'p'; ++c)
        rules +=
            std::string("on PUT \"/**/") + c + "/**/" + c + "/**/" + c + "/**\" { drop list }\n";
    CHECK_THAT(judged(rules, "on PUT \"/**\" never drops user"), contains("could not be proven"));
}
