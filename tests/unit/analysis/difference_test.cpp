// tests/unit/analysis/difference_test.cpp -- what diff says of two policies, and of what it is
// silent.
#include "catch.hpp"
#include "dsl/analysis/policy_difference.hpp"
#include "unit/dsl/compiling.hpp"

#include <boost/json.hpp>

using namespace larder::dsl;
using namespace larder::dsl::test;
using larder::test::contains;

namespace {

std::shared_ptr<const Policy> policy(const std::string& text, const std::string& profile = {}) {
    CompileOptions options = plain_options();
    options.profile = profile;
    const Compiled c = compiled(text, options);
    INFO(rendered(c));
    REQUIRE(c.ok());
    return c.policy;
}

std::string said(const std::string& before, const std::string& after) {
    const auto a = policy(before), b = policy(after);
    return render_difference_text(difference(*a, *b), *a, *b);
}

const std::string spaces =
    "namespace user { key \"{id}\"; ttl 3m }\nnamespace list { key \"all\" }\n";

}  // namespace

TEST_CASE("blanks, order and the names of captures are no difference") {
    CHECK(
        said(
            spaces + "on write \"/u/{id}\" { drop user \"{id}\" }\non PUT \"/l\" { drop list }\n",
            "# words\non PUT \"/l/\" {\n  drop list\n}\nnamespace list { key \"all\" }\n" +
                spaces.substr(0, spaces.find('\n') + 1) +
                "on POST, PUT, PATCH, DELETE \"/u/{user_id}\" {\n  drop user \"{user_id}\"\n}\n") ==
        "");
    CHECK(said("namespace a { key \"{x}:{y}\"; tag \"t:{x}\", \"all\" }\non PUT \"/\" { drop tag "
               "\"all\" }\n",
               "namespace a { key \"{p}:{q}\"; tag \"all\", \"t:{p}\" }\non PUT \"/\" { drop tag "
               "\"all\" }\n") == "");
}

TEST_CASE("the name of a let, and another way to say the same effect, are no difference") {
    const std::string head = spaces + "on PUT \"/u/{id}\" { ";
    CHECK(said(head + "let t = header \"X-T\"; drop user \"{t}\" }\n",
               head + "let tenant = header \"x-t\"; drop user \"{tenant}\" }\n") == "");
    CHECK(said(head + "drop user }\n", head + "drop user, user \"{id}\"; expire user }\n") == "");
    CHECK(said(head + "drop list; drop user }\n", head +
                                                      "drop user }\non write \"/u/*\" { drop list "
                                                      "}\non POST, PATCH, DELETE \"/u/{x}\" { drop "
                                                      "list }\n") != "");
    CHECK(said(head + "drop list }\n",
               spaces + "on PUT \"/u/{x}\" { drop list }\non PUT \"/u/*\" { drop list }\n") == "");
    CHECK(said(head + "drop user \"{id}\" }\n",
               spaces + "on PUT \"/{what}/{id}\" { drop user \"{id}\" }\n") != "");
}

TEST_CASE("a refresh of what nothing warms, and an expiry of what is never stale, are drops") {
    CHECK(said(spaces + "on PUT \"/u\" { drop user }\n",
               spaces + "on PUT \"/u\" { refresh user }\n") == "");
    CHECK(said(spaces + "on PUT \"/u\" { drop user }\n",
               spaces + "on PUT \"/u\" { expire user }\n") == "");
}

TEST_CASE("requests that lose or win an effect are shown with a witness and both places") {
    CHECK(said(spaces + "on write \"/p/**\" { drop user }\n",
               spaces + "on POST, PUT \"/p/{id}\" { drop user \"{id}\" }\n") ==
          "POST, PUT, PATCH, DELETE /p\n"
          "  - drop user  p.larder:3\n"
          "PATCH, DELETE /p/y\n"
          "  - drop user  p.larder:3\n"
          "POST, PUT /p/y\n"
          "  - drop user  p.larder:3\n"
          "  + drop user \"{id}\"  p.larder:3\n"
          "10 classes of requests and events, 3 change\n");
}

TEST_CASE(
    "another status, another guard of a serve and another source of a value are differences") {
    const std::string rule = spaces + "on PUT \"/l\" ";
    CHECK_THAT(said(rule + "{ drop list }\n", rule + "status 201 { drop list }\n"),
               contains("PUT /l  (status 200, 202-399)\n  - drop list"));
    const std::string get = spaces + "on GET \"/u/{id}\" { serve user \"{id}\" ";
    CHECK_THAT(said(get + "}\n", get + "unless header \"A\" }\n"),
               contains("+ serve user \"{id}\" unless header \"A\""));
    CHECK(said(get + "unless header \"A\", query \"b\" }\n",
               get + "unless query \"b\", header \"a\" }\n") == "");
    CHECK_THAT(said(rule + "{ let x = header \"a\"; drop user \"{x}\" }\n",
                    rule + "{ let x = query \"a\"; drop user \"{x}\" }\n"),
               contains("without query \"a\": drop every entry of user"));
}

TEST_CASE("the rest of a path is one segment where there is only one") {
    const std::string text = said(spaces + "on PUT \"/u/{id...}\" { drop user \"{id}\" }\n",
                                  spaces + "on PUT \"/u/{id}\" { drop user \"{id}\" }\n");
    CHECK_THAT(text, contains("PUT /u/y/z\n  - drop user \"{id}\"") && !contains("PUT /u/y\n"));
}

TEST_CASE("parameters of events have names that others use, so renaming one is a difference") {
    const std::string text = said(spaces + "on event \"gone\" (id) { drop user \"{id}\" }\n",
                                  spaces + "on event \"gone\" (user) { drop user \"{user}\" }\n");
    CHECK_THAT(text, contains("event \"gone\"\n  - drop user \"{id}\"") &&
                         contains("without parameter \"user\""));
}

TEST_CASE("rules on drop of are compared by what sets them off") {
    const std::string on = spaces + "on drop of user \"{id}\" ";
    CHECK_THAT(said(on + "{ drop list }\n", spaces + "on PUT \"/l\" { drop list }\n"),
               contains("on drop of user \"{id}\"\n  - drop list"));
    CHECK(said(on + "{ drop list }\n", spaces + "on drop of user \"{x}\" { drop list }\n") == "");
}

TEST_CASE("a namespace's changes are told with what follows from them") {
    const std::string drop = "on PUT \"/u/{id}\" { drop user }\n";
    CHECK_THAT(said("namespace user { key \"{id}\" }\n" + drop,
                    "namespace user { key \"u{id}\" }\n" + drop),
               contains("~ namespace user: key \"{id}\" -> \"u{id}\"\n    entries of the old key "
                        "are misses\n"));
    CHECK_THAT(said("namespace user { key \"{id}\"; tag \"t\" }\n" + drop,
                    "namespace user { key \"{id}\" }\n" + drop),
               contains("tag \"t\" -> none\n    entries that are kept already carry other tags, so "
                        "they are misses"));
    CHECK_THAT(
        said("namespace user { key \"{id}\"; ttl 1m }\n" + drop,
             "namespace user { key \"{id}\"; ttl 2m }\n" + drop),
        contains("ttl 1m -> 2m\n    entries that are kept already end when they were going to"));
    CHECK_THAT(said("namespace user { key \"{id}\"; version 1 }\n" + drop,
                    "namespace user { key \"{id}\"; version 2 accepts 1 }\n" + drop),
               contains("entries of version 1 are migrated"));
    CHECK_THAT(said("namespace user { key \"{id}\"; tiers l1 1m -> l2 }\n" + drop,
                    "namespace user { key \"{id}\"; tiers l2 }\n" + drop),
               contains("copies in `l1` are not read any more"));
}

TEST_CASE("a tag that its namespace lost is named with the rule that finds nothing any more") {
    const std::string rest =
        "namespace other { key \"{id}\"; tag \"firm:{id}\" }\non PUT \"/f/{id}\" { drop tag "
        "\"firm:{id}\" }\n";
    CHECK_THAT(said("namespace user { key \"{id}\"; tag \"firm:{id}\" }\n" + rest,
                    "namespace user { key \"{id}\"; static }\n" + rest),
               contains("`tag \"firm:{id}\"` of p.larder:3 finds none of its entries any more") &&
                   contains("no rule drops its entries any more: they live for ever"));
}

TEST_CASE("a pattern that a rule begins to drop makes its namespace cold, and diff says so") {
    const std::string user = "namespace user { key \"{a}:{b}\" }\n";
    const std::string text = said(user + "on PUT \"/u\" { drop user }\n",
                                  user + "on PUT \"/u/{a}\" { drop user matching \"{a}:*\" }\n");
    CHECK_THAT(text, contains("not known to the new patterns, so they are misses"));
}

TEST_CASE("namespaces, sessions, warm items, alerts and breakers come and go") {
    const std::string text = said(
        "namespace a { key \"all\"; static }\nbreaker l2 { open after 5 failures }\nalert x when "
        "hit_rate < 50% -> log\n",
        "namespace b { key \"all\"; static }\nbreaker l2 { open after 3 failures }\nsession s { "
        "ttl 1m }\n"
        "alert x when hit_rate < 60% -> log\n");
    CHECK_THAT(text, contains("- namespace a\n") && contains("+ namespace b\n    begins empty") &&
                         contains("~ breaker l2: open after 5 failures -> 3 failures") &&
                         contains("+ session s\n") &&
                         contains("~ alert x: when hit_rate < 50% -> hit_rate < 60%"));
}

TEST_CASE("the JSON of a difference can be read, and says whether it is complete") {
    const auto a = policy(spaces + "on PUT \"/l\" { drop list }\n"),
               b = policy(spaces + "on POST \"/l\" { drop list }\n");
    const auto json = boost::json::parse(render_difference_json(difference(*a, *b), *a, *b));
    CHECK(json.at("different").as_bool());
    CHECK(json.at("complete").as_bool());
    const auto& first = json.at("requests").as_array().at(0).as_object();
    CHECK(first.at("witness").at("path") == "/l");
    JointBounds small;
    small.places = 2;
    const auto cut = difference(*a, *b, small);
    CHECK_FALSE(boost::json::parse(render_difference_json(cut, *a, *b)).at("complete").as_bool());
    CHECK_THAT(render_difference_text(cut, *a, *b), contains("not complete"));
}

TEST_CASE("rules that change places leave every entry as it is") {
    const std::string user = "namespace user { key \"{a}:{b}\" }\n";
    const std::string one = "on PUT \"/a/{a}\" { drop user matching \"{a}:*\" }\n";
    const std::string two = "on PUT \"/b/{b}\" { drop user matching \"*:{b}\" }\n";
    const auto a = policy(user + one + two), b = policy(user + two + one);
    CHECK(a->namespaces[0].schema == b->namespaces[0].schema);
    CHECK(difference(*a, *b).empty());
}
