// dsl/analysis/render_graph.cpp -- the graph as SVG, dot and JSON.
//
// The layout is a layered one (Sugiyama, Tagawa, Toda 1981) with the layers given: columns from
// left to right, each sorted a few times by the mean place of its neighbours, so that few edges
// cross. Edges are curves whose colour and dashes say what happens, labels stand at boxes and not
// at curves, and a legend names them. Colours change with the reader's light or dark; nothing is
// said by colour alone.
#include "dsl/analysis/policy_graph.hpp"
#include "dsl/rendering.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace larder::dsl {
namespace {

constexpr std::array<const char*, 7> edge_words{"drops", "expires",    "refreshes", "serves",
                                                "warms", "carried by", "depends on"};
constexpr std::array<const char*, 7> edge_names{"drops", "expires", "refreshes", "serves",
                                                "warms", "carries", "depends"};
constexpr std::array<const char*, 5> node_names{"route", "event", "drop_of", "tag", "space"};

const char* name_of(const GraphEdge& e) { return edge_names[static_cast<std::size_t>(e.does)]; }
const char* name_of(const GraphNode& n) { return node_names[static_cast<std::size_t>(n.is)]; }

std::string xml(std::string_view text) {
    std::string out;
    for (const char c : shown(text)) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

constexpr int row = 46, box = 34, glyph = 8, pad = 12, gap = 190, margin = 24, head = 64;

struct Placed {
    int x = 0, y = 0, width = 0;
    int middle() const { return y + box / 2; }
};

class Layout {
    const PolicyGraph& graph_;

  public:
    explicit Layout(const PolicyGraph& graph) : graph_(graph), places(graph.nodes.size()) {
        for (std::uint32_t n = 0; n < graph.nodes.size(); ++n)
            layers_[graph.nodes[n].layer].push_back(n);
        rank_.resize(graph.nodes.size());
        for (const auto& layer : layers_) number(layer);
        for (int pass = 0; pass < 12; ++pass) {
            if (pass % 2 == 0)
                for (std::size_t l = 1; l < layers_.size(); ++l) sort(layers_[l]);
            else
                for (std::size_t l = layers_.size() - 1; l-- > 0;) sort(layers_[l]);
        }
        place();
    }

    std::vector<Placed> places;
    int width = 0, height = 0;

  private:
    void number(const std::vector<std::uint32_t>& layer) {
        const double size = static_cast<double>(std::max<std::size_t>(layer.size(), 1));
        for (std::size_t k = 0; k < layer.size(); ++k)
            rank_[layer[k]] = (static_cast<double>(k) + 0.5) / size;
    }

    void sort(std::vector<std::uint32_t>& layer) {
        std::vector<double> sum(graph_.nodes.size(), 0), count(graph_.nodes.size(), 0);
        for (const GraphEdge& e : graph_.edges) {
            if (graph_.nodes[e.from].layer == graph_.nodes[e.to].layer) continue;
            sum[e.from] += rank_[e.to];
            count[e.from] += 1;
            sum[e.to] += rank_[e.from];
            count[e.to] += 1;
        }
        const auto mean = [&](std::uint32_t n) {
            return count[n] == 0 ? rank_[n] : sum[n] / count[n];
        };
        std::stable_sort(layer.begin(), layer.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return mean(a) < mean(b); });
        number(layer);
    }

    void place() {
        std::size_t longest = 1;
        for (const auto& layer : layers_) longest = std::max(longest, layer.size());
        int x = margin;
        for (const auto& layer : layers_) {
            if (layer.empty()) continue;
            int widest = 0;
            for (const std::uint32_t n : layer) {
                const std::size_t letters =
                    std::max(graph_.nodes[n].label.size(), graph_.nodes[n].detail.size() * 7 / 8);
                widest = std::max(widest, static_cast<int>(letters) * glyph + 2 * pad);
            }
            const int free = static_cast<int>(longest - layer.size()) * row;
            const int step = layer.size() > 1 ? free / static_cast<int>(layer.size() - 1) : 0;
            int y = head + (layer.size() > 1 ? 0 : free / 2);
            for (const std::uint32_t n : layer) {
                places[n] = {x, y, widest};
                y += row + step;
            }
            x += widest + gap;
        }
        width = std::max(x - gap + margin + 90, 760);
        height = head + static_cast<int>(longest) * row + margin;
    }

    std::array<std::vector<std::uint32_t>, 3> layers_;
    std::vector<double> rank_;
};

constexpr const char* style = R"(<style>
  svg { --paper: #ffffff; --ink: #1d2733; --soft: #5b6775; --line: #9aa5b1; --route: #e8f0fe; --event: #fdf0dc; --drop_of: #f3e8fd; --tag: #e6f4ea; --space: #eef1f4;
        --drops: #c5221f; --expires: #b06000; --refreshes: #1967d2; --serves: #188038; --warms: #00796b; --carries: #5f6368; --depends: #8430ce;
        background: var(--paper); color-scheme: light dark; }
  @media (prefers-color-scheme: dark) { svg { --paper: #15191e; --ink: #e6eaee; --soft: #a9b3be; --line: #55606c; --route: #1e3049; --event: #43331a; --drop_of: #37264a; --tag: #1d3a27; --space: #262d35;
        --drops: #ff8a80; --expires: #ffb74d; --refreshes: #8ab4f8; --serves: #81c995; --warms: #4db6ac; --carries: #b0b8c0; --depends: #d7aefb; } }
  text { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--ink); }
  .small { font-size: 11px; fill: var(--soft); }
  .title { font: 600 16px system-ui, "DejaVu Sans", sans-serif; }
  rect { stroke: var(--line); }
  .route { fill: var(--route); } .event { fill: var(--event); } .drop_of { fill: var(--drop_of); } .tag { fill: var(--tag); } .space { fill: var(--space); }
  path { fill: none; stroke-width: 1.4; stroke-opacity: .75; }
  g.edge:hover path { stroke-width: 3.2; stroke-opacity: 1; }
  .drops { stroke: var(--drops); } .expires { stroke: var(--expires); stroke-dasharray: 7 3; } .refreshes { stroke: var(--refreshes); stroke-dasharray: 10 3 2 3; }
  .serves { stroke: var(--serves); stroke-dasharray: 2 3; } .warms { stroke: var(--warms); stroke-dasharray: 1 4; } .carries { stroke: var(--carries); } .depends { stroke: var(--depends); stroke-dasharray: 4 4; }
</style>
)";

std::string number(int n) { return std::to_string(n); }

std::string sentence(const PolicyGraph& g, const GraphEdge& e) {
    std::string out = g.nodes[e.from].label + " " + edge_words[static_cast<std::size_t>(e.does)] +
                      " " + g.nodes[e.to].label;
    if (!e.label.empty()) out += " \"" + e.label + "\"";
    return e.where.empty() ? out : out + " (" + e.where + ")";
}

std::string curve(const Placed& a, const Placed& b) {
    if (a.x == b.x) {  // in one column: a bow at its right
        const int x = a.x + a.width, bow = x + 46 + std::abs(a.y - b.y) / 8;
        return "M" + number(x) + " " + number(a.middle()) + "C" + number(bow) + " " +
               number(a.middle()) + " " + number(bow) + " " + number(b.middle()) + " " + number(x) +
               " " + number(b.middle());
    }
    const int from = a.x + a.width, to = b.x, half = (from + to) / 2;
    return "M" + number(from) + " " + number(a.middle()) + "C" + number(half) + " " +
           number(a.middle()) + " " + number(half) + " " + number(b.middle()) + " " + number(to) +
           " " + number(b.middle());
}

}  // namespace

std::string render_graph_svg(const PolicyGraph& g) {
    const Layout layout(g);
    const std::string size = number(layout.width) + "\" height=\"" + number(layout.height);
    std::string out =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + size + "\" viewBox=\"0 0 " +
        number(layout.width) + " " + number(layout.height) +
        "\" role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">Who drops what: " +
        xml(g.title) + "</title>\n<desc id=\"desc\">" + number(static_cast<int>(g.nodes.size())) +
        " boxes and " + number(static_cast<int>(g.edges.size())) +
        " connections; each has its own title.</desc>\n" + style;
    out +=
        "<text class=\"title\" x=\"" + number(margin) + "\" y=\"26\">" + xml(g.title) + "</text>\n";
    std::array<bool, 7> used{};
    for (const GraphEdge& e : g.edges) used[static_cast<std::size_t>(e.does)] = true;
    int x = margin;
    for (std::size_t k = 0; k < used.size(); ++k) {
        if (!used[k]) continue;
        out += "<path class=\"" + std::string(edge_names[k]) + "\" d=\"M" + number(x) +
               " 46h26\"/><text class=\"small\" x=\"" + number(x + 32) + "\" y=\"50\">" +
               edge_words[k] + "</text>\n";
        x += 48 + static_cast<int>(std::string_view(edge_words[k]).size()) * 7;
    }
    for (const GraphEdge& e : g.edges)
        out += "<g class=\"edge\"><title>" + xml(sentence(g, e)) + "</title><path class=\"" +
               name_of(e) + "\" d=\"" + curve(layout.places[e.from], layout.places[e.to]) +
               "\"/></g>\n";
    for (std::size_t n = 0; n < g.nodes.size(); ++n) {
        const GraphNode& node = g.nodes[n];
        const Placed& at = layout.places[n];
        out += "<g><title>" + xml(node.label + ": " + node.detail) + "</title><rect class=\"" +
               name_of(node) + "\" x=\"" + number(at.x) + "\" y=\"" + number(at.y) + "\" width=\"" +
               number(at.width) + "\" height=\"" + number(box) + "\" rx=\"6\"/><text x=\"" +
               number(at.x + pad) + "\" y=\"" + number(at.y + 15) + "\">" + xml(node.label) +
               "</text><text class=\"small\" x=\"" + number(at.x + pad) + "\" y=\"" +
               number(at.y + 28) + "\">" + xml(node.detail) + "</text></g>\n";
    }
    if (g.cut)
        out += "<text class=\"small\" x=\"" + number(margin) + "\" y=\"" +
               number(layout.height - 8) +
               "\">not all of it: the policy is too large to draw</text>\n";
    return out + "</svg>\n";
}

std::string render_graph_dot(const PolicyGraph& g) {
    std::string out =
        "digraph policy {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n";
    if (g.cut) out += "  // not all of it: the policy is too large to draw\n";
    for (std::size_t n = 0; n < g.nodes.size(); ++n)
        out += "  n" + std::to_string(n) + " [label=" + json_string(g.nodes[n].label) +
               ", tooltip=" + json_string(g.nodes[n].detail) + "];\n";
    for (const GraphEdge& e : g.edges)
        out += "  n" + std::to_string(e.from) + " -> n" + std::to_string(e.to) + " [label=" +
               json_string(edge_words[static_cast<std::size_t>(e.does)] +
                           (e.label.empty() ? "" : " " + e.label)) +
               "];\n";
    return out + "}\n";
}

std::string render_graph_json(const PolicyGraph& g) {
    std::string out = "{\"title\":" + json_string(g.title) +
                      ",\"complete\":" + (g.cut ? "false" : "true") + ",\"nodes\":[";
    for (std::size_t n = 0; n < g.nodes.size(); ++n)
        out += (n == 0 ? "\n" : ",\n") + std::string("{\"is\":\"") + name_of(g.nodes[n]) +
               "\",\"label\":" + json_string(g.nodes[n].label) +
               ",\"detail\":" + json_string(g.nodes[n].detail) + "}";
    out += "],\"edges\":[";
    for (std::size_t n = 0; n < g.edges.size(); ++n) {
        const GraphEdge& e = g.edges[n];
        out += (n == 0 ? "\n" : ",\n") + std::string("{\"from\":") + std::to_string(e.from) +
               ",\"to\":" + std::to_string(e.to) + ",\"does\":\"" + name_of(e) +
               "\",\"text\":" + json_string(e.label) + ",\"where\":" + json_string(e.where) + "}";
    }
    return out + "]}\n";
}

}  // namespace larder::dsl
