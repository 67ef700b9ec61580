// kernel/cli/fmt.cpp -- larder fmt: policies in the one style.
#include "dsl/format/format.hpp"
#include "dsl/unified_diff.hpp"
#include "kernel/cli/verb.hpp"
#include "kernel/editor/policy_text.hpp"

#include <unistd.h>

namespace larder::cli {
namespace {

struct Asked {
    Words files;
    bool check = false;
    bool diff = false;
};

// What became of one text.
enum class Outcome { same, changed, wrong };

struct Sums {
    std::size_t changed = 0, wrong = 0;

    void add(Outcome outcome) {
        changed += outcome == Outcome::changed ? 1 : 0;
        wrong += outcome == Outcome::wrong ? 1 : 0;
    }
};

Outcome complain_about(const std::string& path, const std::string& why) {
    complain("larder fmt: " + path + ": " + why);
    return Outcome::wrong;
}

// The text in the one style; nullopt: it has errors of syntax, which have been shown.
std::optional<std::string> styled(const std::string& name, const std::string& text) {
    dsl::SourceMap sources;
    dsl::Formatted made = dsl::formatted(sources, sources.add(name, text));
    if (!made.text) complain(dsl::render_text(sources, made.found, is_colourful(STDERR_FILENO)));
    return std::move(made.text);
}

Outcome format_file(const std::string& path, const Asked& asked) {
    std::string why;
    const auto text = editor::read_text(path, why);
    if (!text) return complain_about(path, why);
    const auto made = styled(path, *text);
    if (!made) return Outcome::wrong;
    if (*made == *text) return Outcome::same;
    if (asked.diff)
        print(dsl::unified_diff(path, *text, *made));
    else if (asked.check)
        print(path + "\n");
    else if (!editor::replace_text(path, *made, why))
        return complain_about(path, why);
    return Outcome::changed;
}

// From standard input to standard output.
Outcome format_stream(const Asked& asked) {
    std::string why;
    const auto text = editor::read_text("/dev/stdin", why);
    if (!text) return complain_about("standard input", why);
    const auto made = styled("standard input", *text);
    if (!made) return Outcome::wrong;
    if (asked.diff)
        print(dsl::unified_diff("standard input", *text, *made));
    else if (!asked.check)
        print(*made);
    return *made == *text ? Outcome::same : Outcome::changed;
}

}  // namespace

int run_fmt(Words words) {
    CLI::App app;
    describe(app, "fmt",
             "Writes policies in the one style. Only blanks, line ends and `;` change; comments stay where\n"
             "they are. A file with errors of syntax is not touched: its errors are shown instead.");
    Asked asked;
    app.add_option("FILE", asked.files,
                   "policies, folders of *.larder, or `-` for standard input to standard output")
        ->required();
    app.add_flag("--check", asked.check, "change nothing, name what would change; status 1 if any does");
    app.add_flag("--diff", asked.diff, "change nothing, print the changes; status 1 if there are any");
    if (const auto status = parse(app, std::move(words))) return *status;

    Sums sums;
    std::string why;
    const auto paths = editor::policy_paths(asked.files, why);
    if (!paths) {
        complain("larder fmt: " + why);
        return exit_findings;
    }
    for (const std::string& path : *paths)
        sums.add(path == "-" ? format_stream(asked) : format_file(path, asked));
    const bool asks = asked.check || asked.diff;
    return sums.wrong != 0 || (asks && sums.changed != 0) ? exit_findings : exit_fine;
}

}  // namespace larder::cli
