// kernel/cli/help.cpp -- larder help, larder version.
#include "kernel/api/version.hpp"
#include "kernel/cli/verb.hpp"

#include <larder/plugin/abi.h>

#include <boost/json.hpp>

#include <algorithm>

namespace larder::cli {
namespace {

constexpr int language_version = 1;

std::string abi_text() {
    return std::to_string(LARDER_ABI_MAJOR) + "." + std::to_string(LARDER_ABI_MINOR);
}

std::string listed(const Verb& verb) {
    std::string line("  ");
    line.append(verb.name).append(std::max<std::size_t>(10, verb.name.size() + 2) - verb.name.size(), ' ');
    return line.append(verb.summary).append("\n");
}

}  // namespace

int run_help(Words words) {
    if (!words.empty()) {
        const Verb* verb = find_verb(words[0]);
        if (verb != nullptr && verb->name != "help") return verb->run({"--help"});
        if (verb == nullptr) {
            complain("larder help: there is no verb `" + words[0] + "`; `larder help` lists them");
            return exit_usage;
        }
    }
    std::string text =
        "larder: a cache with a policy\n\n"
        "usage: larder VERB ...\n\n";
    for (const Verb& verb : verbs())
        if (!verb.remote) text += listed(verb);
    text += "\nwith a running kernel:\n";
    for (const Verb& verb : verbs())
        if (verb.remote) text += listed(verb);
    text +=
        "\n`larder VERB --help` tells what a verb takes. To begin:\n"
        "  larder serve --policy policies/hotel.larder\n"
        "Exit status: 0 fine, 1 findings or not there, 2 usage, 3 no kernel answers.\n";
    print(text);
    return exit_fine;
}

int run_version(Words words) {
    CLI::App app;
    describe(app, "version", "Prints the version.");
    bool json = false;
    app.add_flag("--json", json, "as one JSON object");
    if (const auto status = parse(app, std::move(words))) return *status;
    if (json)
        print(boost::json::serialize(boost::json::object{{"version", version},
                                                         {"plugin_abi", abi_text()},
                                                         {"policy_language", language_version},
                                                         {"compiler", __VERSION__}}) +
              "\n");
    else
        print("larder " + std::string(version) + " (plugin ABI " + abi_text() +
              ", policy language " + std::to_string(language_version) + ")\n");
    return exit_fine;
}

}  // namespace larder::cli
