// tests/unit/analysis/graph_test.cpp -- the graph of a policy, and what its picture is made of.
#include "catch.hpp"
#include "dsl/analysis/policy_graph.hpp"
#include "unit/dsl/compiling.hpp"

#include <boost/json.hpp>

#include <algorithm>

using namespace larder::dsl;
using namespace larder::dsl::test;
using larder::test::contains;

namespace {

PolicyGraph graph(const std::string& text) {
    const Compiled c = compiled(text);
    INFO(rendered(c));
    REQUIRE(c.ok());
    return graph_of(*c.policy);
}

const std::string small =
    "namespace user { key \"{id}\"; ttl 3m; tag \"firm:{id}\" }\nnamespace card { key \"{id}\"; "
    "depends on user \"{id}\" }\n"
    "on PUT \"/users/{id}\" { drop user \"{id}\" }\non event \"moved\" (id) { expire tag "
    "\"firm:{id}\" }\n"
    "on GET \"/users/{id}\" { serve user \"{id}\" }\n";

bool has(const PolicyGraph& g, const std::string& from, GraphEdge::Does does,
         const std::string& to) {
    return std::any_of(g.edges.begin(), g.edges.end(), [&](const GraphEdge& e) {
        return g.nodes[e.from].label == from && g.nodes[e.to].label == to && e.does == does;
    });
}

}  // namespace

TEST_CASE("routes and events, tags and namespaces are connected by what happens") {
    const PolicyGraph g = graph(small);
    CHECK(has(g, "PUT /users/{id}", GraphEdge::Does::drops, "user"));
    CHECK(has(g, "GET /users/{id}", GraphEdge::Does::serves, "user"));
    CHECK(has(g, "event moved", GraphEdge::Does::expires, "tag firm:{id}"));
    CHECK(has(g, "tag firm:{id}", GraphEdge::Does::carries, "user"));
    CHECK(has(g, "card", GraphEdge::Does::depends, "user"));
    CHECK_FALSE(g.cut);
}

TEST_CASE("the picture has its words as text, and a title for every box and line") {
    const std::string svg = render_graph_svg(graph(small));
    CHECK_THAT(
        svg,
        contains(">PUT /users/{id}</text>") &&
            contains("<title>PUT /users/{id} drops user &quot;{id}&quot; (p.larder:3)</title>"));
    CHECK_THAT(svg, contains("role=\"img\"") && contains("prefers-color-scheme: dark") &&
                        contains(">depends on</text>"));
    CHECK_THAT(svg, !contains("<script"));
}

TEST_CASE("what a policy says is never markup in its picture") {
    const std::string svg = render_graph_svg(
        graph("namespace a { key \"<b>&{id}\" }\non PUT \"/<script>\" { drop a }\n"));
    CHECK_THAT(svg, !contains("<script>") && !contains("<b>"));
}

TEST_CASE("the JSON and dot of a graph have all of its edges") {
    const PolicyGraph g = graph(small);
    const auto json = boost::json::parse(render_graph_json(g));
    CHECK(json.at("edges").as_array().size() == g.edges.size());
    CHECK_THAT(render_graph_dot(g),
               contains("n0 [label=\"user\"") && contains("label=\"drops {id}\""));
}

TEST_CASE("a policy that is too large to draw says so") {
    std::string text;
    for (int k = 0; k < 1'300; ++k) {
        const std::string n = std::to_string(k);
        text +=
            "namespace a" + n + " { key \"all\" }\non event \"e" + n + "\" { drop a" + n + " }\n";
    }
    const PolicyGraph g = graph(text);
    CHECK(g.cut);
    CHECK(g.nodes.size() == max_graph_nodes);
    CHECK_THAT(render_graph_svg(g), contains("not all of it"));
}
