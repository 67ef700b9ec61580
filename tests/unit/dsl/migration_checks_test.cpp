// tests/unit/dsl/migration_checks_test.cpp -- versions and migrations: what stands in the policy, and what is refused.
#include "catch.hpp"
#include "unit/dsl/compiling.hpp"

using namespace larder::dsl;
using namespace larder::dsl::test;

namespace {

using Codes = std::set<std::string>;

std::string with(const std::string& clauses) { return "namespace user { key \"{id}\"; ttl 2h; static\n" + clauses + "\n}\n"; }
Codes of(const std::string& clauses) { return codes(compiled(with(clauses))); }
Codes of_step(const std::string& step) { return of("version 2 accepts 1; migrate 1 -> 2 { " + step + " }"); }

}  // namespace

TEST_CASE("the steps of a migration stand in the policy as the paths and texts they are") {
    const Compiled c = compiled("let town = \"Berlin\"\n" + with(R"(version 3 accepts 1, 2
        migrate 1 -> 2 { rename "home.street" to "road"; move "a.b" to "c"; drop "d.e.f" }
        migrate 2 -> 3 { default "t" "q\"\\\{"; default "n" 4; default "x" 1.5; default "y" false
            default "z" null; default "l" list; default "o" object; default "w" town })"));
    CAPTURE(rendered(c));
    REQUIRE(c.ok());
    const auto& made = c.policy->namespaces[0].migrations;
    REQUIRE(made.size() == 2);
    CHECK(made[0].from == 1);
    CHECK(made[0].to == 2);
    using Path = std::vector<std::string>;
    CHECK(made[0].steps[0].path == Path{"home", "street"});
    CHECK(made[0].steps[0].to == Path{"home", "road"});
    CHECK(made[0].steps[1].to == Path{"c"});
    CHECK(made[0].steps[2].kind == MigrationStep::Kind::drop);
    std::vector<std::string> texts;
    for (const MigrationStep& step : made[1].steps) texts.push_back(step.json);
    CHECK(texts == std::vector<std::string>{R"("q\"\\{")", "4", "1.5", "false", "null", "[]", "{}", "\"Berlin\""});
    CHECK(made[0].steps[0].text == "rename \"home.street\" to \"road\"");
}

TEST_CASE("a migration joins versions that there are, forwards, and each pair once") {
    CHECK(of("version 2 accepts 1; migrate 1 -> 2 { }").empty());
    CHECK(of("migrate 1 -> 2 { }; version 2 accepts 1").empty());
    CHECK(of("version 3 accepts 1, 2; migrate 1 -> 3 { }; migrate 1 -> 2 { }").empty());
    CHECK(of("version 3 accepts 1, 2; migrate 1 -> 2 { }; migrate 2 -> 3 { }").empty());
    CHECK(of("version 2; migrate 1 -> 2 { }") == Codes{"L0232"});
    CHECK(of("version 2 accepts 1; migrate 1 -> 3 { }") == Codes{"L0232"});
    CHECK(of("version 2 accepts 1; migrate 2 -> 1 { }") == Codes{"L0232"});
    CHECK(of("version 2 accepts 1; migrate 1 -> 1 { }") == Codes{"L0232"});
    CHECK(of("version 2 accepts 1; migrate 0 -> 2 { }") == Codes{"L0232"});
    CHECK(of("version 2 accepts 1; migrate 1 -> 2 { }; migrate 1 -> 2 { }") == Codes{"L0205"});
    CHECK(of("version 65536") == Codes{"L0232"});
    CHECK(of("version 65535").empty());
}

TEST_CASE("a step that cannot be done is refused where it stands") {
    for (const char* bad : {"drop \"\"", "drop \"a..b\"", "drop \".a\"", "rename \"a\" to \"b.c\"", "rename \"a\" to \"a\"",
                            "move \"a\" to \"a.b\"", "move \"a.b\" to \"a.b\"", "default \"a\" 5m", "default \"a\" 10%",
                            "default \"a\" env X or 5", "default \"a\" nothing", "default \"a\" 1KiB"}) {
        CAPTURE(bad);
        CHECK(of_step(bad) == Codes{"L0240"});
    }
    CHECK(of_step("remove \"a\"") == Codes{"L0101"});
    CHECK(of_step("default \"a\"") == Codes{"L0101"});
    CHECK(of_step("rename \"a\" \"b\"") == Codes{"L0101"});
    CHECK(of_step("move \"a.b\" to \"a\"").empty());
    CHECK(of_step("rename \"b.a\" to \"b\"").empty());
}

TEST_CASE("a child inherits migrations with the version, and states its own with its own version") {
    const Compiled c = compiled(R"(namespace user {
        ttl 2h; static; version 2 accepts 1; migrate 1 -> 2 { drop "a" }
        namespace same { key "{id}" }
        namespace other { key "{id}"; version 5 accepts 4; migrate 4 -> 5 { drop "b" } }
        namespace none { key "{id}"; version 1 }
    })");
    CAPTURE(rendered(c));
    REQUIRE(c.ok());
    const auto of_space = [&](const char* name) { return c.policy->namespaces[*c.policy->find(name)].migrations; };
    CHECK(of_space("user.same").at(0).steps.at(0).path.at(0) == "a");
    CHECK(of_space("user.other").at(0).from == 4);
    CHECK(of_space("user.none").empty());
}

TEST_CASE("a version that leaves while a running kernel keeps entries of it is found, with their number") {
    CompileOptions o = plain_options();
    std::vector<LiveVersion> live{{1, 203, 0}, {2, 5000, 7}};
    o.live_versions = [&live](std::string_view ns) { return ns == "user" ? live : std::vector<LiveVersion>{}; };
    const auto found = [&o](const std::string& clauses) { return compiled(with(clauses), o); };
    CHECK(codes(found("version 2 accepts 1")).empty());
    const Compiled c = found("version 3 accepts 2");
    CHECK(codes(c) == Codes{"L0341"});
    CHECK(rendered(c).find("203 entries of it are kept") != std::string::npos);
    CHECK(codes(found("version 3")) == Codes{"L0341"});
    live = {{1, 0, 12}};
    CHECK(rendered(found("version 3 accepts 2")).find("12 values of it were migrated") != std::string::npos);
    live = {{1, 0, 0}};
    CHECK(codes(found("version 3 accepts 2")).empty());
    live = {{4, 100, 0}};
    CHECK(codes(found("version 3 accepts 2")).empty());  // newer: after a rollback they are misses, and were before
}

TEST_CASE("a test puts no newer version than there is") {
    CHECK(codes(compiled(with("version 2 accepts 1") + "test \"t\" { put user \"1\" version 3; expect miss user \"1\" }\n")) == Codes{"L0232"});
    CHECK(codes(compiled(with("") + "test \"t\" { put user \"1\" holding \"a..b\" = 1; expect value user \"1\" without \"\" }\n")) == Codes{"L0240"});
}
