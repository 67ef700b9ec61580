// kernel/cli/verb.hpp -- what the verbs of the program have in common.
//
// Exit status: 0 fine, 1 findings (or: not there), 2 usage, 3 no kernel answers. Data goes to standard
// output, messages to standard error; `--json` where a program would read it; colours only on a terminal
// and never with NO_COLOR.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::cli {

using Words = std::vector<std::string>;

enum Exit : int { exit_fine = 0, exit_findings = 1, exit_usage = 2, exit_unreachable = 3 };

struct Verb {
    std::string_view name;
    std::string_view summary;  // for `larder help`
    int (*run)(Words words);   // the words behind the verb
    bool remote = false;       // talks to a running kernel
};
std::span<const Verb> verbs();
const Verb* find_verb(std::string_view name);

// An app for one verb: its usage line and description.
void describe(CLI::App& app, const std::string& name, const std::string& description);
// Nullopt: go on. Else the exit status: help was asked for, or the words are wrong and it has been said
// what is.
std::optional<int> parse(CLI::App& app, Words words);

void print(std::string_view text);    // to standard output
void complain(std::string_view text); // to standard error, a newline added where it lacks
bool is_colourful(int fd);

// "name=value" words; nullopt: one of them is none, and it has been said which.
using Pairs = std::vector<std::pair<std::string, std::string>>;
std::optional<Pairs> pairs(std::string_view verb, const Words& words);

// One per file of this folder.
int run_bench(Words words);
int run_serve(Words words);
int run_check(Words words);
int run_fix(Words words);
int run_fmt(Words words);
int run_test(Words words);
int run_lsp(Words words);
int run_explain(Words words);
int run_routes(Words words);
int run_diff(Words words);
int run_graph(Words words);
int run_why(Words words);
int run_get(Words words);
int run_put(Words words);
int run_warm(Words words);
int run_drop(Words words);
int run_expire(Words words);
int run_refresh(Words words);
int run_reclaim(Words words);
int run_route(Words words);
int run_event(Words words);
int run_alerts(Words words);
int run_stats(Words words);
int run_tail(Words words);
int run_top(Words words);
int run_reload(Words words);
int run_policy(Words words);
int run_plan(Words words);
int run_plan_warm(Words words);  // `larder plan warm`
int run_apply(Words words);
int run_rollback(Words words);
int run_ping(Words words);
int run_record(Words words);
int run_replay(Words words);
int run_advise(Words words);
int run_plugins(Words words);
int run_plugin(Words words);
int run_doctor(Words words);
int run_completion(Words words);
int run_man(Words words);
int run_version(Words words);
int run_help(Words words);

}  // namespace larder::cli
