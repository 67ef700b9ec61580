// tests/unit/gateway_http/graphql_test.cpp -- documents that are the same, and objects that an answer holds.
#include "catch.hpp"
#include "plugins/gateway_http/graphql.hpp"

#include <string>
#include <vector>

namespace larder::test {
namespace {

using http::GraphqlRequest;
using Kind = GraphqlRequest::Kind;

std::string body(const std::string& document, const std::string& more = "") {
    std::string quoted;
    for (const char c : document) quoted += c == '"' ? "\\\"" : c == '\n' ? "\\n" : std::string(1, c);
    return "{\"query\": \"" + quoted + "\"" + more + "}";
}

}  // namespace

TEST_CASE("documents that differ in spaces, commas and comments are the same, and others are not") {
    const auto a = http::graphql_of_body(body("query Q($id: ID!) { hotel(id: $id) { id, name } }"));
    const auto b = http::graphql_of_body(body("query Q(\n$id:ID!){hotel(id:$id){id name # a comment }\n}}"));
    CHECK(a.kind == Kind::query);
    CHECK(a.key == b.key);
    CHECK(a.text == b.text);
    CHECK(a.key.size() == 32);
    CHECK(http::graphql_of_body(body("query Q($id: ID!) { hotel(id: $id) { id names } }")).key != a.key);
    CHECK(http::graphql_of_body(body("{ a b }")).key != http::graphql_of_body(body("{ ab }")).key);
    CHECK(http::graphql_of_body(body("{ a(x: \"1 ,2\") }")).key != http::graphql_of_body(body("{ a(x: \"1,2\") }")).key);
}

TEST_CASE("variables are the same whatever the order of their members") {
    const std::string q = "query Q($a: A) { x }";
    const auto one = http::graphql_of_body(body(q, ", \"variables\": {\"a\": 1, \"b\": {\"d\": 2, \"c\": [1, 2]}}"));
    const auto two = http::graphql_of_body(body(q, ", \"variables\": {\"b\": {\"c\": [1,2], \"d\": 2}, \"a\": 1}"));
    const auto other = http::graphql_of_body(body(q, ", \"variables\": {\"b\": {\"c\": [2,1], \"d\": 2}, \"a\": 1}"));
    CHECK(one.key == two.key);
    CHECK(one.key != other.key);
}

TEST_CASE("the operation that is named says whether it reads or changes") {
    const std::string both = "query Q { a } mutation M { b }";
    CHECK(http::graphql_of_body(body(both, ", \"operationName\": \"Q\"")).kind == Kind::query);
    CHECK(http::graphql_of_body(body(both, ", \"operationName\": \"M\"")).kind == Kind::mutation);
    CHECK(http::graphql_of_body(body(both)).kind == Kind::none);
    CHECK(http::graphql_of_body(body(both, ", \"operationName\": \"X\"")).kind == Kind::none);
    CHECK(http::graphql_of_body(body("{ a { ...F } } fragment F on T { mutation }")).kind == Kind::query);
    CHECK(http::graphql_of_body(body("subscription { a }")).kind == Kind::none);
}

TEST_CASE("what is no document is none") {
    for (const char* text : {"", "{", "{ a ) }", "query", "{ a \"", "{ a ? }", "hello"}) {
        INFO(text);
        CHECK(http::graphql_of_body(body(text)).kind == Kind::none);
    }
    CHECK(http::graphql_of_body("[{\"query\": \"{ a }\"}]").kind == Kind::none);
    CHECK(http::graphql_of_body("nonsense").kind == Kind::none);
    CHECK(http::graphql_of_body(body("{ a" + std::string(100, '{') + std::string(100, '}') + "}")).kind == Kind::none);
}

TEST_CASE("a GET asks the same as a POST, and changes nothing") {
    const auto get = http::graphql_of_query("query=%7B+hotel+%7B+id+%7D+%7D&variables=%7B%22a%22%3A1%7D");
    CHECK(get.key == http::graphql_of_body(body("{hotel{id}}", ", \"variables\": {\"a\": 1}")).key);
    CHECK(http::graphql_of_query("query=mutation%7Ba%7D").kind == Kind::none);
}

TEST_CASE("an answer's objects are those with a type and an id, each once") {
    std::vector<std::string> tags;
    const auto take = [&](std::string_view tag) { tags.emplace_back(tag); };
    CHECK(http::each_object(R"({"data": {"h": {"__typename": "Hotel", "id": "42", "rooms": [{"__typename": "Room", "id": 7},
        {"__typename": "Room", "id": 7}, {"__typename": "Room"}, {"id": 8}]}}})", take));
    CHECK(tags == std::vector<std::string>{"Hotel:42", "Room:7"});
    CHECK_FALSE(http::each_object(R"({"data": null, "errors": [{"message": "no"}]})", take));
    CHECK_FALSE(http::each_object("nonsense", take));
}

}  // namespace larder::test
