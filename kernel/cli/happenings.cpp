// kernel/cli/happenings.cpp -- larder route, larder event: tell a running kernel that something happened.
#include "kernel/cli/host.hpp"

namespace larder::cli {

int run_route(Words words) {
    CLI::App app;
    describe(app, "route",
             "Tells the kernel that an application has answered a request; the rules that match fire,\n"
             "and what they did is printed.");
    Remote remote;
    std::string method, path, status = "200", body;
    Words headers;
    remote.add_to(app);
    app.add_option("METHOD", method)->required();
    app.add_option("PATH", path, "with its query, if rules ask for it")->required();
    app.add_option("STATUS", status, "of the answer")->capture_default_str();
    app.add_option("--body", body, "of the request, for `let x = json \"...\"`")->type_name("TEXT");
    app.add_option("--header", headers, "of the request; may be repeated")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
    if (const auto exit = parse(app, std::move(words))) return *exit;
    const auto given = pairs("route --header", headers);
    if (!given) return exit_usage;
    Words request{method, path, status, body};
    for (const auto& [name, text] : *given) {
        request.push_back(name);
        request.push_back(text);
    }
    return remote.ask("route", std::move(request));
}

int run_event(Words words) {
    CLI::App app;
    describe(app, "event", "Tells the kernel of an event; its rules fire, and what they did is printed.");
    Remote remote;
    std::string name;
    Words values;
    remote.add_to(app);
    app.add_option("NAME", name)->required();
    app.add_option("VALUES", values, "parameter=value");
    if (const auto exit = parse(app, std::move(words))) return *exit;
    const auto given = pairs("event", values);
    if (!given) return exit_usage;
    Words request{name};
    for (const auto& [parameter, text] : *given) {
        request.push_back(parameter);
        request.push_back(text);
    }
    return remote.ask("event", std::move(request));
}

}  // namespace larder::cli
