// kernel/cli/plugin.cpp -- larder plugin new, test, info, lock, release: for people who write plugins, and who pin them.
#include "kernel/cli/host.hpp"
#include "kernel/cli/plugin_new.hpp"
#include "kernel/cli/plugins.hpp"
#include "kernel/config/catalog.hpp"
#include "kernel/kit/exports.hpp"
#include "kernel/kit/kit_run.hpp"
#include "kernel/loader/crash_book.hpp"
#include "kernel/loader/lock_file.hpp"
#include "kernel/serve/crash.hpp"

#include <larder/sha256.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

namespace larder::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

int plugin_new(Words words) {
    CLI::App app;
    describe(app, "plugin new", "Writes a plugin that works, to be changed into your own: its source, its manifest, what builds it.\n"
                                "Each of the seven kinds is there in C++, C and Rust.");
    std::string kind, name, language = "cpp", folder;
    app.add_option("KIND", kind, "store, compressor, warmer, invalidator, session, exporter or gateway")->required();
    app.add_option("NAME", name, "as larder.toml will say: plugin = \"NAME\"")->required();
    app.add_option("--lang", language, "cpp, c or rust")->type_name("LANG")->capture_default_str();
    app.add_option("--folder", folder, "where to; else KIND_NAME here")->type_name("DIR");
    if (const auto status = parse(app, std::move(words))) return *status;
    return new_plugin(kind, name, language, folder);
}

std::string absolute(const std::string& path, std::string& problem) {
    std::error_code error;
    const std::string out = fs::canonical(path, error).string();
    if (error) problem = path + ": " + error.message();
    return out;
}

// Requirements that the plugin's author does not hold, and why, a line each: `LPR-110 the server rounds a ttl to seconds`.
bool read_waivers(const std::string& path, bool named, std::vector<kit::Waiver>& out) {
    std::ifstream file(path);
    if (!file && named) complain("larder plugin test: " + path + " cannot be read");
    if (!file) return !named;
    std::size_t number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        const auto begin = line.find_first_not_of(" \t\r");
        if (begin == line.npos || line[begin] == '#') continue;
        const auto blank = line.find(' ', begin);
        const std::string id = line.substr(begin, blank == line.npos ? line.npos : blank - begin);
        const std::string reason = blank == line.npos ? "" : line.substr(blank + 1);
        if (kit::find_requirement(id) == nullptr || reason.size() < 8) {
            complain("larder plugin test: " + path + ":" + std::to_string(number) + ": expected the id of a requirement and a reason");
            return false;
        }
        out.push_back({id, reason});
    }
    return true;
}

int list_requirements() {
    for (const kit::Requirement* one : kit::requirements()) {
        const std::string of = one->kind ? std::string(loader::name_of(*one->kind)) : "every module";
        print(std::string(one->id) + "  " + of + ": " + one->text + "\n         otherwise: " + one->otherwise + "\n");
    }
    return exit_fine;
}

// NAME=VALUE words; false: it has been said which is none.
bool take_options(const Words& given, std::vector<std::pair<std::string, std::string>>& out) {
    const auto found = pairs("plugin test", given);
    if (!found) return false;
    out = *found;
    return true;
}

// larder's own plugin that one is timed beside; empty: there is none of the kind.
std::string reference_for(loader::Kind kind) {
    const char* const file = kind == loader::Kind::store ? "store_memory.so" : kind == loader::Kind::compressor ? "compressor_zlib.so" : nullptr;
    if (file == nullptr) return {};
    std::error_code error;
    for (const std::string& folder : config::default_plugin_path())
        if (fs::is_regular_file(fs::path(folder) / file, error)) return (fs::path(folder) / file).string();
    return {};
}

void print_timings(const loader::ComponentManifest& component, const std::string& reference, const std::vector<kit::Timing>& mine, const std::vector<kit::Timing>& theirs) {
    char line[160];
    std::snprintf(line, sizeof line, "%-24s %12s %12s %7s\n", (std::string(loader::name_of(component.kind)) + " " + component.name).c_str(), "ns", fs::path(reference).stem().string().substr(0, 12).c_str(), reference.empty() ? "" : "ratio");
    print(line);
    for (const kit::Timing& one : mine) {
        const auto beside = std::find_if(theirs.begin(), theirs.end(), [&](const kit::Timing& other) { return other.what == one.what; });
        if (beside == theirs.end()) std::snprintf(line, sizeof line, "%-24s %12.1f\n", one.what.c_str(), one.ns);
        else std::snprintf(line, sizeof line, "%-24s %12.1f %12.1f %7.2f\n", one.what.c_str(), one.ns, beside->ns, one.ns / beside->ns);
        print(line);
    }
}

int bench_plugin(kit::RunOptions options) {
    std::string problem;
    const auto manifest = loader::read_manifest(options.plugin, problem);
    bool any = false;
    for (std::size_t n = 0; manifest && n < manifest->components.size(); ++n) {
        const loader::ComponentManifest& component = manifest->components[n];
        if (!options.component.empty() && component.name != options.component) continue;
        if (component.kind != loader::Kind::store && component.kind != loader::Kind::compressor) continue;
        any = true;
        kit::RunOptions mine = options, theirs;
        mine.component = component.name;
        const auto timed = kit::time_it(mine, problem);
        if (timed.empty()) break;
        std::vector<kit::Timing> beside;
        theirs.plugin = reference_for(component.kind);
        theirs.component = component.kind == loader::Kind::store ? "memory" : "zlib";
        std::string ignored;
        if (!theirs.plugin.empty()) beside = kit::time_it(theirs, ignored);
        print_timings(component, theirs.plugin, timed, beside);
    }
    if (!any && problem.empty()) problem = "what a call takes is told of stores and compressors";
    if (!problem.empty()) complain("larder plugin test: " + options.plugin + ": " + problem);
    return problem.empty() ? exit_fine : exit_findings;
}

int plugin_test(Words words) {
    CLI::App app;
    describe(app, "plugin test",
             "Asks a plugin everything that its kind promises, each check in a process of its own, in an empty\n"
             "folder, with a limit of time. A plugin needs no larder.toml for it: options are given here, secrets\n"
             "as env:NAME or file:PATH. Exit status 1 when a promise is broken.");
    kit::RunOptions options;
    Words given;
    std::string format = "text", waivers;
    unsigned limit = 45;
    bool list = false, timed = false;
    std::uint64_t seed = 0;
    app.add_option("PLUGIN", options.plugin, "the shared library; #NAME behind it for one of several components");
    app.add_option("--option", given, "NAME=VALUE of the instance; may be repeated")->type_name("NAME=VALUE")->allow_extra_args(false);
    app.add_option("--only", options.only, "a requirement, LPR-101; may be repeated")->type_name("ID")->allow_extra_args(false);
    auto* seeded = app.add_option("--seed", seed, "of what is random in the checks; else a new one, which is printed")->type_name("N");
    app.add_option("--limit", limit, "seconds for one check")->type_name("S")->capture_default_str()->check(CLI::Range(1, 3600));
    app.add_option("--waive", waivers, "file of waivers; else plugin-test.waive here")->type_name("FILE");
    app.add_option("--format", format, "text, tap, junit or json")->check(CLI::IsMember({"text", "tap", "junit", "json"}))->capture_default_str();
    app.add_flag("--list", list, "names the requirements instead");
    app.add_option("--fuzz", options.fuzz, "only what is random, with N seeds one after the other, to the first that finds something")->type_name("N")->check(CLI::Range(1, 10'000'000));
    app.add_flag("--sanitize", options.sanitized, "refuses a plugin that is not built with AddressSanitizer; one that is has its runtime preloaded anyway");
    app.add_flag("--bench", timed, "tells what a call takes, beside larder's own plugin of the kind, instead; for stores and compressors");
    if (const auto status = parse(app, std::move(words))) return *status;
    if (list) return list_requirements();
    if (options.plugin.empty()) {
        complain("larder plugin test: which one? `larder plugin test ./my_plugin.so`");
        return exit_usage;
    }
    if (const auto hash = options.plugin.rfind('#'); hash != options.plugin.npos) {
        options.component = options.plugin.substr(hash + 1);
        options.plugin.resize(hash);
    }
    std::string problem;
    options.plugin = absolute(options.plugin, problem);
    if (!problem.empty()) {
        complain("larder plugin test: " + problem);
        return exit_usage;
    }
    options.seed = seeded->count() != 0 ? seed : std::random_device{}();
    options.limit = std::chrono::seconds(limit);
    if (timed) return take_options(given, options.options) ? bench_plugin(std::move(options)) : static_cast<int>(exit_usage);
    std::vector<kit::Waiver> waived;
    if (!take_options(given, options.options) || !read_waivers(waivers.empty() ? "plugin-test.waive" : waivers, !waivers.empty(), waived)) return exit_usage;
    std::vector<kit::Verdict> verdicts;
    const bool ran = kit::run_all(options, waived, [&](const kit::Verdict& one) { verdicts.push_back(one); }, problem);
    if (!ran) {
        complain("larder plugin test: " + problem);
        return exit_findings;
    }
    print(format == "tap"     ? kit::report_tap(options, verdicts)
          : format == "junit" ? kit::report_junit(options, verdicts)
          : format == "json"  ? kit::report_json(options, verdicts)
                              : kit::report_text(options, verdicts));
    for (const kit::Verdict& one : verdicts)
        if (one.outcome == kit::Outcome::failed) return exit_findings;
    return exit_fine;
}

// Of `plugin test --bench`: one component, in the process that is there for it.
int time_one(Words words) {
    CLI::App app;
    kit::RunOptions options;
    Words given;
    app.add_option("PLUGIN", options.plugin)->required();
    app.add_option("--component", options.component);
    app.add_option("--seed", options.seed);
    app.add_option("--option", given)->allow_extra_args(false);
    if (const auto status = parse(app, std::move(words))) return *status;
    if (!take_options(given, options.options)) return exit_usage;
    return kit::time_one(options);
}

// Of `plugin test`: one check, in the process that is there for it.
int check_one(Words words) {
    CLI::App app;
    kit::RunOptions options;
    Words given;
    std::string id;
    app.add_option("PLUGIN", options.plugin)->required();
    app.add_option("ID", id)->required();
    app.add_option("--component", options.component);
    app.add_option("--seed", options.seed);
    app.add_option("--peer", options.peer);
    app.add_option("--option", given)->allow_extra_args(false);
    if (const auto status = parse(app, std::move(words))) return *status;
    if (!take_options(given, options.options)) return exit_usage;
    serve::name_plugin_in_crashes();
    return kit::run_one(options, id);
}

std::string sha256_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return sha256_hex(std::string(std::istreambuf_iterator<char>(file), {}));
}

int plugin_info(Words words) {
    CLI::App app;
    describe(app, "plugin info", "Tells what is in a plugin's file: its components with options and capabilities, the ABI it was built\n"
                                 "for, its hash, what it exports. Nothing of it is run. Exit status 1 when this larder cannot use it.");
    std::string path;
    bool as_json = false;
    app.add_option("PLUGIN", path, "the shared library")->required();
    app.add_flag("--json", as_json, "as one JSON object");
    if (const auto status = parse(app, std::move(words))) return *status;
    std::string problem;
    loader::ListedPlugin listed;
    listed.path = absolute(path, problem);
    if (!problem.empty()) {
        complain("larder plugin info: " + problem);
        return exit_usage;
    }
    listed.manifest = loader::read_manifest(listed.path, listed.problem);
    if (listed.manifest) problem = loader::incompatibility(*listed.manifest);
    const auto exported = kit::exported_symbols(listed.path);
    const std::string hash = sha256_of(listed.path);
    if (as_json) {
        json::object out = plugin_json(listed);
        out["sha256"] = hash;
        json::array names;
        for (const std::string& name : exported) names.push_back(json::string(name));
        out["exports"] = std::move(names);
        if (listed.manifest) out["abi"] = std::to_string(listed.manifest->abi >> 16) + "." + std::to_string(listed.manifest->abi & 0xffff);
        if (!problem.empty()) out["problem"] = problem;
        print(json::serialize(out) + "\n");
    } else {
        print_plugin(listed);
        if (listed.manifest)
            print("plugin ABI " + std::to_string(listed.manifest->abi >> 16) + "." + std::to_string(listed.manifest->abi & 0xffff) + ", license " + listed.manifest->license + ", vendor " + listed.manifest->vendor + "\n");
        print("sha256 " + hash + "\n");
        std::string names;
        for (const std::string& name : exported) names += (names.empty() ? "" : ", ") + name;
        print("exports " + (names.empty() ? "nothing" : names) + "\n");
        if (!problem.empty()) print("cannot be used: it " + problem + "\n");
    }
    return listed.manifest && problem.empty() ? exit_fine : exit_findings;
}

// The hash of every plugin that the configuration names, by path; false: one of them is told to be of no use.
bool hash_all(const config::HostConfig& config, loader::LockedPlugins& out) {
    // Also of those that differ from what is locked: that is what this is asked for.
    loader::RegistryOptions options = config::registry_options(config);
    options.lock_file.clear();
    loader::PluginRegistry registry(std::move(options));
    bool good = true;
    for (const config::Instance& instance : config.instances) {
        std::string problem;
        const auto found = registry.find(config::kind_of(instance.section), instance.plugin, problem);
        if (found) out[found->file->path] = sha256_of(found->file->path);
        else complain("larder plugin lock: " + problem);
        good = good && found;
    }
    return good;
}

int compare_locked(const loader::LockedPlugins& now, const std::string& list, bool good) {
    std::string problem;
    const auto then = loader::read_lock_file(list, problem);
    if (!then) {
        complain("larder plugin lock: " + problem);
        return exit_usage;
    }
    for (const auto& [path, hash] : now) {
        const std::string reason = loader::unlocked(*then, list, path, hash);
        if (!reason.empty()) print(path + " " + reason + "\n");
        good = good && reason.empty();
    }
    if (good) print(std::to_string(now.size()) + " plugins are what they were\n");
    return good ? exit_fine : exit_findings;
}

int plugin_lock(Words words) {
    CLI::App app;
    describe(app, "plugin lock",
             "Prints the SHA-256 of every plugin that larder.toml names, as sha256sum does; with --write they go to the\n"
             "file that `[plugins] lock` names, and from then on no plugin is loaded that is not what it was. --check\n"
             "compares with such a list. Exit status 1 when one differs, is not in the list, or is gone.");
    HostOptions host;
    std::string check;
    bool write = false;
    host.add_to(app);
    auto* checked = app.add_option("--check", check, "list to compare with")->type_name("FILE");
    app.add_flag("--write", write, "into the file that `[plugins] lock` names")->excludes(checked);
    if (const auto status = parse(app, std::move(words))) return *status;
    const auto config = host.load();
    if (!config) return exit_findings;
    loader::LockedPlugins now;
    const bool good = hash_all(*config, now);
    if (!check.empty()) return compare_locked(now, check, good);
    if (!write) {
        print(loader::lock_text(now));
        return good ? exit_fine : exit_findings;
    }
    std::string problem = good ? "" : "nothing is written while one of them cannot be used";
    if (config->plugin_lock.empty()) problem = "where to? Set `[plugins] lock = \"plugins.lock\"` in " + config->file;
    if (!problem.empty() || !loader::write_lock_file(config->plugin_lock, now, problem)) {
        complain("larder plugin lock: " + problem);
        return exit_findings;
    }
    print(std::to_string(now.size()) + " plugins are locked in " + config->plugin_lock + "\n");
    return exit_fine;
}

int plugin_release(Words words) {
    CLI::App app;
    describe(app, "plugin release",
             "Lets a plugin run again that is in quarantine because it ended the process twice within ten minutes. Without\n"
             "NAME it lists what crashed. A kernel that runs takes it up at its next start.");
    HostOptions host;
    std::string name;
    host.add_to(app);
    app.add_option("NAME", name, "id of the plugin, or an instance: store.l1");
    if (const auto status = parse(app, std::move(words))) return *status;
    const auto config = host.load();
    if (!config) return exit_findings;
    const std::string book = config::registry_options(*config).crash_book;
    if (book.empty()) {
        complain("larder plugin release: nothing is remembered: " + config->file + " has no `[state] folder`");
        return exit_findings;
    }
    if (name.empty()) {
        for (const loader::Crash& crash : loader::read_crashes(book))
            print(crash.how + " in " + crash.instance + " " + crash.operation + " (" + crash.plugin + ")\n");
        return exit_fine;
    }
    std::string problem;
    const auto gone = loader::release_crashes(book, name, problem);
    if (gone < 0) complain("larder plugin release: " + problem);
    else if (gone == 0) complain("larder plugin release: no crash of " + name + " is in " + book);
    else print(name + " runs again from the next start; " + std::to_string(gone) + " crashes are forgotten\n");
    return gone > 0 ? exit_fine : exit_findings;
}

struct Sub {
    std::string_view name, summary;
    int (*run)(Words);
};
constexpr Sub subs[] = {{"new", "write a plugin that works, to be changed into your own", plugin_new},
                        {"test", "ask a plugin everything that its kind promises", plugin_test},
                        {"info", "tell what is in a plugin's file, running nothing of it", plugin_info},
                        {"lock", "pin the plugins that larder.toml names by their hashes", plugin_lock},
                        {"release", "let a plugin run again that crashed too often", plugin_release}};

}  // namespace

int run_plugin(Words words) {
    const std::string first = words.empty() ? "" : words.front();
    if (!words.empty()) words.erase(words.begin());
    for (const Sub& sub : subs)
        if (first == sub.name) return sub.run(std::move(words));
    if (first == "check-one") return check_one(std::move(words));
    if (first == "time-one") return time_one(std::move(words));
    std::string text = "usage: larder plugin VERB ...\n\n";
    for (const Sub& sub : subs) text += "  " + std::string(sub.name) + std::string(9 - sub.name.size(), ' ') + std::string(sub.summary) + "\n";
    text += "\n`larder plugin VERB --help` tells what it takes. docs/plugin-authors.md begins with a working one.\n";
    if (first == "--help" || first == "-h") {
        print(text);
        return exit_fine;
    }
    complain(first.empty() ? text : "larder plugin: there is no `" + first + "`\n" + text);
    return exit_usage;
}

}  // namespace larder::cli
