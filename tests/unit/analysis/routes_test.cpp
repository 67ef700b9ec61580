// tests/unit/analysis/routes_test.cpp -- the table of a policy: complete, and in words that people
// read.
#include "catch.hpp"
#include "dsl/analysis/render_routes.hpp"
#include "unit/dsl/compiling.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <set>

using namespace larder::dsl;
using namespace larder::dsl::test;
using larder::test::contains;

namespace {

struct Table {
    std::shared_ptr<const Policy> policy;
    RequestClasses classes;
    std::string text() const { return render_routes_text(*policy, classes); }
};

Table table(const std::string& text) {
    const Compiled c = compiled(text);
    INFO(rendered(c));
    REQUIRE(c.ok());
    const Policy* const one[] = {c.policy.get()};
    return {c.policy, classes_of(one)};
}

constexpr const char* users =
    "namespace user { key \"{id}\" }\nnamespace list { key \"all\" }\n"
    "on GET \"/users/{id}\" { serve user \"{id}\" unless header \"Cache-Control\" }\n"
    "on write \"/users/{id}\" { drop user \"{id}\" }\n"
    "on POST \"/users/**\" status 201 { drop list }\n";

}  // namespace

TEST_CASE("routes lists what is served and dropped, with one request of each class") {
    CHECK(table(users).text() ==
          "POST /users  (status 201)\n"
          "  drop list  p.larder:5\n"
          "GET, HEAD /users/y\n"
          "  serve user \"{id}\" unless header \"Cache-Control\"  p.larder:3\n"
          "POST /users/y  (status 200, 202-399)\n"
          "  drop user \"{id}\"  p.larder:4\n"
          "POST /users/y  (status 201)\n"
          "  drop list  p.larder:5\n"
          "  drop user \"{id}\"  p.larder:4\n"
          "PUT, PATCH, DELETE /users/y\n"
          "  drop user \"{id}\"  p.larder:4\n"
          "11 classes of requests; in 6 of them nothing happens, for example for POST / answered "
          "with 200\n");
}

TEST_CASE("what a request must say, and what is done when it does not, stands with the effect") {
    const Table t = table(
        "namespace menu { key \"{id}:t{tenant}\"; tag \"tenant:{tenant}\" }\n"
        "on PUT \"/menu/{id}\" { let tenant = header \"X-Tenant\"; drop menu \"{id}:t{tenant}\" "
        "}\n");
    CHECK_THAT(t.text(),
               contains("drop menu \"{id}:t{tenant}\"  p.larder:2; without header \"x-tenant\": "
                        "drop every entry of menu"));
}

TEST_CASE("what drops set off stands behind them") {
    const Table t = table(
        "namespace a { key \"{id}\" }\nnamespace b { key \"{id}\" }\n"
        "on PUT \"/a/{id}\" { drop a \"{id}\" }\non drop of a \"{x}\" { drop b \"{x}\" }\n");
    CHECK_THAT(
        t.text(),
        contains("  then drop b \"{x}\"  p.larder:4; without one key: drop every entry of b\n"));
}

TEST_CASE("one thing that two rules do is said once, with both") {
    const Table t = table(
        "namespace a { key \"{id}\" }\n"
        "on PUT \"/a/{id}\" { drop a }\non write \"/a/**\" { drop a }\n"
        "on DELETE \"/a/{id}\" { drop a \"{id}\" }\n");
    CHECK_THAT(t.text(), contains("PUT /a/y\n  drop a  p.larder:2, p.larder:3\n"));
    CHECK_THAT(t.text(),
               contains("DELETE /a/y\n  drop a  p.larder:3\n"));  // all of it: no key beside it
}

TEST_CASE("the JSON has all classes, idle ones too, and says whether it is complete") {
    const Table t = table(users);
    const auto json = boost::json::parse(render_routes_json(*t.policy, t.classes));
    CHECK(json.at("complete").as_bool());
    CHECK(json.at("requests").as_array().size() == t.classes.requests.size());
    RequestClasses cut = t.classes;
    cut.complete = false;
    CHECK_FALSE(boost::json::parse(render_routes_json(*t.policy, cut)).at("complete").as_bool());
    CHECK_THAT(render_routes_text(*t.policy, cut), contains("not complete"));
}

TEST_CASE(
    "classes are disjoint and together all requests: each method and status of a path is in one") {
    const Table t = table(users);
    std::set<std::string> paths;
    for (const RequestClass& c : t.classes.requests) paths.insert(c.path);
    for (const std::string& path : paths)
        for (const MethodSet method :
             {method_get, method_head, method_post, method_put, method_options})
            for (const int status : {100, 200, 201, 204, 301, 404, 599}) {
                const auto holds = [&](const RequestClass& c) {
                    return c.path == path && (c.methods & method) != 0 &&
                           std::any_of(c.statuses.begin(), c.statuses.end(),
                                       [&](const StatusRange& s) {
                                           return s.from <= status && status <= s.to;
                                       });
                };
                INFO(path << " " << method << " " << status);
                CHECK(std::count_if(t.classes.requests.begin(), t.classes.requests.end(), holds) ==
                      1);
            }
}
