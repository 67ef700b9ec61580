// kernel/cli/test.cpp -- larder test: the stories in policies, played.
#include "kernel/cli/verb.hpp"
#include "kernel/core/clock.hpp"
#include "kernel/policy_test/file_watch.hpp"
#include "kernel/policy_test/mutants.hpp"
#include "kernel/policy_test/report.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

namespace larder::cli {
namespace {

namespace fs = std::filesystem;

enum class Form { text, tap, junit };

struct Asked {
    Words files;
    policy_test::SuiteOptions suite;
    Form form = Form::text;
    bool coverage = false, mutate = false, watch = false;
    std::optional<std::uint64_t> fail_under;  // hundredths of a percent
    std::string lcov, json;                   // files
};

// Policies below a folder, sorted; hidden folders are somebody else's.
void add_folder(const std::string& folder, Words& out) {
    const std::size_t first = out.size();
    std::error_code error;
    fs::recursive_directory_iterator at(folder, error), end;
    for (; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (at->is_directory(error) && name.size() > 1 && name[0] == '.') at.disable_recursion_pending();
        else if (at->path().extension() == ".larder")
            out.push_back(at->path().lexically_normal().string());
    }
    if (error) complain("larder test: " + folder + ": " + error.message());
    std::sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end());
}

Words policies(const Words& named) {
    Words out;
    for (const std::string& name : named) {
        std::error_code error;
        if (fs::is_directory(name, error)) add_folder(name, out);
        else
            out.push_back(name);
    }
    return out;
}

// "99.95" as 9995.
std::optional<std::uint64_t> hundredths(std::string_view text) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    std::string digits(text.substr(0, dot));
    std::string_view behind = text.substr(std::min(dot + 1, text.size()));
    if (digits.empty() || behind.size() > 2) return std::nullopt;
    digits.append(behind).append(2 - behind.size(), '0');
    std::uint64_t out = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size() || out > 10'000)
        return std::nullopt;
    return out;
}

bool write(const std::string& path, const std::string& text) {
    if (path == "-") {
        print(text);
        return true;
    }
    std::ofstream out(path, std::ios::binary);
    out << text;
    out.close();
    if (out) return true;
    complain("larder test: cannot write " + path);
    return false;
}

std::string rendered(const Asked& asked, const std::vector<policy_test::SuiteResult>& results) {
    switch (asked.form) {
        case Form::tap: return policy_test::report_tap(results);
        case Form::junit: return policy_test::report_junit(results);
        case Form::text: break;
    }
    return policy_test::report_text(results, is_colourful(STDOUT_FILENO));
}

// False: a file cannot be written, or less is covered than was asked for.
bool tell_coverage(const Asked& asked, const std::vector<policy_test::SuiteResult>& results) {
    std::vector<policy_test::Coverage> all;
    policy_test::Share sum;
    for (const policy_test::SuiteResult& result : results) {
        if (result.coverage.empty() || result.tests.empty()) continue;
        all.push_back(result.coverage.front());
        sum.part += all.back().share().part;
        sum.all += all.back().share().all;
    }
    if (asked.coverage) {
        const std::string text = policy_test::coverage_text(all);
        if (asked.form == Form::text) print(text);
        else
            complain(text);
    }
    bool good = asked.lcov.empty() || write(asked.lcov, policy_test::coverage_lcov(all));
    if (!asked.json.empty()) good = write(asked.json, policy_test::coverage_json(all)) && good;
    if (asked.coverage && asked.fail_under && !sum.reaches(*asked.fail_under)) {
        complain("larder test: " + sum.percent() + " of all clauses are exercised: less than was asked for");
        good = false;
    }
    return good;
}

// False: fewer mutants are noticed than was asked for.
bool tell_mutants(const Asked& asked, const std::vector<policy_test::SuiteResult>& results) {
    std::vector<policy_test::MutationResult> all;
    policy_test::Share sum;
    for (const policy_test::SuiteResult& result : results) {
        if (result.tests.empty()) continue;
        all.push_back(policy_test::run_mutants(result.path, asked.suite));
        sum.part += all.back().score().part;
        sum.all += all.back().score().all;
    }
    const bool text = asked.form == Form::text;
    const std::string said =
        policy_test::mutation_text(all, is_colourful(text ? STDOUT_FILENO : STDERR_FILENO));
    if (text) print(said);
    else
        complain(said);
    if (!asked.fail_under || sum.reaches(*asked.fail_under)) return true;
    complain("larder test: " + sum.percent() + " of all mutants are noticed: less than was asked for");
    return false;
}

struct Round {
    int status = exit_fine;
    Words files;  // that were read
};

Round run_once(const Asked& asked) {
    const SystemClock clock;
    std::vector<policy_test::SuiteResult> results;
    Round round;
    std::size_t tests = 0, left_out = 0;
    bool good = true;
    for (const std::string& path : policies(asked.files)) {
        results.push_back(policy_test::run_suite(path, asked.suite, clock));
        good = good && results.back().errors.empty() && results.back().failed() == 0;
        tests += results.back().tests.size();
        left_out += results.back().left_out;
    }
    for (const policy_test::SuiteResult& result : results)
        for (std::size_t i = 0; i < result.sources->files(); ++i)
            round.files.push_back(
                result.sources->file(dsl::FileId{static_cast<std::uint32_t>(i)}).name());
    print(rendered(asked, results));
    if (tests == 0 && good) {
        complain(left_out == 0 ? "larder test: there is no test here"
                               : "larder test: no test is called like that");
        good = false;
    } else {
        good = tell_coverage(asked, results) && good;
        if (asked.mutate && good) good = tell_mutants(asked, results) && good;
        else if (asked.mutate)
            complain("larder test: mutants are tried when all tests pass");
    }
    round.status = good ? exit_fine : exit_findings;
    return round;
}

// Again whenever a policy is saved; ends with the process.
int run_on_and_on(const Asked& asked) {
    Words folders;
    for (const std::string& name : asked.files) {
        std::error_code error;
        if (!fs::is_directory(name, error)) continue;
        folders.push_back(name);
        for (fs::recursive_directory_iterator at(name, error), end; !error && at != end; at.increment(error))
            if (at->is_directory(error)) folders.push_back(at->path().string());
    }
    policy_test::FileWatch watch;
    for (;;) {
        Words files = run_once(asked).files;
        for (const std::string& name : asked.files) files.push_back(name);
        std::fflush(stdout);
        if (!watch.add(files, folders)) {
            complain("larder test: nothing here can be watched");
            return exit_findings;
        }
        complain("larder test: waiting for a policy to be saved");
        watch.wait(std::chrono::milliseconds(-1), std::chrono::milliseconds(50));
        if (::isatty(STDOUT_FILENO) != 0) print("\033[H\033[2J");
    }
}

std::optional<int> read(Words words, Asked& out) {
    CLI::App app;
    describe(app, "test",
             "Plays the `test` items of policies, each in a kernel of its own: the real cache under a\n"
             "virtual clock, with stores in memory. Folders are searched for *.larder; without FILE the\n"
             "one it stands in.");
    std::string fail_under;
    Words env;
    app.add_option("FILE", out.files, "policies, each of its own, or folders of them");
    app.add_option("--filter", out.suite.filter, "only tests whose title contains TEXT")
        ->type_name("TEXT");
    app.add_option("--profile", out.suite.profile, "profile of the tests that name none")
        ->type_name("NAME");
    app.add_option("--env", env, "NAME=VALUE, for `env NAME` in the policy: tests see no other")
        ->type_name("NAME=VALUE");
    app.add_option("--format", out.form, "text, tap or junit")
        ->type_name("FORMAT")
        ->transform(CLI::Transformer(std::vector<std::pair<std::string, Form>>{
            {"text", Form::text}, {"tap", Form::tap}, {"junit", Form::junit}}));
    app.add_flag("--mutate", out.mutate, "also change the policy, one decision at a time, and tell which changes no test notices");
    app.add_flag("--watch", out.watch, "again whenever a policy is saved, until it is interrupted");
    app.add_flag("--coverage", out.coverage, "also tell which rules and clauses no test exercises");
    app.add_option("--fail-under", fail_under, "end in status 1 when less is covered (and, with --mutate, noticed)")
        ->type_name("PERCENT");
    app.add_option("--lcov", out.lcov, "write the coverage as an LCOV tracefile; - is stdout")
        ->type_name("FILE");
    app.add_option("--coverage-json", out.json, "write the coverage as JSON; - is stdout")
        ->type_name("FILE");
    if (const auto status = parse(app, std::move(words))) return status;
    if (out.files.empty()) out.files.emplace_back(".");
    const auto given = pairs("test", env);
    if (!given) return exit_usage;
    out.suite.env = {given->begin(), given->end()};
    if (fail_under.empty()) return std::nullopt;
    if (!out.mutate) out.coverage = true;
    out.fail_under = hundredths(fail_under);
    if (out.fail_under) return std::nullopt;
    complain("larder test: --fail-under takes a percentage like 90 or 99.95, not `" + fail_under + "`");
    return exit_usage;
}

}  // namespace

int run_test(Words words) {
    Asked asked;
    if (const auto status = read(std::move(words), asked)) return *status;
    return asked.watch ? run_on_and_on(asked) : run_once(asked).status;
}

}  // namespace larder::cli
