// kernel/cli/completion.cpp -- larder completion: verbs and their options for a shell, made from what --help says.
//
// The words of a shell's script are those of this build; nothing is asked when a key is pressed.
#include "kernel/cli/own_words.hpp"

#include <algorithm>

namespace larder::cli {
namespace {

struct Known {
    std::string verb, summary;
    Words options;  // --long, in the order of the help
};

// "  --socket PATH    what it is" -> "--socket"
Words options_in(const std::string& help) {
    Words out;
    std::size_t at = 0;
    while (at < help.size()) {
        const std::size_t end = std::min(help.find('\n', at), help.size());
        const std::string line = help.substr(at, end - at);
        at = end + 1;
        const auto first = line.find_first_not_of(' ');
        if (first == line.npos || first > 4 || line[first] != '-') continue;
        const auto begin = line.find("--");
        if (begin == line.npos) continue;
        const auto over = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-", begin);
        std::string option = line.substr(begin, over == line.npos ? line.npos : over - begin);
        if (option.size() > 2 && std::find(out.begin(), out.end(), option) == out.end()) out.push_back(std::move(option));
    }
    return out;
}

std::vector<Known> known() {
    std::vector<Known> out;
    for (const Verb& verb : verbs()) {
        Known one{std::string(verb.name), std::string(verb.summary), {}};
        if (verb.name != "help") one.options = options_in(own_words({one.verb, "--help"}).text);
        out.push_back(std::move(one));
    }
    return out;
}

std::string joined(const Words& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

std::string quoted(std::string text) {
    for (std::size_t at = 0; (at = text.find('\'', at)) != text.npos; at += 4) text.replace(at, 1, "'\\''");
    return "'" + text + "'";
}

constexpr const char* plugin_verbs = "new test info lock";

std::string bash(const std::vector<Known>& all) {
    Words names;
    for (const Known& one : all) names.push_back(one.verb);
    std::string out =
        "# bash completion of larder: source it, or install it as /usr/share/bash-completion/completions/larder\n"
        "_larder() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} words=\n"
        "    COMPREPLY=()\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "        COMPREPLY=($(compgen -W '" +
        joined(names) +
        "' -- \"$word\"))\n"
        "        return\n"
        "    fi\n"
        "    case $verb in\n";
    for (const Known& one : all)
        if (!one.options.empty()) out += "        " + one.verb + ") words='" + joined(one.options) + "' ;;\n";
    out += "        plugin) [ \"$COMP_CWORD\" -eq 2 ] && words='" + std::string(plugin_verbs) + "' ;;\n        help) words='" + joined(names) +
           "' ;;\n    esac\n"
           "    case $word in\n"
           "        -*) COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;\n"
           "        *)\n"
           "            case $verb in help | plugin) COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;; esac\n"
           "            COMPREPLY+=($(compgen -f -- \"$word\"))\n"
           "            ;;\n"
           "    esac\n"
           "}\n"
           "complete -o filenames -F _larder larder\n";
    return out;
}

std::string zsh(const std::vector<Known>& all) {
    std::string out = "#compdef larder\n# zsh completion of larder: a file _larder in a folder of $fpath\n_larder() {\n    local -a verbs words\n    verbs=(\n";
    for (const Known& one : all) out += "        " + quoted(one.verb + ":" + one.summary) + "\n";
    out += "    )\n    if (( CURRENT == 2 )); then\n        _describe verb verbs\n        return\n    fi\n    case $words[2] in\n";
    out.replace(out.rfind("$words[2]"), 9, "${(Q)words[2]}");
    for (const Known& one : all)
        if (!one.options.empty()) out += "        " + one.verb + ") compadd -- " + joined(one.options) + " ;;\n";
    out += "        plugin) compadd -- " + std::string(plugin_verbs) + " ;;\n    esac\n    _files\n}\n_larder \"$@\"\n";
    // `words` is the shell's own array: a local one would hide it.
    out.replace(out.find("local -a verbs words"), 20, "local -a verbs");
    return out;
}

std::string fish(const std::vector<Known>& all) {
    std::string out = "# fish completion of larder: a file larder.fish in ~/.config/fish/completions\n";
    for (const Known& one : all)
        out += "complete -c larder -n __fish_use_subcommand -a " + one.verb + " -d " + quoted(one.summary) + "\n";
    for (const Known& one : all)
        for (const std::string& option : one.options)
            out += "complete -c larder -n '__fish_seen_subcommand_from " + one.verb + "' -l " + option.substr(2) + "\n";
    return out + "complete -c larder -n '__fish_seen_subcommand_from plugin' -a '" + plugin_verbs + "'\n";
}

}  // namespace

int run_completion(Words words) {
    CLI::App app;
    describe(app, "completion", "Prints the completion of a shell, to be sourced or installed: `source <(larder completion bash)`.");
    std::string shell;
    app.add_option("SHELL", shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
    if (const auto status = parse(app, std::move(words))) return *status;
    const auto all = known();
    print(shell == "bash" ? bash(all) : shell == "zsh" ? zsh(all) : fish(all));
    return exit_fine;
}

}  // namespace larder::cli
