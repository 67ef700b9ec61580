// kernel/kit/kit_run.hpp -- checks, each in a process of its own, and what became of them.
//
// A check runs in a fresh execution of this program (not a fork: a plugin that calls exit() would flush the parent's buffers,
// and threads do not survive one), in an empty folder, with a limit after which its group is killed. The verdict comes back
// over a pipe; a process that ends without one has crashed, and its last words are the reason.
#pragma once

#include "kernel/kit/requirement.hpp"
#include "kernel/loader/manifest.hpp"
#include "kernel/loader/options.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace larder::kit {

struct RunOptions {
    std::string plugin;     // absolute path
    std::string component;  // empty: each of the module
    std::vector<std::pair<std::string, std::string>> options;  // NAME, VALUE
    std::vector<std::string> only;      // ids; empty: all
    std::uint64_t seed = 0;
    std::uint64_t fuzz = 0;    // only what is random, with so many seeds from `seed` on; 0: everything, once
    bool sanitized = false;    // the plugin has to be built with AddressSanitizer
    std::string peer;          // of a check that needs two processes, in the second: what the first calls its keys
    std::chrono::milliseconds limit{45'000};
};

enum class Outcome : std::uint8_t { passed, failed, skipped, waived };

struct Verdict {
    const Requirement* requirement = nullptr;
    std::string component;  // "store memory"
    Outcome outcome = Outcome::failed;
    std::string text;       // what was seen, why it was skipped or waived
    std::uint64_t took_ms = 0;
    std::uint64_t seed = 0;  // it was asked with, at last
};

// A waiver: a requirement that the plugin's author knows it does not hold, and why.
struct Waiver {
    std::string id, reason;
};

// Runs them one after the other; `told` hears of each. False: `problem` says why nothing ran.
bool run_all(const RunOptions& options, const std::vector<Waiver>& waivers, const std::function<void(const Verdict&)>& told,
             std::string& problem);

// What a child does: one check, the verdict to descriptor 3. Never returns to more than an exit status.
int run_one(const RunOptions& options, const std::string& id);

// Of a check: asks the same plugin the same requirement in another process, which sees options.peer. Throws
// Violation with what came of it.
void ask_peer(Subject& subject, const char* id, const std::string& peer);

// One operation, and what it takes.
struct Timing {
    std::string what;  // "get, hit"
    double ns = 0;
};
// Asks a store or a compressor, in a process of its own, how long it takes. Empty: `problem` says why.
std::vector<Timing> time_it(const RunOptions& options, std::string& problem);
// What that process does: a line each to descriptor 3.
int time_one(const RunOptions& options);

// Options as they would stand in an environment: texts; of a secret "env:NAME" or "file:PATH".
std::vector<loader::GivenOption> given_options(const loader::ComponentManifest& component,
                                               const std::vector<std::pair<std::string, std::string>>& options);

std::string report_text(const RunOptions& options, const std::vector<Verdict>& verdicts);
std::string report_tap(const RunOptions& options, const std::vector<Verdict>& verdicts);
std::string report_junit(const RunOptions& options, const std::vector<Verdict>& verdicts);
std::string report_json(const RunOptions& options, const std::vector<Verdict>& verdicts);

}  // namespace larder::kit
