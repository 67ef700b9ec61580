// kernel/cli/replay.cpp -- larder replay: what a policy would have made of traffic that was.
#include "kernel/cli/host.hpp"
#include "kernel/cli/replay_options.hpp"
#include "kernel/replay/comparison.hpp"
#include "kernel/replay/log_file.hpp"

namespace larder::cli {

int run_replay(Words words) {
    CLI::App app;
    describe(app, "replay",
             "Plays a trace (`larder record`) or an access log of nginx, Apache or uvicorn through a policy,\n"
             "on the real cache with virtual time, and prints what came of it; with --against through two\n"
             "policies side by side.");
    PolicyOnStage stage;
    std::string file, format = "text", log_format;
    Words against;
    replay::ReplayOptions options;
    app.add_option("FILE", file, "trace or access log; - is standard input")->required();
    stage.add_to(app);
    app.add_option("--against", against, "another policy, to compare with; may be repeated for one of several files")->type_name("FILE")->allow_extra_args(false);
    app.add_option("--format", format, "text or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
    app.add_option("--log-format", log_format, "common, combined (nginx, apache) or uvicorn, if it cannot be found out")
        ->check(CLI::IsMember({"common", "combined", "nginx", "apache", "uvicorn"}));
    app.add_option("--rate", options.log.per_second, "lines a second, of a log without times")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--value-bytes", options.log.value_bytes, "size of answers that do not say theirs")->capture_default_str();
    if (const auto status = parse(app, std::move(words))) return *status;

    if (!stage.fill("replay", options.stage)) return exit_usage;
    if (!against.empty()) {
        options.against = options.stage;
        options.against->policy = against;
    }
    if (!log_format.empty()) options.format = replay::log_format(log_format);
    std::string problem;
    const auto log = replay::LogFile::open(file, problem);
    if (!log) {
        complain("larder replay: " + problem);
        return exit_usage;
    }
    const auto replayed = replay::replay(log->text(), options, problem);
    if (!replayed) {
        complain("larder replay: " + file + ": " + problem);
        return exit_findings;
    }
    print(format == "json" ? replay::render_json(*replayed) : replay::render_text(*replayed));
    return replayed->facts.problem.empty() ? exit_fine : exit_findings;
}

}  // namespace larder::cli
