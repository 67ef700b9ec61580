// kernel/cli/routes.cpp -- larder routes: everything a policy does, one line for each class of requests.
#include "dsl/analysis/render_routes.hpp"
#include "kernel/cli/host.hpp"
#include "kernel/cli/policy_source.hpp"

namespace larder::cli {

int run_routes(Words words) {
    CLI::App app;
    describe(app, "routes",
             "Lists every class of requests that a policy tells apart, one request of each, with what is\n"
             "served, dropped, expired, refreshed and warmed, and by which rule. The list is complete;\n"
             "if the patterns overlap too much for that, it says so and ends in status 1.");
    HostOptions host;
    Words files;
    std::string format = "text";
    app.add_option("FILE", files, "the policy; without it that of larder.toml");
    host.add_to(app);
    app.add_option("--format", format, "text or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    if (const auto status = parse(app, std::move(words))) return *status;
    const auto choice = chosen_files("routes", files, host);
    if (!choice) return exit_usage;
    const auto policy = policy_of("routes", choice->files, choice->profile);
    if (policy == nullptr) return exit_findings;
    const dsl::Policy* const one[] = {policy.get()};
    const dsl::RequestClasses classes = dsl::classes_of(one);
    print(format == "json" ? dsl::render_routes_json(*policy, classes)
                           : dsl::render_routes_text(*policy, classes));
    return classes.complete ? exit_fine : exit_findings;
}

}  // namespace larder::cli
