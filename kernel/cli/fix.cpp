// kernel/cli/fix.cpp -- larder fix: the remedies that findings carry, applied to files.
#include "dsl/fix.hpp"
#include "dsl/unified_diff.hpp"
#include "kernel/cli/verb.hpp"
#include "kernel/editor/policy_text.hpp"

namespace larder::cli {
namespace {

struct Asked {
    Words files;
    std::string profile;
    bool check = false;
    bool diff = false;
    bool guesses = false;
};

struct Sums {
    std::size_t changed = 0, errors = 0, unread = 0;
};

std::string counted(std::size_t n, const char* what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string line_of(const dsl::Remedy& remedy) {
    std::string line = remedy.where + ": " + remedy.code + ": ";
    if (remedy.before.empty()) return line + "put in `" + remedy.after + "`\n";
    if (remedy.after.empty()) return line + "taken away: `" + remedy.before + "`\n";
    return line + "`" + remedy.before + "` -> `" + remedy.after + "`\n";
}

void tell_what_is_left(const std::string& path, const dsl::Fixed& made) {
    std::string text = path + ": ";
    if (made.worse) text += "not touched, the remedies make more errors than they take away; ";
    text += counted(made.errors, "error") + " and " + counted(made.warnings, "warning") + " left";
    if (made.guesses_left != 0)
        text += ", " + std::to_string(made.guesses_left) + " of them with a likely remedy: `--guesses`";
    if (made.worse || made.errors + made.warnings != 0) complain(text);
}

void fix_file(const std::string& path, const Asked& asked, Sums& sums) {
    std::string why;
    auto text = editor::read_text(path, why);
    if (!text) {
        complain("larder fix: " + path + ": " + why);
        ++sums.unread;
        return;
    }
    dsl::FixOptions options;
    options.guesses = asked.guesses;
    options.compile.profile = asked.profile;
    const dsl::Fixed made = dsl::fix_text(path, *text, options);
    sums.errors += made.errors;
    if (made.text != *text) {
        ++sums.changed;
        if (asked.diff) {
            print(dsl::unified_diff(path, *text, made.text));
        } else {
            if (!asked.check && !editor::replace_text(path, made.text, why)) {
                complain("larder fix: " + path + ": " + why);
                ++sums.unread;
                return;
            }
            for (const dsl::Remedy& remedy : made.applied) print(line_of(remedy));
        }
    }
    tell_what_is_left(path, made);
}

}  // namespace

int run_fix(Words words) {
    CLI::App app;
    describe(app, "fix",
             "Applies the remedies that findings carry, checks again, and goes on until none is left. Only\n"
             "those are applied of which nothing else can have been meant; --guesses takes the likely ones,\n"
             "too. A file is never left with more errors than it had.");
    Asked asked;
    app.add_option("FILE", asked.files, "policies, or folders of *.larder; each file of its own")->required();
    app.add_option("--profile", asked.profile, "profile of the policies")->type_name("NAME");
    app.add_flag("--guesses", asked.guesses, "also names that are near to the one that was written");
    app.add_flag("--check", asked.check, "change nothing, print what would be done; status 1 if anything");
    app.add_flag("--diff", asked.diff, "change nothing, print it as a diff; status 1 if there is any");
    if (const auto status = parse(app, std::move(words))) return *status;

    std::string why;
    const auto paths = editor::policy_paths(asked.files, why);
    if (!paths) {
        complain("larder fix: " + why);
        return exit_findings;
    }
    Sums sums;
    for (const std::string& path : *paths) fix_file(path, asked, sums);
    const bool asks = asked.check || asked.diff;
    return sums.errors + sums.unread + (asks ? sums.changed : 0) != 0 ? exit_findings : exit_fine;
}

}  // namespace larder::cli
