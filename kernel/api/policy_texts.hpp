// kernel/api/policy_texts.hpp -- a policy as texts: what is sent to a kernel, kept, and compiled again.
//
// Names are those that messages have ("policies/hotel.larder"); a text that another one `use`s is found
// by the name that its path comes to. No file is read here: what a text uses and is not among them is an
// error of the policy.
#pragma once

#include "dsl/compile.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace larder {

struct PolicyTexts {
    std::vector<std::pair<std::string, std::string>> files;  // name, text; the one that uses others first
};

// A policy that runs, or ran.
struct PolicyRecord {
    std::string id;           // its fingerprint
    std::uint64_t at_ms = 0;  // wall clock: when it began to run
    std::string origin;       // "files", "apply", "rollback" or "return"
    std::string by;           // who asked for it; empty: a start, or a guard
    PolicyTexts texts;
};

namespace api {

// All texts of one policy together. More is refused before anything is read of it.
inline constexpr std::size_t most_policy_bytes = 16u << 20;

PolicyTexts texts_of(const dsl::SourceMap& sources);
// Empty: they can be compiled. Else why not: none, too many, too large, a name twice or unfit to print.
std::string complaint_about(const PolicyTexts& texts);
// REQUIRES: no complaint. `options.read` is replaced.
dsl::Compiled compile_texts(const PolicyTexts& texts, dsl::CompileOptions options);
// A policy's fingerprint as people and files have it: 16 hexadecimal digits.
std::string policy_id(const dsl::Policy& policy);

}  // namespace api
}  // namespace larder
