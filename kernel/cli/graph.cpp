// kernel/cli/graph.cpp -- larder graph: a picture of who drops what.
#include "dsl/analysis/policy_graph.hpp"
#include "kernel/cli/host.hpp"
#include "kernel/cli/policy_source.hpp"

namespace larder::cli {

int run_graph(Words words) {
    CLI::App app;
    describe(app, "graph",
             "Draws a policy: requests and events on the left, what their rules serve, drop, expire and\n"
             "refresh on the right, tags and dependencies between. SVG for browsers and documents, `dot`\n"
             "for Graphviz, JSON for programs.");
    HostOptions host;
    Words files;
    std::string format = "svg";
    app.add_option("FILE", files, "the policy; without it that of larder.toml");
    host.add_to(app);
    app.add_option("--format", format, "svg, dot or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"svg", "dot", "json"}));
    if (const auto status = parse(app, std::move(words))) return *status;
    const auto choice = chosen_files("graph", files, host);
    if (!choice) return exit_usage;
    const auto policy = policy_of("graph", choice->files, choice->profile);
    if (policy == nullptr) return exit_findings;
    const dsl::PolicyGraph graph = dsl::graph_of(*policy);
    print(format == "dot"    ? dsl::render_graph_dot(graph)
          : format == "json" ? dsl::render_graph_json(graph)
                             : dsl::render_graph_svg(graph));
    return exit_fine;
}

}  // namespace larder::cli
