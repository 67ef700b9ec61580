// tests/unit/dsl/reach_checks_test.cpp -- findings about rules beside each other, beside the tests of
// the policy, and beside the application: found where they are, and nowhere else.
#include "catch.hpp"
#include "unit/dsl/compiling.hpp"

using namespace larder::dsl;
using namespace larder::dsl::test;

namespace {

using Codes = std::set<std::string>;

const std::string user = "namespace user { key \"{id}\" }\nnamespace list { key \"all\" }\n";

std::string described(const std::string& paths) {
    return "{\"openapi\": \"3.0.2\", \"paths\": {" + paths + "}}";
}

Compiled beside(const std::string& policy, const std::string& text) {
    const CompileOptions::RoutesText routes{"openapi.json", text};
    CompileOptions options = plain_options();
    options.routes = &routes;
    return compiled(policy, options);
}

}  // namespace

TEST_CASE("a rule adds nothing when others fire on all of its requests and do the same") {
    const std::string one = user + "on write \"/users/{id}/**\" { drop user \"{id}\"; drop list }\n";
    CHECK(codes(compiled(one + "on PUT \"/users/{who}/name\" { drop user \"{who}\" }\n")) ==
          Codes{"L0305"});
    CHECK(codes(compiled(one + "on PUT \"/users/{who}/name\" status 201 { drop list }\n")) ==
          Codes{"L0305"});
    // Other requests, another method, another status, another entry, another verb.
    for (const char* rule : {"on PUT \"/people/{who}\" { drop list }",
                             "on GET \"/users/{who}\" { drop list }",
                             "on PUT \"/users/{who}\" status 404 { drop list }",
                             "on PUT \"/users/{x}/{who}\" { drop user \"{who}\" }",
                             "on PUT \"/users/{who}\" { drop user \"1\"; drop list }"}) {
        CAPTURE(rule);
        CHECK(codes(compiled(one + rule + "\n")).count("L0305") == 0);
    }
}

TEST_CASE("a namespace that is dropped takes its entries and those below it along") {
    CHECK(codes(compiled("namespace menu { namespace item { key \"{id}\" } }\n"
                         "on event \"reset\" { drop menu }\non event \"reset\" { drop menu.item }\n")) ==
          Codes{"L0305"});
    CHECK(codes(compiled(user + "on write \"/**\" { drop everything }\n"
                                "on PUT \"/users/{id}\" { drop user \"{id}\" }\n"))
              .count("L0305") == 1);
}

TEST_CASE("several rules together can make one superfluous, and of two equal ones the later goes") {
    const Compiled both = compiled(
        user + "on PUT \"/users/{id}\" { drop user \"{id}\" }\non write \"/**\" { drop list }\n"
               "on PUT \"/users/{who}\" { drop user \"{who}\"; drop list }\n");
    CHECK(codes(both) == Codes{"L0305"});
    const Compiled twice = compiled(
        user + "on write \"/a\" { drop list, user }\non write \"/a\" { drop list, user }\n");
    REQUIRE(twice.found.size() == 1);
    CHECK(twice.sources->place(twice.found[0].primary.at.begin).line == 4);
}

TEST_CASE("what a rule does beside dropping keeps it") {
    const std::string policy = user + "session s { ttl 30m }\non write \"/**\" { drop list, user }\n";
    CHECK(codes(compiled(policy + "on DELETE \"/users/{id}\" { drop list; end session s of \"{id}\" }\n"))
              .empty());
}

TEST_CASE("the narrowest route serves, wherever it stands; a tie is an error with a request") {
    const std::string spaces =
        "namespace user { key \"{id}\"; static }\nnamespace me { key \"all\"; static }\n";
    const Compiled narrow = compiled(spaces + "on GET \"/users/me\" { serve me \"all\" }\n"
                                              "on GET \"/users/{id}\" { serve user \"{id}\" }\n");
    CHECK(codes(narrow).empty());
    REQUIRE(narrow.ok());
    CHECK(narrow.policy->rules[0].serve->narrowness == 1);
    CHECK(narrow.policy->rules[1].serve->narrowness == 0);
    const std::string tie = spaces +
                            "on GET \"/{kind}/me\" { serve user \"{kind}\" }\n"
                            "on GET \"/users/{id}\" { serve user \"{id}\" }\n";
    const Compiled tied = compiled(tie);
    CHECK(codes(tied) == Codes{"L0312"});
    CHECK(rendered(tied).find("`GET /users/me`") != std::string::npos);
    CHECK(codes(compiled(tie + "on GET \"/users/me\" { serve me \"all\" }\n")).empty());
    CHECK(codes(compiled(spaces + "on GET \"/users/{id}\" { serve user \"{id}\" }\n"
                                  "on GET \"/users/{id}\" { serve me \"all\" }\n"))
              .count("L0312") == 1);
}

TEST_CASE("a rule that serves under a head that did not parse is judged by nobody") {
    const Compiled c = compiled(
        "namespace a { key \"{id}\"; static }\nnamespace b { key \"{x}\" }\n"
        "on GET /x {\n  serve a \"{id}\"\n  drop b \"{x}\"\n}\n");
    CHECK(codes(c) == Codes{"L0101"});
}

TEST_CASE("an alert that can never fire says which part cannot be") {
    const auto found = [](const std::string& condition) {
        return codes(compiled("alert a when " + condition + " -> log\n"));
    };
    for (const char* bad :
         {"hit_rate > 100%", "hit_rate < 0%", "hit_rate < 80", "error_rate >= 101%", "misses < 0",
          "hit_rate >= 0%", "compression_ratio > 150%", "breaker(l2) is opne",
          "misses > 10 and misses < 5", "breaker(l2) is open and breaker(l2) is closed",
          "hit_rate < 80% or miss_rate > 200%", "hit_rate is low"}) {
        CAPTURE(bad);
        CHECK(found(bad) == Codes{"L0315"});
    }
    for (const char* good :
         {"hit_rate < 80%", "hit_rate <= 100% and misses > 5", "misses > 5 and misses < 10",
          "hit_rate(a) < 50% and hit_rate > 60%", "breaker(l2) is half_open", "entries = 0",
          "compression_ratio < 0%", "latency_p95 > 100ms", "hit_rate = 100%"}) {
        CAPTURE(good);
        CHECK(codes(compiled("namespace a { key \"x\" }\nalert a when " + std::string(good) +
                             " -> log\n"))
                  .count("L0315") == 0);
    }
}

TEST_CASE("memory that no other node tells of drops is found where a shared store is configured") {
    CompileOptions o = plain_options();
    o.catalog = &small_catalog();
    const std::string rule = "on write \"/menu\" { drop menu }\n";
    const auto with = [&](const std::string& clauses) {
        return codes(compiled("namespace menu { key \"all\"; ttl 5m; " + clauses + " }\n" + rule, o));
    };
    CHECK(with("tiers l1 1m") == Codes{"L0308"});
    CHECK(with("tiers l1 1m -> l2").empty());
    CHECK(with("tiers l2").empty());
    CHECK(with("tiers l1; static").empty());
    Catalog alone = small_catalog();
    alone.stores.resize(1);
    o.catalog = &alone;
    CHECK(with("tiers l1 1m").empty());
}

TEST_CASE("of a namespace one store outlives the process, or two that all nodes share; others are an error") {
    CompileOptions o = plain_options();
    o.catalog = &catalog_with_a_file();
    const std::string rule = "on write \"/menu\" { drop menu }\n";
    const auto with = [&](const std::string& clauses) {
        return codes(compiled("namespace menu { key \"all\"; ttl 5m; " + clauses + " }\n" + rule, o));
    };
    CHECK(with("tiers l1 -> l2").empty());
    CHECK(with("tiers l1 -> l3") == Codes{"L0308"});
    CHECK(with("tiers l1 -> l3; static").empty());
    CHECK(with("tiers l1 -> l3 -> l2") == Codes{"L0338"});
    CHECK(with("") == Codes{"L0338"});
    o.catalog = &catalog_with_a_database();
    CHECK(with("tiers l1 -> l2 -> l3").empty());
    CHECK(with("").empty());
}

TEST_CASE("a rule that no test sets off is told of only when that is asked") {
    const std::string policy =
        "namespace a { key \"{id}\" }\nnamespace b { key \"all\" }\n"
        "on PUT \"/a/{id}\" { drop a \"{id}\" }\non DELETE \"/a/{id}\" { drop a }\n"
        "on drop of a { drop b }\non event \"reset\" { drop everything }\n"
        "test \"t\" {\n  put a \"1\"\n  PUT \"/a/1\"\n  expect dropped a \"1\"\n}\n";
    CHECK(codes(compiled(policy)).count("L0401") == 0);
    CompileOptions o = plain_options();
    o.coverage = true;
    const Compiled c = compiled(policy, o);
    std::set<std::size_t> lines;
    for (const Diagnostic& d : c.found) {
        if (d.code == "L0401") lines.insert(c.sources->place(d.primary.at.begin).line);
    }
    CHECK(lines == std::set<std::size_t>{4, 6});
}

TEST_CASE("a write of the application that no rule mentions is found, and a rule that nobody fires") {
    const std::string policy = user + "on write \"/users/{id}\" { drop user \"{id}\"; drop list }\n";
    const std::string users = "\"/users/{user_id}\": {\"get\": {}, \"put\": {}}";
    CHECK(codes(beside(policy, described(users))).empty());
    const Compiled more = beside(policy, described(users + ", \"/bookings\": {\"post\": {}}"));
    CHECK(codes(more) == Codes{"L0313"});
    CHECK(rendered(more).find("`POST /bookings` of openapi.json") != std::string::npos);
    CHECK(codes(beside(policy + "on POST \"/bookings\" { }\n",
                       described(users + ", \"/bookings\": {\"post\": {}}")))
              .empty());
    CHECK(codes(beside(policy + "on POST \"/boking\" { drop list }\n", described(users))) ==
          Codes{"L0327"});
    CHECK(codes(beside("namespace list { key \"all\" }\n# allow L0327: the importer sends it\n"
                       "on POST \"/import\" { drop list }\n",
                       described("\"/x\": {\"get\": {}}")))
              .empty());
}

TEST_CASE("a write of which rules mention a part is found with a path that no rule has") {
    const Compiled c = beside("namespace list { key \"all\" }\non PUT \"/users/me\" { drop list }\n",
                              described("\"/users/{id}\": {\"put\": {}}"));
    REQUIRE(codes(c) == Codes{"L0313"});
    CHECK(rendered(c).find("mention only a part") != std::string::npos);
}

TEST_CASE("an application that is mounted is found below its mount, or without") {
    const std::string tail = "\"paths\": {\"/users/{id}\": {\"put\": {}}}}";
    const std::string policy = "namespace list { key \"all\" }\non PUT \"/api/users/{id}\" { drop list }\n";
    CHECK(codes(beside(policy, "{\"swagger\": \"2.0\", \"basePath\": \"/api\", " + tail)).empty());
    CHECK(codes(beside(policy, "{\"openapi\": \"3.1.0\", \"servers\": [{\"url\": "
                               "\"https://example.org/api/\"}], " + tail))
              .empty());
    CHECK(codes(beside(policy, "{\"openapi\": \"3.1.0\", " + tail)) == Codes{"L0313", "L0327"});
}

TEST_CASE("an answer behind a login that is kept for everybody is found, and one whose key says who asked is not") {
    const std::string me = "namespace me { key \"{who}\"; ttl 1m; static }\nnamespace all { key \"all\"; ttl 1m; static }\n";
    const std::string everybody = me + "on GET \"/me\" { serve all \"all\" }\n";
    const std::string mine = me + "on GET \"/me\" { let who = header \"Authorization\"; serve me \"{who}\" }\n";
    const std::string by_cookie = me + "on GET \"/me\" { let who = cookie \"sid\"; serve me \"{who}\" }\n";
    const std::string login = R"("/me": {"get": {"security": [{"oauth": ["read"]}]}})";
    CHECK(codes(beside(everybody, described(login))) == Codes{"L0342"});
    CHECK(codes(beside(mine, described(login))).empty());
    CHECK(codes(beside(by_cookie, described(login))).empty());
    CHECK(codes(beside(everybody, described(R"("/me": {"get": {}})"))).empty());
    // What the document says holds where an operation says nothing, whichever stands first.
    for (const char* text : {R"({"openapi": "3.1.0", "security": [{"key": []}], "paths": {"/me": {"get": {}}}})",
                             R"({"openapi": "3.1.0", "paths": {"/me": {"get": {"tags": ["x"]}}}, "security": [{"key": []}]})"})
        CHECK(codes(beside(everybody, text)) == Codes{"L0342"});
    for (const char* none : {"[]", "[{}]", R"([{"key": []}, {}])"})
        CHECK(codes(beside(everybody, R"({"openapi": "3.1.0", "security": [{"key": []}], "paths": {"/me": {"get": {"security": )" +
                                          std::string(none) + "}}}}"))
                  .empty());
    // Of a parameter or an answer the word means nothing.
    CHECK(codes(beside(everybody, described(R"("/me": {"parameters": [{"security": [{"a": []}]}], "get": {"responses": {"security": [{"a": []}]}}})"))).empty());
}

TEST_CASE("any bytes as OpenAPI end in a finding") {
    const std::string policy = user + "on write \"/users/{id}\" { drop user \"{id}\"; drop list }\n";
    std::string deep(100'000, '[');
    for (const std::string& text :
         {std::string(), std::string("\0\0", 2), std::string("openapi: 3.0.0\npaths: {}\n"),
          std::string("[]"), std::string("{}"), std::string("{\"openapi\": \"3.0.0\"}"), deep,
          std::string("{\"openapi\": \"3.0.0\", \"paths\": {} } x"),
          std::string("{\"openapi\": \"3.0.0\", \"paths\": {\"/a\": {\"put\": ") + deep}) {
        const Compiled c = beside(policy, text);
        CAPTURE(text.substr(0, 60));
        CHECK(codes(c) == Codes{"L0336"});
        CHECK_FALSE(c.ok());
    }
    const Compiled elsewhere = beside(
        policy, described("\"/users/{id}\": {\"put\": {}}, \"/b\": {\"$ref\": \"other.json#/b\"}"));
    CHECK(codes(elsewhere) == Codes{"L0337"});
    CHECK(codes(beside(policy, described("\"{{}{}}\": {\"put\": {}}, \"\": {\"post\": 1}, \"/users/{id}\": "
                                         "{\"put\": {}}"))) == Codes{"L0313"});
}

TEST_CASE("an application of more operations than are read is not said to be covered") {
    std::string paths;
    for (int k = 0; k < 20'100; ++k)
        paths += (k == 0 ? "" : ",") + ("\"/r" + std::to_string(k)) + "\": {\"get\": {}}";
    const Compiled c = beside("namespace list { key \"all\" }\non PUT \"/x\" { drop list }\n",
                              described(paths));
    CHECK(codes(c) == Codes{"L0337"});
}
