// kernel/cli/policy_source.cpp -- compiling files, and reading old ones from git.
//
// `git show REVISION:./NAME` is run in the folder of the file, so that any repository the file lies in
// is found, and a file that the revision does not have is simply not found.
#include "kernel/cli/policy_source.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

extern char** environ;  // NOLINT: POSIX

namespace larder::cli {
namespace {

class Pipe {
  public:
    Pipe() {
        if (::pipe2(ends_, O_CLOEXEC) != 0) ends_[0] = ends_[1] = -1;
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close(0);
        close(1);
    }
    bool good() const { return ends_[0] >= 0; }
    int reader() const { return ends_[0]; }
    int writer() const { return ends_[1]; }
    void close(std::size_t end) {
        if (ends_[end] >= 0) ::close(ends_[end]);
        ends_[end] = -1;
    }

  private:
    int ends_[2];
};

// What git prints, at most one byte more than a policy file may have; nullopt: it failed.
std::optional<std::string> git_output(const std::string& folder, const std::string& object) {
    Pipe pipe;
    if (!pipe.good()) return std::nullopt;
    posix_spawn_file_actions_t actions;
    if (::posix_spawn_file_actions_init(&actions) != 0) return std::nullopt;
    ::posix_spawn_file_actions_adddup2(&actions, pipe.writer(), STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    Words words{"git", "-C", folder, "show", "--end-of-options", object};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int failed = ::posix_spawnp(&child, "git", &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    pipe.close(1);
    if (failed != 0) return std::nullopt;
    std::string out;
    char chunk[65536];
    while (out.size() <= dsl::SourceMap::max_file_bytes) {
        const ssize_t n = ::read(pipe.reader(), chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        out.append(chunk, static_cast<std::size_t>(n));
    }
    pipe.close(0);  // git that still writes ends by SIGPIPE
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    const bool whole = out.size() > dsl::SourceMap::max_file_bytes;
    if (!whole && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) return std::nullopt;
    return out;
}

std::optional<std::string> file_in_git(const std::string& revision, const std::string& path) {
    const std::filesystem::path file(path);
    const std::string folder = file.parent_path().empty() ? "." : file.parent_path().string();
    return git_output(folder, revision + ":./" + file.filename().string());
}

std::shared_ptr<const dsl::Policy> told(std::string_view verb, const dsl::Compiled& compiled) {
    if (compiled.ok()) return compiled.policy;
    std::vector<dsl::Diagnostic> errors;
    for (const dsl::Diagnostic& d : compiled.found)
        if (d.severity == dsl::Severity::error) errors.push_back(d);
    complain(dsl::render_text(*compiled.sources, errors, is_colourful(STDERR_FILENO)));
    complain("larder " + std::string(verb) + ": a policy with errors does nothing that could be told");
    return nullptr;
}

}  // namespace

std::optional<ChosenPolicy> chosen_files(std::string_view verb, const Words& files,
                                         const HostOptions& host) {
    if (!files.empty()) return ChosenPolicy{files, host.profile};
    const auto config = host.load();
    if (!config) return std::nullopt;
    if (!config->policy.empty()) return ChosenPolicy{config->policy, config->profile};
    complain("larder " + std::string(verb) + ": no policy is named: give a file, or name one in larder.toml");
    return std::nullopt;
}

std::shared_ptr<const dsl::Policy> policy_of(std::string_view verb, const Words& files,
                                             const std::string& profile) {
    dsl::CompileOptions options;
    options.profile = profile;
    return told(verb, dsl::compile(files, options));
}

std::shared_ptr<const dsl::Policy> policy_in_git(std::string_view verb, const std::string& revision,
                                                 const Words& files, const std::string& profile) {
    dsl::CompileOptions options;
    options.profile = profile;
    options.read = [&revision](const std::string& path) { return file_in_git(revision, path); };
    return told(verb, dsl::compile(files, options));
}

}  // namespace larder::cli
