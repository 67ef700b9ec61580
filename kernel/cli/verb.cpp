// kernel/cli/verb.cpp -- what the verbs of the program have in common.
#include "kernel/cli/verb.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace larder::cli {
namespace {

constexpr Verb all[] = {
    {"serve", "run a kernel: its gateways, invalidators and admin socket", run_serve},
    {"check", "tell what is wrong with policies, and with larder.toml", run_check},
    {"fmt", "write policies in the one style", run_fmt},
    {"test", "play the tests in policies; tell what they exercise and what they would miss", run_test},
    {"fix", "apply the remedies that findings carry", run_fix},
    {"lsp", "the language server for editors", run_lsp},
    {"explain", "tell what a policy does for a request, an event, an entry; or what a code means",
     run_explain},
    {"routes", "list every class of requests that a policy tells apart, and what it does", run_routes},
    {"diff", "tell what another policy would do differently, with requests that show it", run_diff},
    {"graph", "draw who drops what: routes and events, namespaces, tags, dependencies", run_graph},
    {"replay", "tell what a policy would have made of a trace or an access log", run_replay},
    {"advise", "suggest changes of a policy, each tried on a trace or an access log", run_advise},
    {"bench", "measure what operations cost here, or over a socket", run_bench},
    {"plugins", "list plugins with kind, version, capabilities and options", run_plugins},
    {"plugin", "begin a plugin, judge one by its contract, tell what is in it, pin it", run_plugin},
    {"doctor", "look for what is wrong with this installation, machine and running kernel", run_doctor},
    {"completion", "print the completion of a shell: bash, zsh or fish", run_completion},
    {"man", "print the manual page, as man reads it", run_man},
    {"get", "print the value of an entry", run_get, true},
    {"put", "put an entry", run_put, true},
    {"why", "tell where an entry is, how it came there, and why it went", run_why, true},
    {"drop", "make entries absent: one, a pattern, a tag, a namespace, everything", run_drop, true},
    {"expire", "make entries stale: served only where the policy says `stale`", run_expire, true},
    {"refresh", "drop entries and load them again where the policy says how", run_refresh, true},
    {"warm", "make entries ahead of demand, and show how far that got", run_warm, true},
    {"reclaim", "give back the memory of entries that are over", run_reclaim, true},
    {"route", "tell that an application answered a request: its rules fire", run_route, true},
    {"event", "tell that something happened: the rules of that event fire", run_event, true},
    {"alerts", "say what each alert of the policy measures now, and which fire", run_alerts, true},
    {"stats", "print the numbers of a running kernel as JSON", run_stats, true},
    {"top", "show a running kernel, looked at once a second", run_top, true},
    {"tail", "print what happens in a running kernel, as it happens", run_tail, true},
    {"record", "record what a running kernel is asked, as a trace for `replay`", run_record, true},
    {"policy", "tell which policy runs, since when, and which ran before it", run_policy, true},
    {"plan", "tell what another policy would change in a running kernel", run_plan, true},
    {"apply", "run another policy, watched by its guards, taken back on a breach", run_apply, true},
    {"rollback", "go back to the policy that ran before", run_rollback, true},
    {"reload", "read policy and larder.toml again; an invalid one changes nothing", run_reload, true},
    {"ping", "tell whether a kernel answers", run_ping, true},
    {"version", "print the version", run_version},
    {"help", "print this, or the help of a verb", run_help},
};

}  // namespace

std::span<const Verb> verbs() { return all; }

const Verb* find_verb(std::string_view name) {
    const auto* found = std::find_if(std::begin(all), std::end(all),
                                     [&](const Verb& verb) { return verb.name == name; });
    return found == std::end(all) ? nullptr : found;
}

void describe(CLI::App& app, const std::string& name, const std::string& description) {
    app.name("larder " + name);
    app.description(description);
    app.get_formatter()->column_width(34);
}

std::optional<int> parse(CLI::App& app, Words words) {
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    try {
        app.parse(std::move(words));
        return std::nullopt;
    } catch (const CLI::CallForHelp&) {
        print(app.help());
        return exit_fine;
    } catch (const CLI::ParseError& error) {
        complain(app.get_name() + ": " + error.what());
        complain("`" + app.get_name() + " --help` tells what it takes");
        return exit_usage;
    }
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void complain(std::string_view text) {
    std::fflush(stdout);
    std::fwrite(text.data(), 1, text.size(), stderr);
    if (!text.ends_with('\n')) std::fputc('\n', stderr);
}

bool is_colourful(int fd) {
    const char* const never = std::getenv("NO_COLOR");
    return (never == nullptr || *never == '\0') && ::isatty(fd) != 0;
}

std::optional<Pairs> pairs(std::string_view verb, const Words& words) {
    Pairs out;
    for (const std::string& word : words) {
        const auto equals = word.find('=');
        if (equals == std::string::npos || equals == 0) {
            complain("larder " + std::string(verb) + ": expected name=value, found `" + word + "`");
            return std::nullopt;
        }
        out.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
    return out;
}

}  // namespace larder::cli
