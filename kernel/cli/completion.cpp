// kernel/cli/completion.cpp -- larder completion: verbs and their options for a shell, made from what --help says.
//
// The words of a shell's script are those of this build; nothing is asked when a key is pressed.
#include "kernel/cli/own_words.hpp"

#include <algorithm>

namespace larder::cli {
namespace {

struct Known {
    std::string verb, summary;
    Words options;              // --long, in the order of the help
    std::vector<Known> within;  // what comes behind it: larder plugin NEW
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
        Known one{std::string(verb.name), std::string(verb.summary), {}, {}};
        if (verb.name != "help") one.options = options_in(own_words({one.verb, "--help"}).text);
        if (verb.name == "plugin")
            for (const std::string& sub : words_behind(one.verb))
                one.within.push_back({sub, {}, options_in(own_words({one.verb, sub, "--help"}).text), {}});
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

Words names_of(const std::vector<Known>& all) {
    Words out;
    for (const Known& one : all) out.push_back(one.verb);
    return out;
}

std::string bash(const std::vector<Known>& all) {
    const Words names = names_of(all);
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
    for (const Known& one : all) {
        if (!one.within.empty()) {
            out += "        " + one.verb + ")\n            case ${COMP_WORDS[2]} in\n";
            for (const Known& sub : one.within) out += "                " + sub.verb + ") [ \"$COMP_CWORD\" -gt 2 ] && words='" + joined(sub.options) + "' ;;\n";
            out += "            esac\n            [ \"$COMP_CWORD\" -eq 2 ] && words='" + joined(names_of(one.within)) + " " + joined(one.options) + "'\n            ;;\n";
        } else if (!one.options.empty()) {
            out += "        " + one.verb + ") words='" + joined(one.options) + "' ;;\n";
        }
    }
    out += "        help) words='" + joined(names) +
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
    for (const Known& one : all) {
        if (!one.within.empty()) {
            out += "        " + one.verb + ")\n            if (( CURRENT == 3 )); then\n                compadd -- " + joined(names_of(one.within)) + " " + joined(one.options) +
                   "\n            else\n                case ${(Q)words[3]} in\n";
            for (const Known& sub : one.within) out += "                    " + sub.verb + ") compadd -- " + joined(sub.options) + " ;;\n";
            out += "                esac\n            fi\n            ;;\n";
        } else if (!one.options.empty()) {
            out += "        " + one.verb + ") compadd -- " + joined(one.options) + " ;;\n";
        }
    }
    out += "        help) compadd -- " + joined(names_of(all)) + " ;;\n    esac\n    _files\n}\n_larder \"$@\"\n";
    // `words` is the shell's own array: a local one would hide it.
    out.replace(out.find("local -a verbs words"), 20, "local -a verbs");
    return out;
}

std::string fish(const std::vector<Known>& all) {
    std::string out = "# fish completion of larder: a file larder.fish in ~/.config/fish/completions\n";
    for (const Known& one : all)
        out += "complete -c larder -n __fish_use_subcommand -a " + one.verb + " -d " + quoted(one.summary) + "\n";
    // The word behind `larder`, and the one behind that: a verb's name may also be somebody's key.
    out += "function __larder_word\n    set -l words (commandline -opc)[2..-1]\n    test (count $words) -ge $argv[1]; and test $words[$argv[1]] = $argv[2]\nend\n";
    for (const Known& one : all) {
        const std::string verb = "__larder_word 1 " + one.verb;
        for (const std::string& option : one.options) out += "complete -c larder -n '" + verb + "' -l " + option.substr(2) + "\n";
        if (one.within.empty()) continue;
        out += "complete -c larder -n '" + verb + "; and test (count (commandline -opc)) -eq 2' -a '" + joined(names_of(one.within)) + "'\n";
        for (const Known& sub : one.within)
            for (const std::string& option : sub.options)
                out += "complete -c larder -n '" + verb + "; and __larder_word 2 " + sub.verb + "' -l " + option.substr(2) + "\n";
    }
    return out + "complete -c larder -n '__larder_word 1 help' -a '" + joined(names_of(all)) + "'\n";
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
