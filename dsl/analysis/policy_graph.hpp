// dsl/analysis/policy_graph.hpp -- who drops what, as a graph that can be drawn.
//
// Three layers. On the left what happens: routes, events, topics, drops. In the middle tags. On the
// right the namespaces with entries, in the order of the file. An edge says what a rule does; from
// a tag to the namespaces that carry it; from a namespace to what it depends on.
#pragma once

#include "dsl/policy.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace larder::dsl {

struct GraphNode {
    enum class Is : std::uint8_t { route, event, drop_of, tag, space } is = Is::route;
    std::string label, detail;  // detail: one more line; for people who hover, and screen readers
    std::uint32_t layer = 0;    // 0 left, 1 middle, 2 right
};

struct GraphEdge {
    enum class Does : std::uint8_t {
        drops,
        expires,
        refreshes,
        serves,
        warms,
        carries,
        depends
    } does = Does::drops;
    std::uint32_t from = 0, to = 0;  // nodes
    std::string label;               // the key or pattern; empty: all of it
    std::string where;               // file:line of the rule
};

struct PolicyGraph {
    std::string title;
    std::vector<GraphNode> nodes;
    std::vector<GraphEdge> edges;
    bool cut = false;  // there is more than can be drawn
};

inline constexpr std::size_t max_graph_nodes = 2'000, max_graph_edges = 20'000;

PolicyGraph graph_of(const Policy& policy);

// Stands alone, light and dark by the reader's choice, every word as text.
std::string render_graph_svg(const PolicyGraph& graph);
std::string render_graph_dot(const PolicyGraph& graph);
std::string render_graph_json(const PolicyGraph& graph);

}  // namespace larder::dsl
