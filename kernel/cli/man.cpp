// kernel/cli/man.cpp -- larder man: the manual page larder(1), made from what each verb says with --help.
#include "kernel/api/version.hpp"
#include "kernel/cli/own_words.hpp"

namespace larder::cli {
namespace {

// As roff takes it: no line of the text is a request, no hyphen is broken.
std::string roff(std::string_view text) {
    std::string out;
    bool begins = true;
    for (const char c : text) {
        if (begins && (c == '.' || c == '\'')) out += "\\&";
        begins = c == '\n';
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
    }
    return out;
}

std::string as_it_stands(const std::string& text) { return ".nf\n" + roff(text) + (text.ends_with('\n') ? "" : "\n") + ".fi\n"; }

}  // namespace

int run_man(Words words) {
    CLI::App app;
    describe(app, "man", "Prints the manual page larder(1), as man reads it: `larder man | man -l -`.");
    if (const auto status = parse(app, std::move(words))) return *status;
    std::string out = ".TH LARDER 1 \"\" \"larder " + std::string(version) + "\" \"User Commands\"\n.SH NAME\nlarder \\- a cache with a policy\n.SH SYNOPSIS\n.B larder\n.I VERB\n[\\fIoptions\\fR] ...\n"
                      ".SH DESCRIPTION\nlarder runs a cache in front of an application. A policy file says what is cached, how long, and which writes drop\nit; larder.toml says where it runs. "
                      "Its verbs check and explain policies, run a kernel, ask a running one, and make plugins.\n.SH VERBS\n";
    for (const Verb& verb : verbs()) out += ".TP\n.B larder " + roff(verb.name) + "\n" + roff(verb.summary) + "\n";
    out += ".SH EXIT STATUS\n.TP\n.B 0\nfine\n.TP\n.B 1\nfindings, or not there\n.TP\n.B 2\nusage\n.TP\n.B 3\nno kernel answers\n"
           ".SH ENVIRONMENT\n.TP\n.B LARDER_CONF\nthe larder.toml of verbs that are given none\n.TP\n.B LARDER_SOCKET\nthe admin socket of a running kernel\n.TP\n.B LARDER_PLUGIN_PATH\n"
           "folders of plugins, with : between\n.TP\n.B NO_COLOR\nno colours\n.SH FILES\n.TP\n.I /etc/larder/larder.toml\nthe configuration\n.TP\n.I /usr/share/doc/larder\nthe documentation\n";
    for (const Verb& verb : verbs()) {
        if (verb.name == "help") continue;
        std::string name(verb.name);
        out += ".SH LARDER " + roff(name) + "\n" + as_it_stands(own_words({name, "--help"}).text);
    }
    for (const std::string& sub : words_behind("plugin")) out += ".SH LARDER plugin " + roff(sub) + "\n" + as_it_stands(own_words({"plugin", sub, "--help"}).text);
    print(out);
    return exit_fine;
}

}  // namespace larder::cli
