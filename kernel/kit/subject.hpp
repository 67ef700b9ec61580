// kernel/kit/subject.hpp -- the plugin under test, in this process: loaded, made and asked the way a kernel does it.
//
// One check is one process, so a check may leave behind what it likes. Functions that cannot do what they promise throw
// Violation with the plugin's own words.
#pragma once

#include "kernel/kit/kit_host.hpp"
#include "kernel/kit/requirement.hpp"
#include "kernel/loader/instance.hpp"

#include <larder/plugin/value.hpp>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace larder::kit {

// What stands in this process from outside: a plugin that leaves none of it behind is one that can be stopped.
struct Standing {
    std::size_t threads = 0, descriptors = 0, sockets = 0;
};
Standing standing();

struct RunOptions;

class Subject {
  public:
    // path: absolute. given: options as texts, as they would stand in an environment.
    Subject(std::string path, loader::Manifest manifest, std::string component, std::vector<loader::GivenOption> given,
            std::uint64_t seed);

    const std::string& path() const { return path_; }
    const loader::Manifest& manifest() const { return manifest_; }
    const loader::ComponentManifest& component() const;
    KitHost& host() { return *host_; }
    std::mt19937_64& dice() { return dice_; }
    std::uint64_t roll(std::uint64_t below) { return dice_() % below; }
    std::string random_bytes(std::size_t size);

    // The module, loaded once.
    std::shared_ptr<loader::PluginModule> module();
    // The given options and the manifest's defaults; a gateway's `listen` is a port that the system chooses.
    loader::OptionValues options() const;
    std::vector<loader::GivenOption> given() const { return given_; }
    std::shared_ptr<loader::PluginInstance> make();
    // Made and started.
    std::shared_ptr<loader::PluginInstance> started();
    // Whether a start worked; else why not. For plugins whose server is not there.
    bool try_start(loader::PluginInstance& instance, std::string& why);
    // Throws when the guard has seen a broken promise so far; says which.
    void no_sins(const loader::PluginInstance& instance);

    larder_call call(Ms deadline = Ms(10'000)) const;

    // How this process was told to run; set once, before the check.
    void set_run(const RunOptions& run) { run_ = &run; }
    const RunOptions& run() const { return *run_; }

  private:
    const std::string path_;
    const loader::Manifest manifest_;
    const std::string component_;
    const std::vector<loader::GivenOption> given_;
    std::unique_ptr<KitHost> host_;
    std::mt19937_64 dice_;
    std::shared_ptr<loader::PluginModule> module_;
    const RunOptions* run_ = nullptr;
};

std::string status_text(larder_status status);  // "LARDER_E_IO"

}  // namespace larder::kit
