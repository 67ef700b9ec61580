// kernel/cli/host.cpp -- which larder.toml a verb means, and which socket.
#include "kernel/cli/host.hpp"

#include "kernel/serve/client.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

namespace larder::cli {
namespace {

// Longer than any deadline of the kernel, so that its own answer comes first.
constexpr std::chrono::seconds patience{120};

}  // namespace

std::string socket_of_environment() {
    const char* const given = std::getenv("LARDER_SOCKET");
    return given != nullptr && *given != '\0' ? given : config::default_socket();
}

std::string default_conf() {
    const char* const given = std::getenv("LARDER_CONF");
    if (given != nullptr && *given != '\0') return given;
    std::error_code ignored;
    for (const char* const path : {"conf/larder.toml", "/etc/larder/larder.toml"})
        if (std::filesystem::exists(path, ignored)) return path;
    return {};
}

std::optional<config::HostConfig> load_conf(const std::string& conf) {
    auto loaded = conf.empty() ? config::default_host_config(config::default_plugin_path())
                               : config::load_host_config(conf);
    if (!loaded.found.empty())
        complain(dsl::render_text(*loaded.config.sources, loaded.found,
                                  is_colourful(STDERR_FILENO)));
    if (!loaded.ok()) return std::nullopt;
    return std::move(loaded.config);
}

void HostOptions::add_to(CLI::App& app) {
    app.add_option("--conf", conf, "host configuration; without it conf/larder.toml or "
                                   "/etc/larder/larder.toml, or built-in defaults")
        ->type_name("FILE");
    app.add_option("--policy", policy, "policy file, instead of those larder.toml names; may be repeated")
        ->type_name("FILE")
        ->allow_extra_args(false);
    app.add_option("--profile", profile, "profile of the policy, instead of larder.toml's")
        ->type_name("NAME");
}

std::optional<config::HostConfig> HostOptions::load() const {
    auto out = load_conf(conf.empty() ? default_conf() : conf);
    if (out) out->apply({policy, profile});
    return out;
}

void Remote::add_to(CLI::App& app) {
    add_socket_to(app, "admin socket of the kernel; else $LARDER_SOCKET, else " +
                           config::default_socket());
    app.add_flag("--json", json, "answer in JSON");
}

void Remote::add_socket_to(CLI::App& app, const std::string& help) {
    app.add_option("--socket", socket_, help)->type_name("PATH");
}

std::optional<serve::Answer> Remote::try_ask(const std::string& verb, Words arguments,
                                             std::string& problem) const {
    serve::Message request{verb, json ? "json" : "text"};
    for (std::string& word : arguments) request.push_back(std::move(word));
    return serve::ask(socket_.empty() ? socket_of_environment() : socket_, request, patience,
                      problem);
}

int Remote::ask(const std::string& verb, Words arguments) const {
    std::string problem;
    const auto answer = try_ask(verb, std::move(arguments), problem);
    if (!answer) {
        complain("larder " + verb + ": " + problem);
        return exit_unreachable;
    }
    print(answer->out);
    if (!answer->out.empty() && !answer->out.ends_with('\n') && ::isatty(STDOUT_FILENO) != 0)
        print("\n");
    if (!answer->err.empty()) complain(answer->err);
    return answer->exit;
}

}  // namespace larder::cli
