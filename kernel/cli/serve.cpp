// kernel/cli/serve.cpp -- larder serve: run a kernel until a signal says stop.
#include "kernel/cli/host.hpp"
#include "kernel/serve/daemon.hpp"

#include <cstdio>

namespace larder::cli {

int run_serve(Words words) {
    CLI::App app;
    describe(app, "serve",
             "Runs a kernel: loads the policy and the plugins that larder.toml names, listens, and\n"
             "prints one line when all of it does. SIGHUP or `larder reload` reads both again; SIGTERM\n"
             "and SIGINT stop it cleanly.");
    HostOptions host;
    bool allow_missing = false;
    host.add_to(app);
    app.add_flag("--allow-missing", allow_missing,
                 "start although the policy names stores or codecs that are not configured; what is "
                 "off is listed");
    if (const auto status = parse(app, std::move(words))) return *status;

    auto config = host.load();
    if (!config) return exit_findings;
    if (config->policy.empty()) {
        complain("larder serve: no policy is named: give `--policy FILE`, or write "
                 "`policy = [\"FILE\"]` in larder.toml");
        return exit_usage;
    }
    serve::DaemonOptions options;
    options.kernel.config = std::move(*config);
    options.kernel.allow_missing = allow_missing;
    options.ready = [](const std::string& line) {
        print(line + "\n");
        std::fflush(stdout);
    };
    options.warn = [](const std::string& line) { complain("warning: " + line); };
    std::string problem;
    if (serve::run_daemon(std::move(options), problem)) return exit_fine;
    complain(problem);
    return exit_findings;
}

}  // namespace larder::cli
