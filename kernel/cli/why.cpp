// kernel/cli/why.cpp -- larder why: where an entry of a running kernel is, how it came there, why it went.
#include "kernel/cli/host.hpp"

namespace larder::cli {

int run_why(Words words) {
    CLI::App app;
    describe(app, "why",
             "Tells of one entry, tier by tier, whether it is there, when it was put or what its load took,\n"
             "how long it has to live; and its last removal with the rule and the request. Removals are\n"
             "remembered as long as they are among the last 4096. Exit status 1 when it is nowhere.");
    Remote remote;
    std::string space, key;
    remote.add_to(app);
    app.add_option("NAMESPACE", space)->required();
    app.add_option("KEY", key, "as the application writes it: `42`, `7:active`")->required();
    if (const auto status = parse(app, std::move(words))) return *status;
    return remote.ask("why", {space, key});
}

}  // namespace larder::cli
