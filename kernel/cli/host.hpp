// kernel/cli/host.hpp -- which larder.toml a verb means, and which socket.
#pragma once

#include "kernel/cli/verb.hpp"
#include "kernel/config/host_config.hpp"
#include "kernel/serve/protocol.hpp"

#include <optional>
#include <string>

namespace larder::cli {

// The file a verb without --conf uses: $LARDER_CONF, conf/larder.toml here, /etc/larder/larder.toml;
// empty: none of them is there.
std::string default_conf();

// The admin socket that is meant without --socket.
std::string socket_of_environment();

// The configuration of `conf`, or the built-in one when it is empty. Nullopt: it has been said what is
// wrong.
std::optional<config::HostConfig> load_conf(const std::string& conf);

// --conf, --policy, --profile, as `serve` and `explain` take them.
struct HostOptions {
    std::string conf, profile;
    Words policy;
    void add_to(CLI::App& app);
    // With what the command line says applied.
    std::optional<config::HostConfig> load() const;
};

// --socket and --json, and the one question a verb asks.
class Remote {
  public:
    void add_to(CLI::App& app);
    void add_socket_to(CLI::App& app, const std::string& help);  // without --json
    bool is_named() const { return !socket_.empty(); }
    void use(std::string socket) { socket_ = std::move(socket); }
    // Prints the answer; returns the exit status.
    int ask(const std::string& verb, Words arguments) const;
    // The answer itself. Nullopt: nobody answers, and `problem` says where it was asked.
    std::optional<serve::Answer> try_ask(const std::string& verb, Words arguments,
                                         std::string& problem) const;
    bool json = false;

  private:
    std::string socket_;
};

}  // namespace larder::cli
