// kernel/api/kernel.cpp -- the life of a kernel: opened, started and stopped as a whole.
#include "kernel/api/kernel.hpp"

#include "kernel/api/cache_service.hpp"
#include "kernel/api/kernel_impl.hpp"
#include "kernel/core/snapshot.hpp"
#include "kernel/loader/host_visit.hpp"

#include <larder/plugin/invalidator.h>
#include <larder/plugin/warmer.h>

#include <algorithm>

namespace larder {

bool Kernel::Impl::open(std::string& problem) {
    const config::HostConfig& config = options.config;
    log = config::Log::open(config.log, problem);
    if (!log) return false;
    clock = options.clock != nullptr ? options.clock : &system_clock;
    registry = std::make_unique<loader::PluginRegistry>(config::registry_options(config));
    Judged judged = judge(config, *registry, options.allow_missing, options.sources);
    if (!judged.problem.empty()) {
        problem = std::move(judged.problem);
        return false;
    }
    if (!make_cache(problem)) return false;
    auto first = config::Transition::prepare(judged.plan, {}, *registry, *services, problem);
    if (!first) {
        problem += '\n';
        return false;
    }
    graph = std::move(first->next());
    policy = judged.compiled.policy;
    first_texts = api::texts_of(*judged.compiled.sources);
    show(graph, std::move(judged.warnings));
    return true;
}

bool Kernel::Impl::make_cache(std::string& problem) {
    const config::HostConfig& config = options.config;
    executor = options.executor;
    if (executor == nullptr) {
        own_executor = make_thread_executor({config.limits.workers, config.limits.blocking_workers,
                                             static_cast<std::size_t>(config.limits.queue)});
        executor = own_executor.get();
    }
    CacheOptions made;
    made.clock = clock;
    made.random = options.random != nullptr ? options.random : &system_random;
    made.executor = executor;
    made.records = static_cast<std::size_t>(config.limits.records);
    made.fences = static_cast<std::size_t>(config.limits.fences);
    made.sweep = config.limits.sweep;
    made.sweep_removes = config.limits.sweep_removes;
    made.max_key_bytes = config.limits.max_key_bytes;
    made.max_value_bytes = config.limits.max_value_bytes;
    made.default_deadline = config.limits.deadline;
    if (config.binding) {
        auto secret = config::look_up(*config.binding, config.environment);
        if (!secret || secret->empty()) {
            problem = config.file + ": [secrets] binding leads nowhere: " + config.binding->text() +
                      " is not set or empty\n";
            return false;
        }
        made.binding_secret = std::move(*secret);
    }
    cache = std::make_unique<Cache>(made);
    if (!config.journal.file.empty()) {
        WriteBehindOptions behind;
        behind.file = config.journal.file;
        behind.writes = static_cast<std::size_t>(config.journal.writes);
        behind.bytes = config.journal.bytes;
        std::vector<std::string> said;
        if (!cache->open_writes(behind, said, problem)) {
            problem = "[journal] file: " + problem + "\n";
            return false;
        }
        for (const std::string& line : said) {
            say(LARDER_LOG_WARN, line);
            cache->note(LARDER_LOG_WARN, "journal", line);
        }
    }
    services = std::make_unique<api::KernelServices>(api::KernelServices::Parts{
        cache.get(), this, clock, executor, log, config.environment});
    services->hold();
    own_table = std::make_unique<loader::HostTable>(*services, "kernel");
    api::Sessions::Parts sessions;
    sessions.executor = executor;
    sessions.clock = clock;
    sessions.instance = [this](std::string_view name) -> std::shared_ptr<loader::PluginInstance> {
        const std::lock_guard<std::mutex> lock(state_mutex);
        for (const config::Node& node : running)
            if (node.section == config::Section::session && node.instance->name() == name) return node.instance;
        return nullptr;
    };
    sessions.policy = [this] { return cache->policy(); };
    sessions.note = [this](int severity, std::string_view text) {
        cache->note(severity, "session", std::string(text));
        log->write(severity, "session", text);
    };
    session_book = std::make_unique<api::Sessions>(std::move(sessions));
    deliveries = std::make_shared<api::Deliveries>(*executor, *clock, log);
    make_warming();
    return true;
}

bool Kernel::Impl::start(std::string& problem) {
    const std::lock_guard<std::mutex> lock(control);
    if (stopped) {
        problem = "a kernel that was stopped is not started again";
        return false;
    }
    if (started) return true;
    const auto start_some = [&](bool fronts) {
        return std::all_of(graph.nodes.begin(), graph.nodes.end(), [&](const config::Node& node) {
            return config::is_front(node.section) != fronts || node.instance->start(problem);
        });
    };
    if (!start_some(false)) return false;
    open_book();
    warms = true;
    install(graph, policy);
    services->let_in();
    if (const auto wait = options.config.warming.startup_wait; wait.count() > 0 && !warming->wait_startup(wait)) {
        const std::string line = "not all is warm after " + std::to_string(wait.count()) + " ms: gateways listen all the same";
        say(LARDER_LOG_WARN, line);
        cache->note(LARDER_LOG_WARN, "warm", line);
    }
    if (!start_some(true)) return false;
    started = true;
    started_ns = clock->mono_ns();
    if (clock == &system_clock) {
        {
            const std::lock_guard<std::mutex> state(state_mutex);
            ticking = true;
        }
        tick();
    }
    const std::string line = std::string("larder ") + version + " started";
    cache->note(LARDER_LOG_INFO, "start", line);
    say(LARDER_LOG_INFO, line + " with " + std::to_string(graph.nodes.size()) + " instances");
    return true;
}

void Kernel::Impl::stop(std::chrono::milliseconds deadline) {
    const std::lock_guard<std::mutex> lock(control);
    if (stopped || !cache) return;
    stopped = true;
    const std::uint64_t until = deadline_ns(deadline);
    {
        const std::lock_guard<std::mutex> state(state_mutex);
        if (ticking) executor->cancel(tick_id);
        ticking = false;
    }
    if (warming) warming->stop();
    config::stop(graph.nodes, true, until);
    config::stop(leaving, true, until);
    if (own_workers) own_workers->stop();
    deliveries->close();  // what clients did until the end has been told
    cache->stop_writes(until);
    if (own_executor) {
        if (!services->drain(deadline)) say(LARDER_LOG_WARN, "tasks of plugins did not end in time");
        own_executor->stop();
    }
    config::stop(leaving, false, until);
    config::stop(graph.nodes, false, until);
    if (book) book->save();
    // Threads that a plugin left behind are told so from here on; those that are inside come out first.
    services->hold();
    if (!loader::HostVisit::wait_until_out(std::chrono::seconds(1))) say(LARDER_LOG_WARN, "a thread of a plugin is still in the kernel");
    if (started) say(LARDER_LOG_INFO, "stopped");
    log->flush();
}

// Once a second: what the machine slept is added to the clock, a policy that was replaced is freed when
// its last reader is done, and alerts are judged.
void Kernel::Impl::tick() {
    system_clock.resync();
    detail::reclaim();
    watch(false);
    executor->post(true, [this] { foresight->tell(); });
    const std::lock_guard<std::mutex> state(state_mutex);
    if (ticking) tick_id = executor->after(std::chrono::seconds(1), [this] { tick(); });
}

void Kernel::Impl::install(const config::Graph& next, std::shared_ptr<const dsl::Policy> with) {
    CacheParts parts;
    alerts.follow(with->alerts);
    parts.policy = std::move(with);
    parts.stores = next.stores();
    parts.codecs = next.codecs();
    parts.sources = options.sources;
    for (SourceHandle& source : next.sources()) parts.sources.push_back(std::move(source));
    parts.log_miss = [to = log](std::string_view line) { to->write(LARDER_LOG_INFO, "miss", line); };
    parts.changed = api::change_events(next, deliveries, *clock);
    parts.warm = [this, of = parts.policy](const std::vector<std::uint32_t>& items) {
        return static_cast<std::uint32_t>(warming->queue(*of, items, LARDER_WARM_AFTER_INVALIDATION).size());
    };
    parts.reload = [this](std::uint32_t ns, std::string_view key) { return warming->reload(ns, key); };
    session_book->install(parts.stores, *parts.policy);
    parts.end_sessions = [this](std::string_view session, std::string_view user) { session_book->end_soon(session, user); };
    const std::shared_ptr<const dsl::Policy> installed = parts.policy;
    cache->install(std::move(parts));
    if (!warms) return;
    warming->configure(warming_options());
    foresight->follow(installed);
    warming->install(installed);
}

void Kernel::Impl::show(const config::Graph& now, std::vector<std::string> warned) {
    if (policy != nullptr) {
        const auto more = api::Sessions::asleep(*policy, [&](std::string_view name) -> const loader::PluginInstance* {
            const config::Node* node = now.find(config::Section::session, name);
            return node == nullptr ? nullptr : node->instance.get();
        });
        warned.insert(warned.end(), more.begin(), more.end());
    }
    const std::lock_guard<std::mutex> lock(state_mutex);
    running = now.nodes;
    warnings = std::move(warned);
    ++generation;
    request_rules.store(
        std::any_of(running.begin(), running.end(),
                    [](const config::Node& node) {
                        return node.section == config::Section::invalidator &&
                               (node.instance->caps() & LARDER_INV_CAP_RULES) != 0;
                    }),
        std::memory_order_release);
}

Kernel::Kernel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Kernel::~Kernel() { stop(); }

std::unique_ptr<Kernel> Kernel::open(KernelOptions options, std::string& problem) {
    auto impl = std::make_unique<Impl>(std::move(options));
    if (!impl->open(problem)) return nullptr;
    return std::unique_ptr<Kernel>(new Kernel(std::move(impl)));
}

bool Kernel::start(std::string& problem) {
    if (impl_->start(problem)) return true;
    impl_->stop(impl_->options.config.limits.stop_deadline);
    return false;
}

void Kernel::stop(std::chrono::milliseconds deadline) { impl_->stop(deadline); }

ReloadResult Kernel::reload() { return impl_->reload_now(); }

Cache& Kernel::cache() { return *impl_->cache; }
const larder_cache_api& Kernel::cache_api() const { return api::cache_table(); }
const larder_host* Kernel::host() const { return impl_->own_table->host(); }

}  // namespace larder
