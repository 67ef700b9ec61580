// kernel/cli/main.cpp -- the program `larder`: picks the verb, which does the rest.
#include "dsl/diagnostic.hpp"
#include "kernel/cli/verb.hpp"

#include <cstdio>
#include <exception>
#include <new>

namespace {

using namespace larder;

int unknown(const std::string& word) {
    std::vector<std::string_view> names;
    for (const cli::Verb& verb : cli::verbs()) names.push_back(verb.name);
    const auto meant = dsl::nearest(word, names);
    cli::complain("larder has no verb `" + word + "`" +
                  (meant.empty() ? "" : "; did you mean `" + std::string(meant) + "`?"));
    cli::complain("`larder help` lists the verbs");
    return cli::exit_usage;
}

int run(cli::Words words) {
    if (words.empty()) {
        cli::run_help({});
        return cli::exit_usage;
    }
    std::string first = std::move(words.front());
    words.erase(words.begin());
    if (first == "--help" || first == "-h") first = "help";
    if (first == "--version") first = "version";
    const cli::Verb* verb = cli::find_verb(first);
    return verb == nullptr ? unknown(first) : verb->run(std::move(words));
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const int status = run({argv + (argc > 0 ? 1 : 0), argv + argc});
        // A full disk or a closed pipe under standard output must not look like success.
        return std::fflush(stdout) != 0 && status == cli::exit_fine ? cli::exit_findings : status;
    } catch (const std::bad_alloc&) {
        larder::cli::complain("larder: memory ran out");
    } catch (const std::exception& error) {
        larder::cli::complain(std::string("larder: ") + error.what());
    }
    return larder::cli::exit_findings;
}
