// kernel/cli/running.cpp -- larder stats, alerts, reload, ping: a running kernel as a whole.
#include "kernel/cli/host.hpp"

namespace larder::cli {

int run_stats(Words words) {
    CLI::App app;
    describe(app, "stats", "Prints the numbers of a running kernel as one JSON object.");
    Remote remote;
    std::string section;
    remote.add_to(app);
    app.add_option("SECTION", section, "one part of them: kernel, plugins, namespaces, ...");
    if (const auto status = parse(app, std::move(words))) return *status;
    return remote.ask("stats", section.empty() ? Words{} : Words{section});
}

int run_alerts(Words words) {
    CLI::App app;
    describe(app, "alerts",
             "Prints each alert of the policy, what it measures now and whether it fires. With --now all are\n"
             "judged at once, without waiting for their `for`, and their sinks are told of what changed.\n"
             "Status 1 when one fires.");
    Remote remote;
    bool now = false;
    remote.add_to(app);
    app.add_flag("--now", now, "judge at once, and tell the sinks");
    if (const auto status = parse(app, std::move(words))) return *status;
    return remote.ask("alerts", now ? Words{"now"} : Words{});
}

int run_reload(Words words) {
    CLI::App app;
    describe(app, "reload",
             "Reads policy and larder.toml again and prints what differs. When anything is wrong with\n"
             "them, says what, changes nothing and ends with status 1.");
    Remote remote;
    remote.add_to(app);
    if (const auto status = parse(app, std::move(words))) return *status;
    return remote.ask("reload", {});
}

int run_ping(Words words) {
    CLI::App app;
    describe(app, "ping", "Tells whether a kernel answers; status 3 when none does.");
    Remote remote;
    remote.add_to(app);
    if (const auto status = parse(app, std::move(words))) return *status;
    return remote.ask("ping", {});
}

}  // namespace larder::cli
