// kernel/kit/kit_run.cpp -- checks, each in a process of its own.
#include "kernel/kit/kit_run.hpp"

#include "kernel/kit/exports.hpp"
#include "kernel/kit/subject.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace larder::kit {
namespace {

constexpr int verdict_fd = 3;

struct Ended {
    std::string verdict, words;  // what came over the pipe; what it wrote to its standard output and error
    int status = 0;
    bool over_limit = false;
};

// Reads both until the child has ended or the limit is over.
Ended watch(pid_t child, int verdict, int words, std::chrono::milliseconds limit) {
    Ended out;
    const auto end = std::chrono::steady_clock::now() + limit;
    bool open[2] = {true, true};
    std::array<char, 4096> bytes{};
    while (open[0]) {
        pollfd both[2] = {{open[0] ? verdict : -1, POLLIN, 0}, {open[1] ? words : -1, POLLIN, 0}};
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
        if (left <= 0) {
            out.over_limit = true;
            break;
        }
        if (poll(both, 2, static_cast<int>(left)) < 0 && errno != EINTR) break;
        for (std::size_t n = 0; n < 2; ++n) {
            if (both[n].revents == 0) continue;
            const auto got = read(both[n].fd, bytes.data(), bytes.size());
            if (got <= 0)
                open[n] = false;
            else if (std::string& into = n == 0 ? out.verdict : out.words; into.size() < 65'536)
                into.append(bytes.data(), static_cast<std::size_t>(got));
        }
    }
    // Also what it started itself.
    if (out.over_limit) kill(-child, SIGKILL);
    waitpid(child, &out.status, 0);
    kill(-child, SIGKILL);
    fcntl(words, F_SETFL, O_NONBLOCK);
    for (ssize_t got; (got = read(words, bytes.data(), bytes.size())) > 0 && out.words.size() < 65'536;)
        out.words.append(bytes.data(), static_cast<std::size_t>(got));
    return out;
}

std::string last_line(const std::string& words) {
    // A sanitizer's report is long, and begins with what matters.
    if (const auto report = words.find("ERROR: AddressSanitizer: "); report != words.npos)
        return words.substr(report, std::min<std::size_t>(words.find('\n', report) - report, 300));
    std::size_t end = words.find_last_not_of("\n ");
    if (end == words.npos) return {};
    const std::size_t begin = words.find_last_of('\n', end);
    return words.substr(begin == words.npos ? 0 : begin + 1, end - (begin == words.npos ? 0 : begin + 1) + 1).substr(0, 300);
}

// The runtime of AddressSanitizer that a plugin was linked with; empty: none. It has to come before everything else.
std::string sanitizer_of(const std::string& plugin) {
    for (const std::string& library : needed_libraries(plugin))
        if (library.starts_with("libasan.so") || library.starts_with("libclang_rt.asan")) return library;
    return {};
}

// This process's environment, with what a sanitized plugin needs.
std::vector<std::string> environment_for(const std::string& plugin) {
    std::vector<std::string> out;
    for (char** one = environ; *one != nullptr; ++one) out.emplace_back(*one);
#if !defined(LARDER_SANITIZED)
    const std::string runtime = sanitizer_of(plugin);
    if (runtime.empty()) return out;
    const auto add = [&](const std::string& name, const std::string& value, char between) {
        for (std::string& one : out)
            if (one.starts_with(name + "=")) {
                one = name + "=" + value + between + one.substr(name.size() + 1);
                return;
            }
        out.push_back(name + "=" + value);
    };
    add("LD_PRELOAD", runtime, ' ');
    // What is left at the end is LPR-005's; larder itself is not instrumented.
    add("ASAN_OPTIONS", "detect_leaks=0:exitcode=86:verify_asan_link_order=1", ':');
#else
    static_cast<void>(plugin);
#endif
    return out;
}

// What a child is told: which plugin, which component of it, with what.
std::vector<std::string> words_for(const char* verb, const RunOptions& options, const std::string& component, const std::string& id, std::uint64_t seed) {
    std::vector<std::string> words = {"larder", "plugin", verb, options.plugin};
    if (!id.empty()) words.push_back(id);
    words.insert(words.end(), {"--component", component, "--seed", std::to_string(seed)});
    if (!options.peer.empty()) words.insert(words.end(), {"--peer", options.peer});
    for (const auto& [name, value] : options.options) words.insert(words.end(), {"--option", name + "=" + value});
    return words;
}

Ended run_child(const std::vector<std::string>& words, const std::string& folder, std::chrono::milliseconds limit) {
    // All that allocates is done before the fork: this process may have threads.
    std::vector<std::string> environment = environment_for(words[3]);
    std::vector<char*> envp;
    for (std::string& one : environment) envp.push_back(one.data());
    envp.push_back(nullptr);
    int verdict[2], output[2];
    if (pipe2(verdict, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) throw std::runtime_error("no pipe can be made");
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
        dup2(nothing, 0);
        // Above the numbers that are given away here.
        const int to = fcntl(verdict[1], F_DUPFD, 10), out = fcntl(output[1], F_DUPFD, 10);
        dup2(out, 1);
        dup2(out, 2);
        dup2(to, verdict_fd);
        close(to);
        close(out);
        if (chdir(folder.c_str()) == 0) execve("/proc/self/exe", argv.data(), envp.data());
        _exit(127);
    }
    close(verdict[1]);
    close(output[1]);
    if (child < 0) throw std::runtime_error("no process can be started");
    setpgid(child, child);
    Ended ended = watch(child, verdict[0], output[0], limit);
    close(verdict[0]);
    close(output[0]);
    return ended;
}

// An empty folder for one child.
class Folder {
  public:
    Folder() : path_((std::filesystem::temp_directory_path() / "larder-plugin-test-XXXXXX").string()) {
        if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no folder can be made in " + path_);
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

// "passed", "failed TEXT", "skipped WHY" from the child; else how it ended.
void judge(const Ended& ended, std::chrono::milliseconds limit, Verdict& verdict) {
    const std::string said = last_line(ended.words);
    const std::string behind = said.empty() ? "" : "; its last words: " + said;
    verdict.outcome = Outcome::failed;
    if (ended.over_limit) {
        verdict.text = "not over after " + std::to_string(limit.count() / 1000) + " s" + behind;
    } else if (WIFSIGNALED(ended.status)) {
        const char* name = sigabbrev_np(WTERMSIG(ended.status));
        verdict.text = "the process ended by SIG" + std::string(name == nullptr ? "?" : name) + behind;
    } else if (ended.verdict.empty()) {
        verdict.text = "the process ended with status " + std::to_string(WEXITSTATUS(ended.status)) + " before the check was over" + behind;
    } else if (ended.verdict.rfind("failed ", 0) == 0) {
        verdict.text = ended.verdict.substr(7);
    } else if (WEXITSTATUS(ended.status) != 0) {
        verdict.text = "the check was over, and then the process ended with status " + std::to_string(WEXITSTATUS(ended.status)) + behind;
    } else if (!said.empty()) {
        verdict.text = "it writes to standard output or standard error instead of the log: " + said;
    } else if (ended.verdict.rfind("skipped ", 0) == 0) {
        verdict.outcome = Outcome::skipped;
        verdict.text = ended.verdict.substr(8);
    } else {
        verdict.outcome = Outcome::passed;
    }
}

}  // namespace

std::vector<loader::GivenOption> given_options(const loader::ComponentManifest& component,
                                               const std::vector<std::pair<std::string, std::string>>& options) {
    std::vector<loader::GivenOption> out;
    for (const auto& [name, value] : options) {
        loader::GivenOption one;
        one.name = name;
        one.where = "--option " + name;
        const auto* spec = component.option(name);
        if (spec != nullptr && spec->type == loader::OptionType::secret)
            one.value = {loader::SecretRef{value}, false};
        else
            one.value = {value, true};
        out.push_back(std::move(one));
    }
    return out;
}

bool run_all(const RunOptions& options, const std::vector<Waiver>& waivers, const std::function<void(const Verdict&)>& told,
             std::string& problem) {
    const auto manifest = loader::read_manifest(options.plugin, problem);
    if (!manifest) {
        problem = options.plugin + ": " + problem;
        return false;
    }
    if (options.sanitized && sanitizer_of(options.plugin).empty()) {
        problem = options.plugin + " is not built with AddressSanitizer: -fsanitize=address, with clang also -shared-libasan";
        return false;
    }
    for (const auto& id : options.only)
        if (find_requirement(id) == nullptr) {
            problem = "there is no requirement " + id + "; `larder plugin test --list` names them";
            return false;
        }
    bool any = false;
    for (const loader::ComponentManifest& component : manifest->components) {
        if (!options.component.empty() && component.name != options.component) continue;
        any = true;
        if (const auto checked = loader::check_options(component, "kit", given_options(component, options.options)); !checked.ok()) {
            problem = options.plugin + " needs other options than these (--option NAME=VALUE)";
            for (const auto& finding : checked.found)
                if (finding.error) problem += "\n    " + finding.message + (finding.help.empty() ? "" : "; " + finding.help);
            return false;
        }
        for (const Requirement* requirement : requirements()) {
            if (requirement->kind && *requirement->kind != component.kind) continue;
            if (!options.only.empty() && std::find(options.only.begin(), options.only.end(), requirement->id) == options.only.end()) continue;
            if (options.fuzz != 0 && !requirement->random) continue;
            Verdict verdict;
            verdict.requirement = requirement;
            verdict.component = std::string(loader::name_of(component.kind)) + " " + component.name;
            const auto began = std::chrono::steady_clock::now();
            for (std::uint64_t n = 0; n < std::max<std::uint64_t>(options.fuzz, 1); ++n) {
                verdict.seed = options.seed + n;
                const Folder folder;
                judge(run_child(words_for("check-one", options, component.name, requirement->id, verdict.seed), folder.path(), options.limit), options.limit, verdict);
                if (verdict.outcome != Outcome::passed) break;
            }
            verdict.took_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count());
            const auto waiver = std::find_if(waivers.begin(), waivers.end(), [&](const Waiver& one) { return one.id == requirement->id; });
            if (verdict.outcome == Outcome::failed && waiver != waivers.end()) {
                verdict.outcome = Outcome::waived;
                verdict.text = waiver->reason + " (" + verdict.text + ")";
            }
            told(verdict);
        }
    }
    if (!any) problem = options.plugin + " has no component " + options.component;
    return any;
}

int run_one(const RunOptions& options, const std::string& id) {
    const auto say = [](const std::string& text) {
        std::string line = text;
        std::replace(line.begin(), line.end(), '\n', ' ');
        return write(verdict_fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    };
    std::string problem;
    const auto manifest = loader::read_manifest(options.plugin, problem);
    const Requirement* requirement = find_requirement(id);
    if (!manifest || requirement == nullptr) return 2;
    const loader::ComponentManifest* component = nullptr;
    for (const auto& one : manifest->components)
        if (one.name == options.component) component = &one;
    if (component == nullptr) return 2;
    std::string told = "passed";
    try {
        Subject subject(options.plugin, *manifest, options.component, given_options(*component, options.options), options.seed);
        subject.set_run(options);
        try {
            requirement->check(subject);
        } catch (const Violation& violation) {
            told = "failed " + violation.text;
        } catch (const Skipped& skipped) {
            told = "skipped " + skipped.why;
        }
        subject.host().end_threads();
    } catch (const std::exception& error) {
        told = std::string("failed the check itself could not go on: ") + error.what();
    }
    // The pipe stays open until the process is gone: what destructors of the plugin do is seen, too.
    return say(told) ? 0 : 2;
}

void ask_peer(Subject& subject, const char* id, const std::string& peer) {
    RunOptions options = subject.run();
    options.peer = peer;
    Verdict verdict;
    judge(run_child(words_for("check-one", options, options.component, id, options.seed), ".", options.limit), options.limit, verdict);
    require(verdict.outcome == Outcome::passed, "another process: " + verdict.text);
}

std::vector<Timing> time_it(const RunOptions& options, std::string& problem) {
    const Folder folder;
    const Ended ended = run_child(words_for("time-one", options, options.component, {}, options.seed), folder.path(), options.limit);
    std::vector<Timing> out;
    if (ended.over_limit || ended.status != 0) {
        Verdict verdict;
        judge(ended, options.limit, verdict);
        problem = verdict.text.empty() ? ended.verdict : verdict.text;
        return out;
    }
    std::istringstream lines(ended.verdict);
    for (std::string line; std::getline(lines, line);) {
        const auto tab = line.find('\t');
        if (tab != line.npos) out.push_back({line.substr(0, tab), std::strtod(line.c_str() + tab + 1, nullptr)});
    }
    return out;
}

}  // namespace larder::kit
