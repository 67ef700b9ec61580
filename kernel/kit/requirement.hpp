// kernel/kit/requirement.hpp -- what a plugin has to hold, one numbered sentence each, and the check that finds it broken.
//
// The sentences are those of the SDK's headers, in an order that a person can read down. Numbers are for good: a requirement
// that goes leaves a hole. 001-099 are of every module, 1xx stores, 2xx compressors, 3xx warmers, 4xx invalidators, 5xx
// sessions, 6xx exporters, 7xx gateways. A check knows nothing of processes: it throws Violation with what it saw, or Skipped
// with the reason why this plugin is not asked; that it crashed, hung or wrote to standard output is seen from outside.
#pragma once

#include "kernel/loader/kind.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::kit {

class Subject;

struct Violation {
    std::string text;  // what was seen, one line
};
struct Skipped {
    std::string why;
};

[[noreturn]] void violate(std::string text);
void require(bool holds, std::string_view otherwise);  // what was seen when it does not
[[noreturn]] void skip(std::string why);

struct Requirement {
    const char* id;                    // "LPR-101"
    std::optional<loader::Kind> kind;  // nullopt: of every module
    const char* text;
    const char* otherwise;             // what a kernel makes of a plugin that does not hold it
    void (*check)(Subject& subject);
    bool random = false;               // what it asks hangs on the seed: `--fuzz` asks it with many
};

std::span<const Requirement> module_requirements();
std::span<const Requirement> store_requirements();
std::span<const Requirement> store_life_requirements();
std::span<const Requirement> compressor_requirements();
std::span<const Requirement> source_requirements();  // warmers and invalidators
std::span<const Requirement> session_requirements();
std::span<const Requirement> exporter_requirements();
std::span<const Requirement> gateway_requirements();

// All, by number.
std::vector<const Requirement*> requirements();
const Requirement* find_requirement(std::string_view id);

}  // namespace larder::kit
