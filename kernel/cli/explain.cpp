// kernel/cli/explain.cpp -- larder explain: what a policy does, or what a code means.
//
// Of a running kernel when one answers and no other policy is named; else of the policy in files, which
// needs no plugin.
#include "dsl/compile.hpp"
#include "kernel/api/explanation.hpp"
#include "kernel/cli/host.hpp"

#include <boost/json.hpp>

#include <unistd.h>

namespace larder::cli {
namespace {

std::string joined(const Words& words) {
    std::string out;
    for (const std::string& word : words) (out += out.empty() ? "" : " ") += word;
    return out;
}

int tell(const std::string& text, bool ok, bool json) {
    if (!ok) {
        complain("larder explain: " + text);
        return exit_usage;
    }
    print(json ? boost::json::serialize(boost::json::object{{"text", text}}) + "\n" : text);
    if (!json && !text.ends_with('\n')) print("\n");
    return exit_fine;
}

int explain_files(const HostOptions& host, const std::string& question, bool json) {
    const auto config = host.load();
    if (!config) return exit_findings;
    if (config->policy.empty()) {
        complain("larder explain: no policy is named: give `--policy FILE`, or name one in larder.toml");
        return exit_usage;
    }
    dsl::CompileOptions options;
    options.profile = config->profile;
    const auto compiled = dsl::compile(config->policy, options);
    if (!compiled.ok()) {
        complain(dsl::render_text(*compiled.sources, compiled.found, is_colourful(STDERR_FILENO)));
        return exit_findings;
    }
    bool ok = false;
    const auto text = api::explanation(*compiled.policy, nullptr, question, ok);
    return tell(text, ok, json);
}

}  // namespace

int run_explain(Words words) {
    CLI::App app;
    describe(app, "explain",
             "  larder explain METHOD PATH [STATUS] [name=value]...   which rules fire, what they drop\n"
             "  larder explain event NAME [name=value]...\n"
             "  larder explain entry NAMESPACE KEY                    how long it lives, who can drop it\n"
             "  larder explain CODE                                   what L0202 means\n"
             "Asks the running kernel, unless --policy or --conf names another policy or none runs.");
    HostOptions host;
    Remote remote;
    Words question;
    host.add_to(app);
    remote.add_to(app);
    app.add_option("QUESTION", question, "as above")->required();
    if (const auto status = parse(app, std::move(words))) return *status;

    if (question.size() == 1) {
        if (const auto page = api::code_page(question[0]); !page.empty())
            return tell(page, true, remote.json);
    }
    if (host.policy.empty() && host.conf.empty() && host.profile.empty()) {
        std::string ignored;
        if (const auto answer = remote.try_ask("explain", {joined(question)}, ignored)) {
            print(answer->out);
            if (!answer->err.empty()) complain("larder explain: " + answer->err);
            return answer->exit;
        }
    }
    return explain_files(host, joined(question), remote.json);
}

}  // namespace larder::cli
