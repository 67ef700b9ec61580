// kernel/config/host_config.hpp -- larder.toml: what this host runs, with which addresses and sizes.
//
// The policy says what is cached and when it goes; this file says where: which plugins under which
// names, how big, listening where, with secrets by reference only. It is checked in two steps. Here
// everything that needs no plugin: TOML itself, the keys of the kernel's own tables, their types and
// units. In catalog.hpp the options of each instance, against the manifest of its plugin, without
// running the plugin.
//
// All findings of a file come in one go, with line, column and what to write instead.
#pragma once

#include "kernel/config/document.hpp"
#include "kernel/loader/kind.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::config {

// `[store.l1]`: the word before the dot. In the order in which instances are started.
enum class Section : std::uint8_t {
    store, codec, session, source, exporter, sink, invalidator, gateway
};
std::string_view name_of(Section section);  // "store"
loader::Kind kind_of(Section section);     // a codec is a compressor, a sink an exporter

struct Instance {
    Section section = Section::store;
    std::string name;             // l1
    std::string plugin;           // memory, or the absolute path of a .so
    std::vector<Entry> options;   // the plugin's, in file order; see catalog.hpp
    // The kernel's own options of a store: threads for one that blocks, time for one call; the time of a source, too.
    unsigned workers = 4;
    std::chrono::milliseconds timeout{5000};
    bool empty_on_reload = false;
    dsl::Span at;                 // its header
    dsl::Span plugin_at;
};

enum class LogFormat : std::uint8_t { text, json };

struct LogOptions {
    int level = 2;  // LARDER_LOG_*
    LogFormat format = LogFormat::text;
    std::string file;  // empty: standard error
};

// Who may ask over HTTP: `[admin.tokens] ops = { role = "admin", secret = { env = "OPS_TOKEN" } }`.
struct AdminToken {
    std::string name;
    std::uint32_t role = 0;  // LARDER_ROLE_*
    Reference secret;
    dsl::Span at;
};

struct AdminOptions {
    bool enabled = true;
    std::string socket;  // empty: default_socket()
    // Over HTTP. Without an address nothing listens; without a token nobody is answered.
    std::vector<std::string> listen;  // "127.0.0.1:7382"
    std::vector<std::string> mounts{"/api/v1/cache", "/v1.0/cache", "/api/v1/admin/cache",
                                    "/api/v1/monitoring/cache/v2"};
    std::vector<std::string> open;  // endpoints that need no token
    bool remote = false;            // addresses that other machines reach are allowed
    std::uint64_t rate = 100;       // requests a second of one client; 0: not limited
    std::uint64_t connections = 64;
    std::string pages;              // folder shown under /ui/; empty: the built-in page, if any
    std::vector<AdminToken> tokens;
    std::vector<std::pair<std::string, std::string>> entities;  // body field, event of the policy
};

struct Limits {
    std::uint64_t records = 1u << 20;
    std::uint64_t fences = 1u << 16;
    std::uint32_t sweep = 1'000;   // keys of each shared store a second
    bool sweep_removes = false;
    std::uint64_t max_key_bytes = 64u << 10;
    std::uint64_t max_value_bytes = 64u << 20;
    std::chrono::milliseconds deadline{5000};
    std::chrono::milliseconds stop_deadline{10'000};
    unsigned workers = 2;
    unsigned blocking_workers = 4;
    std::uint64_t queue = 65'536;
};

// What outlives a kernel that ends.
struct StateOptions {
    std::string folder;         // empty: nothing does
    std::uint64_t policies = 10;  // earlier ones, to go back to
};

// Where writes wait that are answered before their source has them.
struct JournalOptions {
    std::string file;  // empty: no policy may say `write behind` with a source
    std::uint64_t writes = 100'000;
    std::uint64_t bytes = 64u << 20;
};

// How entries are made before anybody asks for them: of all `warm` items together.
struct WarmingOptions {
    unsigned at_once = 20;         // loads at once
    std::uint64_t per_second = 0;  // of each source; 0: as the policy says
    std::chrono::milliseconds startup_wait{0};  // gateways listen that much later at most
};

// What the command line says instead of the file; it goes on saying so when the file is read again.
struct Overrides {
    std::vector<std::string> policy;
    std::string profile;
};

struct HostConfig {
    std::string file;  // as given; empty: built-in defaults
    std::vector<std::string> policy;
    std::string profile;
    std::vector<std::string> plugin_path;  // empty: default_plugin_path()
    bool trust_path = false;
    std::string plugin_lock;               // empty: plugins are not pinned
    std::vector<Instance> instances;       // in file order
    LogOptions log;
    AdminOptions admin;
    std::optional<Reference> binding;      // the secret that binds entries to their keys
    Limits limits;
    StateOptions state;
    JournalOptions journal;
    WarmingOptions warming;
    Environment environment;
    Overrides overrides;  // applied to policy and profile already
    // What every Span here points into; secrets that do stand in the file are blackened.
    std::shared_ptr<const dsl::SourceMap> sources;

    void apply(Overrides given);
    std::vector<const Instance*> all(Section section) const;
};

struct LoadedConfig {
    HostConfig config;
    std::vector<dsl::Diagnostic> found;
    bool ok() const { return !dsl::has_errors(found); }
};

// Relative paths in the file are relative to the folder it stands in. Never throws on bad input.
LoadedConfig load_host_config(const std::string& path, Environment environment = {});
LoadedConfig parse_host_config(std::string name, std::string text, Environment environment = {});
// Without a file: one memory store l1, a RESP gateway on 127.0.0.1:7380, and brotli when its plugin is
// on `plugin_path`.
LoadedConfig default_host_config(const std::vector<std::string>& plugin_path,
                                 Environment environment = {});

// Where plugins are looked for: LARDER_PLUGIN_PATH (folders with `:` between; ignored in a set-uid
// program); else `plugins` beside the program; else the installed folder. Not all of them at once: a
// plugin that is in two places is refused, and a build tree has what an installation has too.
std::vector<std::string> default_plugin_path();
// $XDG_RUNTIME_DIR/larder.sock; as root /run/larder/larder.sock; else /tmp/larder-UID/larder.sock.
std::string default_socket();

}  // namespace larder::config
