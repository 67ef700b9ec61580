// kernel/cli/check.cpp -- larder check: what is wrong with policies, and with a host configuration.
//
// No plugin code runs: of plugins only the manifests are read. Each file is a policy of its own; a file
// that ends in .toml is a host configuration.
#include "dsl/compile.hpp"
#include "kernel/cli/host.hpp"
#include "kernel/cli/report.hpp"
#include "kernel/config/catalog.hpp"

#include <unistd.h>

#include <memory>

namespace larder::cli {
namespace {

struct Asked {
    Words files;
    std::string conf, profile;
    Format format = Format::text;
    bool deny_warnings = false;
};

// A configuration that has been judged, with what it offers to policies.
struct Judged {
    config::HostConfig config;
    config::Plan plan;
};

Judged judge(const std::string& conf, Report& report) {
    auto loaded = config::load_host_config(conf);
    report.add(*loaded.config.sources, loaded.found);
    Judged out{std::move(loaded.config), {}};
    loader::PluginRegistry registry(config::registry_options(out.config));
    out.plan = config::plan(out.config, registry);
    report.add(*out.config.sources, out.plan.found);
    return out;
}

void check_policy(const Words& files, const std::string& profile, const Judged* host,
                  Report& report) {
    dsl::CompileOptions options;
    options.profile = profile;
    if (host != nullptr) options.catalog = &host->plan.catalog;
    const auto compiled = dsl::compile(files, options);
    report.add(*compiled.sources, compiled.found);
}

std::string counted(std::size_t n, const char* what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

int tell(const Asked& asked, const Report& report) {
    print(report.render(asked.format, asked.format == Format::text && is_colourful(STDOUT_FILENO)));
    const bool list = asked.format == Format::json || asked.format == Format::sarif;
    if (list) print("\n");
    if (report.left_out() != 0)
        complain("larder check: " + counted(report.left_out(), "finding") +
                 " in further files are not shown; check fewer files at once");
    if (!list && report.errors() + report.warnings() != 0)
        complain(counted(report.errors(), "error") + ", " + counted(report.warnings(), "warning") +
                 "; `larder explain CODE` tells more of each");
    const bool bad = report.errors() != 0 || (asked.deny_warnings && report.warnings() != 0);
    return bad ? exit_findings : exit_fine;
}

std::optional<int> read(Words words, Asked& out) {
    CLI::App app;
    describe(app, "check",
             "Tells what is wrong with policies; prints nothing when nothing is. With --conf the names\n"
             "of stores, codecs, sources and sinks are checked too, against larder.toml and the\n"
             "manifests of its plugins, without running them.");
    std::string deny;
    app.add_option("FILE", out.files, "policies, each of its own; or a larder.toml");
    app.add_option("--conf", out.conf, "host configuration; without FILE its policy is checked with it")
        ->type_name("FILE");
    app.add_option("--profile", out.profile, "profile of the policies")->type_name("NAME");
    app.add_option("--format", out.format, "text, json, sarif or github")
        ->type_name("FORMAT")
        ->transform(CLI::Transformer(std::vector<std::pair<std::string, Format>>{
            {"text", Format::text},
            {"json", Format::json},
            {"sarif", Format::sarif},
            {"github", Format::github}}));
    app.add_option("--deny", deny, "`warnings`: they end in status 1 as errors do")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"warnings"}));
    if (const auto status = parse(app, std::move(words))) return status;
    out.deny_warnings = !deny.empty();
    if (out.files.empty() && out.conf.empty()) {
        complain("larder check: name a policy: `larder check policies/hotel.larder`, or a "
                 "configuration with `--conf`");
        return exit_usage;
    }
    return std::nullopt;
}

}  // namespace

int run_check(Words words) {
    Asked asked;
    if (const auto status = read(std::move(words), asked)) return *status;
    Report report;
    std::unique_ptr<Judged> host;
    if (!asked.conf.empty()) {
        host = std::make_unique<Judged>(judge(asked.conf, report));
        if (asked.profile.empty()) asked.profile = host->config.profile;
        if (asked.files.empty() && !host->config.policy.empty())
            check_policy(host->config.policy, asked.profile, host.get(), report);
    }
    for (const std::string& file : asked.files) {
        if (file.ends_with(".toml"))
            judge(file, report);
        else
            check_policy({file}, asked.profile, host.get(), report);
    }
    return tell(asked, report);
}

}  // namespace larder::cli
