// dsl/compile.hpp -- policy files in, a checked Policy or everything that is wrong with them out.
//
// The only door to the language for the kernel and the program: `check`, `explain`, `serve` and reload
// all come through here, so they cannot disagree.
#pragma once

#include "dsl/diagnostic.hpp"
#include "dsl/policy.hpp"
#include "dsl/policy_test.hpp"
#include "dsl/source.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl {

// What larder.toml and the plugins' manifests offer, for the checks that need to know. Built by
// kernel/config without running plugin code; without one, names of stores, codecs, sinks and sources
// are not checked.
struct Catalog {
    struct Codec {
        std::string name;
        // Complaint about one option of a policy (`{ level 99 }`) with its fix, or empty.
        std::function<std::string(std::string_view option, std::span<const std::string> values)> check_option;
        std::vector<std::string> options;
    };
    struct Store {
        std::string name, plugin;
        bool shared = false, persistent = false;
        std::optional<Ms> max_staleness{};  // of a shared one, where larder.toml says it
    };
    std::vector<Store> stores;                               // in file order
    std::vector<Codec> codecs;
    std::vector<std::string> sources;                        // warm item `from NAME`
    std::vector<std::pair<std::string, std::string>> sinks;  // kind, name
    std::vector<std::string> triggers;                       // invalidator plugins that name a trigger
    bool journal = true;                                     // `write behind` has somewhere to wait
    std::string file;                                        // "larder.toml", for messages
};

// Of one version of a namespace's values.
struct LiveVersion {
    std::uint32_t version = 0;
    std::uint64_t entries = 0;   // kept, as far as a walk saw
    std::uint64_t migrated = 0;  // read and migrated since the kernel started
};

struct CompileOptions {
    std::string profile;  // empty: none
    std::function<std::optional<std::string>(std::string_view name)> env;  // empty: the process's
    const Catalog* catalog = nullptr;
    bool allow_missing = false;  // absent stores and codecs are warnings too
    // What the application says of its routes: name and text of its OpenAPI description.
    struct RoutesText {
        static constexpr std::size_t max_bytes = std::size_t{64} << 20;  // more is refused
        std::string name, text;
    };
    const RoutesText* routes = nullptr;
    bool coverage = false;       // tell of rules that no `test` item sets off
    // How many entries of a namespace a running kernel holds; empty: nobody was asked.
    std::function<std::optional<std::uint64_t>(std::string_view ns)> live_entries;
    // Which versions of its values a namespace of a running kernel has; empty: nobody was asked.
    std::function<std::vector<LiveVersion>(std::string_view ns)> live_versions;
    // How `use "shared/ttl_classes.larder"` is read, relative to the using file; empty: the file system.
    std::function<std::optional<std::string>(const std::string& path)> read;
};

struct Compiled {
    std::shared_ptr<const Policy> policy;  // null when any diagnostic is an error
    std::vector<PolicyTest> tests;         // with a policy: its `test` items, of every profile
    std::vector<std::string> profiles;     // with a policy: those that it declares
    std::vector<Diagnostic> found;         // in file order; warnings may come with a policy
    std::shared_ptr<SourceMap> sources;    // what `found` points into
    bool ok() const { return policy != nullptr; }
};

// Files that cannot be read are diagnostics too. Several files make one policy. Never throws on bad
// input. [any thread]
Compiled compile(std::span<const std::string> paths, const CompileOptions& options);
Compiled compile_text(std::string name, std::string text, const CompileOptions& options);

}  // namespace larder::dsl
