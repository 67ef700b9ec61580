// kernel/cli/advise.cpp -- larder advise: changes of a policy that would have been worth it.
#include "kernel/cli/host.hpp"
#include "kernel/cli/replay_options.hpp"
#include "kernel/replay/advice.hpp"
#include "kernel/replay/log_file.hpp"

#include <unistd.h>

namespace larder::cli {

int run_advise(Words words) {
    CLI::App app;
    describe(app, "advise",
             "Suggests changes of a policy as patches, each compiled and played on a trace or an access log\n"
             "before it is offered, with what it gains and what it costs. What does not pay is not offered.");
    PolicyOnStage stage;
    std::string file, format = "text";
    replay::ReplayOptions options;
    options.most = 2'000'000;
    app.add_option("FILE", file, "trace or access log; - is standard input")->required();
    stage.add_to(app);
    app.add_option("--format", format, "text (which `patch` takes) or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
    app.add_option("--most", options.most, "operations that are played")->check(CLI::PositiveNumber)->capture_default_str();
    if (const auto status = parse(app, std::move(words))) return *status;

    if (!stage.fill("advise", options.stage)) return exit_usage;
    std::string problem;
    const auto log = replay::LogFile::open(file, problem);
    if (!log) {
        complain("larder advise: " + problem);
        return exit_usage;
    }
    const bool watched = ::isatty(STDERR_FILENO) != 0;
    const auto advice = replay::advise(log->text(), options, [&](const std::string& what) { if (watched) complain("playing: " + what); }, problem);
    if (!advice) {
        complain("larder advise: " + file + ": " + problem);
        return exit_findings;
    }
    print(format == "json" ? replay::render_json(*advice) : replay::render_text(*advice));
    return advice->facts.problem.empty() ? exit_fine : exit_findings;
}

}  // namespace larder::cli
