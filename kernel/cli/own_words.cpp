// kernel/cli/own_words.cpp -- what this program says when it is called with some words.
#include "kernel/cli/own_words.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>

namespace larder::cli {

OwnWords own_words(const Words& words) {
    OwnWords out;
    int both[2];
    if (pipe(both) != 0) return {exit_findings, "no pipe can be made"};
    std::vector<char*> argv = {const_cast<char*>("larder")};
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        dup2(both[1], STDOUT_FILENO);
        dup2(both[1], STDERR_FILENO);
        close(both[0]);
        close(both[1]);
        execv("/proc/self/exe", argv.data());
        _exit(127);
    }
    close(both[1]);
    std::array<char, 4096> bytes{};
    for (ssize_t got; (got = read(both[0], bytes.data(), bytes.size())) > 0;) out.text.append(bytes.data(), static_cast<std::size_t>(got));
    close(both[0]);
    int status = 0;
    if (child > 0) waitpid(child, &status, 0);
    out.status = WIFEXITED(status) ? WEXITSTATUS(status) : exit_findings;
    return out;
}

Words words_behind(const std::string& verb) {
    Words out;
    std::istringstream help(own_words({verb, "--help"}).text);
    for (std::string line; std::getline(help, line);) {
        const auto end = line.find("  ", 2);
        if (!line.starts_with("  ") || line.starts_with("   ") || end == line.npos) continue;
        std::string word = line.substr(2, end - 2);
        if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == word.npos) out.push_back(std::move(word));
    }
    return out;
}

}  // namespace larder::cli
