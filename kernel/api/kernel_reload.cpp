// kernel/api/kernel_reload.cpp -- from one configuration and policy to the next, without a gap.
//
// Everything that can go wrong goes wrong before install(): until then the old policy and the old
// instances serve, and after it nothing fails any more.
#include "kernel/api/kernel_impl.hpp"
#include "kernel/api/policy_changes.hpp"

#include <larder/plugin/services.h>

#include <algorithm>

namespace larder {
namespace {

std::string lines(const std::vector<std::string>& all) {
    std::string out;
    for (const std::string& line : all) (out += line) += '\n';
    return out;
}

void take_warnings(const dsl::SourceMap& sources, const std::vector<dsl::Diagnostic>& found,
                   std::vector<std::string>& out) {
    for (const dsl::Diagnostic& one : found)
        if (one.severity == dsl::Severity::warning)
            out.push_back(sources.where(one.primary.at) + ": " + one.message + " [" + one.code + "]");
}

bool same(const config::AdminOptions& a, const config::AdminOptions& b) {
    const auto told = [](const config::AdminOptions& options) {
        std::string text;
        for (const config::AdminToken& token : options.tokens)
            text += token.name + " " + std::to_string(token.role) + " " + token.secret.text() + "\n";
        return text;
    };
    return a.enabled == b.enabled && a.socket == b.socket && a.listen == b.listen && a.mounts == b.mounts &&
           a.open == b.open && a.remote == b.remote && a.rate == b.rate && a.connections == b.connections &&
           a.pages == b.pages && a.entities == b.entities && told(a) == told(b);
}

// Options whose change only a restart takes up, as they are written.
std::vector<std::string> restart_needed(const config::HostConfig& before,
                                        const config::HostConfig& after) {
    std::vector<std::string> out;
    const auto note = [&](bool differs, std::string_view what) {
        if (differs) out.push_back(std::string(what) + " changed; a restart takes it up");
    };
    const auto& a = before.limits;
    const auto& b = after.limits;
    note(before.plugin_path != after.plugin_path || before.trust_path != after.trust_path || before.plugin_lock != after.plugin_lock, "[plugins]");
    note(before.log.file != after.log.file || before.log.format != after.log.format,
         "[log] file or format");
    note(!same(before.admin, after.admin), "[admin]");
    note(before.journal.file != after.journal.file || before.journal.writes != after.journal.writes || before.journal.bytes != after.journal.bytes,
         "[journal]");
    note(before.state.folder != after.state.folder || before.state.policies != after.state.policies, "[state]");
    note(before.binding.has_value() != after.binding.has_value() ||
             (before.binding && before.binding->text() != after.binding->text()),
         "[secrets] binding");
    note(a.records != b.records || a.fences != b.fences || a.sweep != b.sweep || a.sweep_removes != b.sweep_removes || a.max_key_bytes != b.max_key_bytes ||
             a.max_value_bytes != b.max_value_bytes || a.deadline != b.deadline ||
             a.stop_deadline != b.stop_deadline || a.workers != b.workers ||
             a.blocking_workers != b.blocking_workers || a.queue != b.queue,
         "[limits]");
    return out;
}

// What a policy writes to, and this host does not have: a put would be answered that nobody keeps.
std::string writes_in_vain(const dsl::Policy& policy, const config::HostConfig& config, const dsl::Catalog& catalog) {
    std::string out;
    for (const dsl::Namespace& space : policy.namespaces) {
        if (!space.key || !space.source || space.write == dsl::WriteMode::aside) continue;
        const std::string& source = space.source->name;
        if (std::find(catalog.sources.begin(), catalog.sources.end(), source) == catalog.sources.end())
            out += space.source->where.text() + ": " + space.name + " is written to the source `" + source + "`, which is not configured: add [source." + source + "] to larder.toml\n";
        else if (space.write == dsl::WriteMode::behind && config.journal.file.empty())
            out += space.source->where.text() + ": " + space.name + " is written behind, and there is no journal: set `[journal] file` in larder.toml\n";
    }
    return out;
}

}  // namespace

Judged judge(const config::HostConfig& config, loader::PluginRegistry& registry,
             bool allow_missing, const std::vector<SourceHandle>& own, const PolicyTexts* texts) {
    Judged out;
    out.plan = config::plan(config, registry);
    take_warnings(*config.sources, out.plan.found, out.warnings);
    if (!out.plan.ok()) out.problem = dsl::render_text(*config.sources, out.plan.found, false);
    if (config.policy.empty() && texts == nullptr) {
        out.problem += "no policy is named: write `policy = [\"FILE\"]` in " +
                       (config.file.empty() ? std::string("larder.toml") : config.file) +
                       ", or give `--policy FILE`\n";
        return out;
    }
    for (const SourceHandle& source : own) out.plan.catalog.sources.push_back(source.name);
    dsl::CompileOptions options;
    options.profile = config.profile;
    options.env = config.environment.env;
    options.catalog = &out.plan.catalog;
    options.allow_missing = allow_missing;
    if (config.environment.read)
        options.read = [read = config.environment.read](const std::string& path) {
            return read(path);
        };
    out.compiled = texts != nullptr ? api::compile_texts(*texts, options) : dsl::compile(config.policy, options);
    take_warnings(*out.compiled.sources, out.compiled.found, out.warnings);
    if (!out.compiled.ok())
        out.problem += dsl::render_text(*out.compiled.sources, out.compiled.found, false);
    else if (!allow_missing)
        out.problem += writes_in_vain(*out.compiled.policy, config, out.plan.catalog);
    return out;
}

ReloadResult Kernel::Impl::reload_now() {
    const std::lock_guard<std::mutex> lock(control);
    if (!started || stopped) return {false, "the kernel does not run\n"};
    log->reopen();  // whoever moved the file says so by a reload
    const auto refused = [&](const std::string& why) {
        reload_failures.fetch_add(1);
        cache->note(LARDER_LOG_ERROR, "reload", "refused: " + why.substr(0, why.find('\n')));
        say(LARDER_LOG_ERROR, "reload refused, nothing changed: " + why);
        return ReloadResult{false, why + "nothing changed\n"};
    };
    if (watched)
        return refused("the policy " + watched->id + ", applied by " + watched->by + ", is being watched; wait for its end, or `larder rollback`\n");
    const config::HostConfig& before = options.config;
    config::HostConfig after = before;
    if (!before.file.empty()) {
        auto loaded = config::load_host_config(before.file, before.environment);
        if (!loaded.ok())
            return refused(dsl::render_text(*loaded.config.sources, loaded.found, false));
        after = std::move(loaded.config);
        after.apply(before.overrides);
    }
    Judged judged = judge(after, *registry, options.allow_missing, options.sources);
    if (!judged.problem.empty()) return refused(judged.problem);

    std::string problem;
    auto change = config::Transition::prepare(judged.plan, graph, *registry, *services, problem);
    if (!change) return refused(problem + "\n");
    if (!change->start(false, problem) || !change->reconfigure(problem) ||
        !change->start(true, problem)) {
        change->undo(deadline_ns(after.limits.stop_deadline));
        return refused(problem + "\n");
    }

    std::vector<std::string> said = change->said();
    const auto restart = restart_needed(before, after);
    said.insert(said.end(), restart.begin(), restart.end());
    if (before.log.level != after.log.level) {
        log->set_level(after.log.level);
        said.push_back("[log] level changed");
    }
    const auto rules = api::policy_changes(*policy, *judged.compiled.policy);
    said.insert(said.end(), rules.begin(), rules.end());
    const auto warned = judged.warnings;
    const PolicyRecord was = book->running();
    PolicyRecord now = record_of(*judged.compiled.policy, "files", "reload", api::texts_of(*judged.compiled.sources));
    if (was.origin != "files" && was.id != now.id)
        said.push_back("the policy " + was.id + " (" + was.origin + " by " + was.by + ") gives way to that of the files, " + now.id +
                       "; `larder rollback` goes back to it");
    book->replace(std::move(now), false);
    book->save();

    install(change->next(), judged.compiled.policy);
    policy = judged.compiled.policy;
    graph = std::move(change->next());
    options.config = std::move(after);
    show(graph, std::move(judged.warnings));
    retire(change->retired());

    if (said.empty()) said.push_back("nothing differs");
    cache->note(LARDER_LOG_INFO, "reload", said.front() + (said.size() > 1 ? " ..." : ""));
    for (const std::string& line : said) say(LARDER_LOG_INFO, "reload: " + line);
    std::string text = lines(said);
    for (const std::string& line : warned) text += "warning: " + line + "\n";
    return {true, std::move(text)};
}

// Stops what nobody uses any more, after the answer: the one who asked may be served by it.
void Kernel::Impl::retire(std::vector<config::Node> nodes) {
    if (nodes.empty()) return;
    leaving.insert(leaving.end(), nodes.begin(), nodes.end());
    executor->post(true, [this] { let_go(); });
}

void Kernel::Impl::let_go() {
    // stop() holds control while it waits for this thread, so this may not wait for control.
    const std::unique_lock<std::mutex> lock(control, std::try_to_lock);
    if (!lock) {
        executor->after(std::chrono::milliseconds(20), [this] { executor->post(true, [this] { let_go(); }); });
        return;
    }
    if (stopped) return;
    const std::uint64_t until = deadline_ns(options.config.limits.stop_deadline);
    config::stop(leaving, true, until);
    config::stop(leaving, false, until);
    leaving.clear();
}

}  // namespace larder
