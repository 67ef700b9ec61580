// kernel/cli/diff.cpp -- larder diff: what another policy would do differently, by meaning.
#include "dsl/analysis/policy_difference.hpp"
#include "kernel/cli/host.hpp"
#include "kernel/cli/policy_source.hpp"

namespace larder::cli {
namespace {

struct Asked {
    Words files;
    std::string revision, format = "text";
    HostOptions host;
};

std::optional<int> read(Words words, Asked& out) {
    CLI::App app;
    describe(app, "diff",
             "  larder diff OLD NEW                 two policies\n"
             "  larder diff --git REVISION [FILE]   a policy and what it was in a revision\n"
             "Tells what differs by meaning: requests and events for which something else happens, each\n"
             "with one that shows it, and what follows from changed namespaces. Blanks, order and the\n"
             "names of captures are no difference. Ends in status 1 when there is one, as diff does, or\n"
             "when the patterns overlap too much to be sure.");
    app.add_option("FILE", out.files, "the policies; with --git one, without it that of larder.toml");
    app.add_option("--git", out.revision, "compare with what the file was in this revision")
        ->type_name("REVISION");
    out.host.add_to(app);
    app.add_option("--format", out.format, "text or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    if (const auto status = parse(app, std::move(words))) return status;
    if (out.revision.empty() && out.files.size() != 2) {
        complain("larder diff: name two policies: `larder diff old.larder new.larder`, or a revision: "
                 "`larder diff --git HEAD policies/hotel.larder`");
        return exit_usage;
    }
    if (out.revision.starts_with('-')) {
        complain("larder diff: `" + out.revision + "` is no revision");
        return exit_usage;
    }
    return std::nullopt;
}

}  // namespace

int run_diff(Words words) {
    Asked asked;
    if (const auto status = read(std::move(words), asked)) return *status;
    std::shared_ptr<const dsl::Policy> before, after;
    if (asked.revision.empty()) {
        const std::string& profile = asked.host.profile;
        before = policy_of("diff", {asked.files[0]}, profile);
        after = policy_of("diff", {asked.files[1]}, profile);
    } else {
        const auto choice = chosen_files("diff", asked.files, asked.host);
        if (!choice) return exit_usage;
        before = policy_in_git("diff", asked.revision, choice->files, choice->profile);
        after = policy_of("diff", choice->files, choice->profile);
    }
    if (before == nullptr || after == nullptr) return exit_usage;
    const dsl::PolicyDifference found = dsl::difference(*before, *after);
    print(asked.format == "json" ? dsl::render_difference_json(found, *before, *after)
                                 : dsl::render_difference_text(found, *before, *after));
    return found.empty() && found.complete ? exit_fine : exit_findings;
}

}  // namespace larder::cli
