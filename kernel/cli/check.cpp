// kernel/cli/check.cpp -- larder check: what is wrong with policies, and with a host configuration.
//
// No plugin code runs: of plugins only the manifests are read. Each file is a policy of its own; a file
// that ends in .toml is a host configuration; of a folder every *.larder is taken, and what others of
// them `use` is checked with those.
#include "dsl/compile.hpp"
#include "dsl/key_list.hpp"
#include "kernel/cli/host.hpp"
#include "kernel/cli/report.hpp"
#include "kernel/config/catalog.hpp"
#include "kernel/editor/policy_text.hpp"

#include <boost/json.hpp>

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

namespace larder::cli {
namespace {

namespace fs = std::filesystem;

struct Asked {
    Words files;
    std::string conf, profile, keys, routes;
    Remote kernel;
    Format format = Format::text;
    bool deny_warnings = false, coverage = false;
};

// What policies are judged beside.
struct Beside {
    dsl::CompileOptions options;
    std::optional<dsl::CompileOptions::RoutesText> routes;
    std::map<std::string, std::uint64_t, std::less<>> live;  // entries, by namespace
    std::map<std::string, std::vector<dsl::LiveVersion>, std::less<>> versions;
};

// A configuration that has been judged, with what it offers to policies.
struct Judged {
    config::HostConfig config;
    config::Plan plan;
};

Judged judge(const std::string& conf, Report& report) {
    auto loaded = config::load_host_config(conf);
    report.add(*loaded.config.sources, loaded.found);
    Judged out{std::move(loaded.config), {}};
    loader::PluginRegistry registry(config::registry_options(out.config));
    out.plan = config::plan(out.config, registry);
    report.add(*out.config.sources, out.plan.found);
    return out;
}

dsl::Compiled check_policy(const Words& files, const Beside& beside, Report& report) {
    auto compiled = dsl::compile(files, beside.options);
    report.add(*compiled.sources, compiled.found);
    return compiled;
}

// A file that a person named is checked; one that a folder held is not, if another one `use`s it.
struct Wanted {
    std::string path;
    bool from_folder = false;
};

std::optional<std::vector<Wanted>> wanted_files(const Words& named) {
    std::vector<Wanted> out;
    for (const std::string& path : named) {
        std::error_code error;
        if (!fs::is_directory(path, error)) {
            out.push_back({path, false});
            continue;
        }
        std::string why;
        const auto inside = editor::policy_paths({path}, why);
        if (!inside) {
            complain("larder check: " + why);
            return std::nullopt;
        }
        if (inside->empty()) {
            complain("larder check: no *.larder is in " + path);
            return std::nullopt;
        }
        for (const std::string& one : *inside) out.push_back({one, true});
    }
    return out;
}

std::string one_name(const std::string& path) {
    std::error_code error;
    const fs::path canonical = fs::weakly_canonical(path, error);
    return error ? path : canonical.string();
}

// Returns the policy when there was one and it is sound.
std::shared_ptr<const dsl::Policy> check_files(const std::vector<Wanted>& files,
                                               const Beside& beside, Report& report) {
    struct Checked {
        const Wanted* file;
        dsl::Compiled compiled;
    };
    std::vector<Checked> all;
    std::set<std::string> used;
    std::shared_ptr<const dsl::Policy> last;
    for (const Wanted& file : files) {
        if (file.path.ends_with(".toml")) {
            judge(file.path, report);
            continue;
        }
        auto compiled = dsl::compile(Words{file.path}, beside.options);
        for (std::size_t k = 1; k < compiled.sources->files(); ++k)
            used.insert(one_name(compiled.sources->file(dsl::FileId{static_cast<std::uint32_t>(k)}).name()));
        last = compiled.policy;
        compiled.policy.reset();
        if (!compiled.found.empty()) all.push_back({&file, std::move(compiled)});
    }
    for (const Checked& one : all) {
        if (one.file->from_folder && used.contains(one_name(one.file->path))) continue;
        report.add(*one.compiled.sources, one.compiled.found);
    }
    return last;
}

bool check_keys(const std::string& path, const dsl::Policy* policy, Report& report) {
    std::string why;
    const bool stream = path == "-";
    auto text = editor::read_text(stream ? "/dev/stdin" : path, why);
    if (!text) {
        complain("larder check: " + path + ": " + why);
        return false;
    }
    const bool cut = text->size() > dsl::SourceMap::max_file_bytes;
    dsl::SourceMap sources;
    if (cut) text->resize(std::min(dsl::SourceMap::max_file_bytes, text->rfind('\n')));
    const auto id = sources.add(stream ? "standard input" : path, std::move(*text));
    report.add(sources, dsl::check_key_list(sources.file(id), policy, cut));
    return true;
}

// The entries that a running kernel holds; without an answer none are known.
void ask_kernel(const Remote& kernel, Beside& beside) {
    std::string problem;
    const auto answer = kernel.try_ask("stats", {"namespaces"}, problem);
    if (!answer) {
        complain("larder check: no live numbers: " + problem);
        return;
    }
    boost::json::error_code error;
    const auto stats = boost::json::parse(answer->out, error);
    const auto* const spaces = error ? nullptr : stats.is_object() ? stats.as_object().if_contains("namespaces") : nullptr;
    if (spaces == nullptr || !spaces->is_object()) return;
    for (const auto& [name, space] : spaces->as_object()) {
        const auto* const entries = space.is_object() ? space.as_object().if_contains("entries") : nullptr;
        if (entries == nullptr) continue;
        const auto count = entries->to_number<std::uint64_t>(error);
        if (!error) beside.live.emplace(name, count);
    }
    beside.options.live_entries = [&beside](std::string_view ns) -> std::optional<std::uint64_t> {
        const auto it = beside.live.find(ns);
        if (it == beside.live.end()) return std::nullopt;
        return it->second;
    };
}

std::uint64_t number_in(const boost::json::value& value) {
    boost::json::error_code error;
    const auto number = value.to_number<std::uint64_t>(error);
    return error ? 0 : number;
}

// Which versions of its values it has, as far as its memory tells.
void ask_versions(const Remote& kernel, Beside& beside) {
    std::string problem;
    const auto answer = kernel.try_ask("stats", {"versions"}, problem);
    if (!answer) return;  // said already
    boost::json::error_code error;
    const auto stats = boost::json::parse(answer->out, error);
    const auto* const spaces = error || !stats.is_object() ? nullptr : stats.as_object().if_contains("versions");
    if (spaces == nullptr || !spaces->is_object()) return;
    for (const auto& [name, space] : spaces->as_object()) {
        std::map<std::uint32_t, dsl::LiveVersion> found;
        const auto take = [&found, &space](const char* what, std::uint64_t dsl::LiveVersion::*to) {
            const auto* const counts = space.is_object() ? space.as_object().if_contains(what) : nullptr;
            if (counts == nullptr || !counts->is_object()) return;
            for (const auto& [version, n] : counts->as_object()) {
                std::uint32_t number = 0;
                std::from_chars(version.data(), version.data() + version.size(), number);
                found[number].version = number;
                found[number].*to = number_in(n);
            }
        };
        take("entries", &dsl::LiveVersion::entries);
        take("migrated", &dsl::LiveVersion::migrated);
        for (const auto& [number, live] : found) beside.versions[name].push_back(live);
    }
    beside.options.live_versions = [&beside](std::string_view ns) {
        const auto it = beside.versions.find(ns);
        return it == beside.versions.end() ? std::vector<dsl::LiveVersion>{} : it->second;
    };
}

// False: it has been said what cannot be read.
bool prepare(const Asked& asked, const Judged* host, Beside& beside) {
    beside.options.profile = asked.profile;
    beside.options.coverage = asked.coverage;
    if (host != nullptr) beside.options.catalog = &host->plan.catalog;
    if (asked.kernel.is_named()) {
        ask_kernel(asked.kernel, beside);
        ask_versions(asked.kernel, beside);
    }
    if (asked.routes.empty()) return true;
    std::string why;
    auto text = editor::read_text(asked.routes, why, dsl::CompileOptions::RoutesText::max_bytes);
    if (!text) {
        complain("larder check: " + asked.routes + ": " + why);
        return false;
    }
    beside.routes = {asked.routes, std::move(*text)};
    beside.options.routes = &*beside.routes;
    return true;
}

std::string counted(std::size_t n, const char* what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

int tell(const Asked& asked, const Report& report) {
    print(report.render(asked.format, asked.format == Format::text && is_colourful(STDOUT_FILENO)));
    const bool list = asked.format == Format::json || asked.format == Format::sarif;
    if (list) print("\n");
    if (report.left_out() != 0)
        complain("larder check: " + counted(report.left_out(), "finding") +
                 " in further files are not shown; check fewer files at once");
    if (!list && report.errors() + report.warnings() != 0)
        complain(counted(report.errors(), "error") + ", " + counted(report.warnings(), "warning") +
                 "; `larder explain CODE` tells more of each");
    const bool bad = report.errors() != 0 || (asked.deny_warnings && report.warnings() != 0);
    return bad ? exit_findings : exit_fine;
}

std::optional<int> read(Words words, Asked& out) {
    CLI::App app;
    describe(app, "check",
             "Tells what is wrong with policies; prints nothing when nothing is. With --conf the names\n"
             "of stores, codecs, sources and sinks are checked too, against larder.toml and the\n"
             "manifests of its plugins, without running them.");
    std::string deny;
    app.add_option("FILE", out.files,
                   "policies, each of its own; folders of *.larder; or a larder.toml");
    app.add_option("--conf", out.conf, "host configuration; without FILE its policy is checked with it")
        ->type_name("FILE");
    app.add_option("--profile", out.profile, "profile of the policies")->type_name("NAME");
    app.add_option("--routes", out.routes,
                   "OpenAPI of the application (JSON): writes that no rule mentions, rules that no\n"
                   "route fires; for one policy")
        ->type_name("FILE");
    app.add_option("--keys", out.keys,
                   "keys that are there, one a line (`redis-cli --scan`), or `-`: how they are written,\n"
                   "and with a policy whether they fit it")
        ->type_name("FILE");
    app.add_flag("--coverage", out.coverage, "tell of rules that no `test` item sets off, too");
    out.kernel.add_socket_to(app, "admin socket of a running kernel: findings with its live numbers");
    app.add_option("--format", out.format, "text, json, sarif or github")
        ->type_name("FORMAT")
        ->transform(CLI::Transformer(std::vector<std::pair<std::string, Format>>{
            {"text", Format::text},
            {"json", Format::json},
            {"sarif", Format::sarif},
            {"github", Format::github}}));
    app.add_option("--deny", deny, "`warnings`: they end in status 1 as errors do")
        ->type_name("WHAT")
        ->check(CLI::IsMember({"warnings"}));
    if (const auto status = parse(app, std::move(words))) return status;
    out.deny_warnings = !deny.empty();
    if (out.files.empty() && out.conf.empty() && out.keys.empty()) {
        complain("larder check: name a policy: `larder check policies/hotel.larder`, or a "
                 "configuration with `--conf`");
        return exit_usage;
    }
    return std::nullopt;
}

}  // namespace

int run_check(Words words) {
    Asked asked;
    if (const auto status = read(std::move(words), asked)) return *status;
    const auto files = wanted_files(asked.files);
    if (!files) return exit_findings;
    if (files->size() > 1 && (!asked.routes.empty() || !asked.keys.empty())) {
        complain("larder check: routes and keys belong to one application: name its policy alone");
        return exit_usage;
    }
    Report report;
    std::unique_ptr<Judged> host;
    if (!asked.conf.empty()) {
        host = std::make_unique<Judged>(judge(asked.conf, report));
        if (asked.profile.empty()) asked.profile = host->config.profile;
    }
    Beside beside;
    if (!prepare(asked, host.get(), beside)) return exit_findings;
    std::shared_ptr<const dsl::Policy> policy;
    if (files->empty() && host && !host->config.policy.empty())
        policy = check_policy(host->config.policy, beside, report).policy;
    else
        policy = check_files(*files, beside, report);
    if (!asked.keys.empty() && !check_keys(asked.keys, policy.get(), report)) return exit_findings;
    return tell(asked, report);
}

}  // namespace larder::cli
