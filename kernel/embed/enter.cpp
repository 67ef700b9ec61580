// kernel/embed/enter.cpp -- a kernel's life as hosts see it, names, and the reason of a failure.
#include "kernel/api/kernel_impl.hpp"
#include "kernel/api/version.hpp"
#include "kernel/core/figures.hpp"
#include "kernel/embed/admin.hpp"
#include "kernel/embed/state.hpp"

#include <larder/plugin/signals_blocked.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>

namespace larder::embed {
namespace {

std::atomic<std::uint32_t> fork_count{0};

void count_forks() {
    static const int once = ::pthread_atfork(nullptr, nullptr, [] { fork_count.fetch_add(1, std::memory_order_relaxed); });
    static_cast<void>(once);
}

bool is_there(const std::string& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0;
}

// Beside this library: `../plugins` in a build tree, `larder/plugins-1` where it is installed.
std::vector<std::string> plugins_beside_library() {
    Dl_info info{};
    static const int here = 0;
    if (::dladdr(&here, &info) == 0 || info.dli_fname == nullptr) return {};
    std::string folder = info.dli_fname;
    const auto slash = folder.rfind('/');
    folder = slash == std::string::npos ? "." : folder.substr(0, slash);
    for (const char* const place : {"/../plugins", "/larder/plugins-1"})
        if (is_there(folder + place)) return {folder + place};
    return {};
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> out;
    while (!list.empty()) {
        const auto colon = list.find(':');
        if (colon != 0) out.emplace_back(list.substr(0, colon));
        list.remove_prefix(colon == std::string_view::npos ? list.size() : colon + 1);
    }
    return out;
}

std::vector<std::string> plugin_path_of(const larder_open_args& args) {
    if (args.plugin_path != nullptr) return split(args.plugin_path);
    if (std::getenv("LARDER_PLUGIN_PATH") != nullptr) return config::default_plugin_path();
    return plugins_beside_library();
}

// A memory store, and the codecs that are installed: what a policy needs to run at all.
std::string built_in(const std::vector<std::string>& path) {
    std::string out = "[store.l1]\nplugin = \"memory\"\n[admin]\nenabled = false\n[log]\nlevel = \"warn\"\n";
    for (const char* const codec : {"brotli", "zlib", "zstd"})
        for (const std::string& folder : path)
            if (is_there(folder + "/compressor_" + codec + ".so")) {
                out += std::string("[codec.") + codec + "]\nplugin = \"" + codec + "\"\n";
                break;
            }
    return out;
}

constexpr const char* text_name = "policy.larder";

config::Environment environment_of(const larder_open_args& args) {
    std::vector<std::pair<std::string, std::string>> own;
    for (const char* const* one = args.env; one != nullptr && *one != nullptr; ++one)
        if (const char* const equals = std::strchr(*one, '=')) own.emplace_back(std::string(*one, equals), equals + 1);
    config::Environment out;
    out.env = [own = std::move(own)](std::string_view name) -> std::optional<std::string> {
        for (const auto& [key, value] : own)
            if (key == name) return value;
        const char* const found = std::getenv(std::string(name).c_str());
        return found == nullptr ? std::nullopt : std::optional<std::string>(found);
    };
    if (args.policy_text != nullptr)
        out.read = [policy = std::string(args.policy_text)](const std::string& path) -> std::optional<std::string> {
            if (path == text_name) return policy;
            std::ifstream file(path, std::ios::binary);
            if (!file) return std::nullopt;
            return std::string(std::istreambuf_iterator<char>(file), {});
        };
    return out;
}

// "hotel.larder:3:9: error[L0101]: ..." of a rendered finding: its first line, and the place in the line that
// begins with `-->`.
void tell(larder_diag* diag, larder_result code) {
    if (diag == nullptr || diag->size < sizeof(larder_diag)) return;
    const std::string& all = problem();
    diag->code = code;
    diag->line = diag->column = 0;
    std::string first = all.substr(0, all.find('\n'));
    constexpr std::string_view arrow = "--> ";
    if (const auto at = all.find(arrow); at != std::string::npos) {
        const std::string place = all.substr(at + arrow.size(), all.find('\n', at) - at - arrow.size());
        first = place + ": " + first;
        const auto column = place.rfind(':');
        const auto line = column == std::string::npos || column == 0 ? std::string::npos : place.rfind(':', column - 1);
        if (line != std::string::npos) {
            std::from_chars(place.data() + line + 1, place.data() + column, diag->line);
            std::from_chars(place.data() + column + 1, place.data() + place.size(), diag->column);
        }
    }
    const std::size_t n = std::min(first.size(), sizeof diag->text - 1);
    std::memcpy(diag->text, first.data(), n);
    diag->text[n] = '\0';
}

std::optional<config::HostConfig> configure(const larder_open_args& args) {
    const std::vector<std::string> path = plugin_path_of(args);
    config::Environment environment = environment_of(args);
    config::LoadedConfig loaded = args.config_path != nullptr   ? config::load_host_config(args.config_path, std::move(environment))
                                  : args.config_text != nullptr ? config::parse_host_config("larder.toml", args.config_text, std::move(environment))
                                                                : config::parse_host_config("larder.toml", built_in(path), std::move(environment));
    if (!loaded.ok()) {
        problem() = dsl::render_text(*loaded.config.sources, loaded.found, false);
        return std::nullopt;
    }
    config::HostConfig& config = loaded.config;
    if (args.config_path == nullptr) config.file.clear();  // a reload has nothing to read again but the policy
    if (args.plugin_path != nullptr || config.plugin_path.empty()) config.plugin_path = path;
    config::Overrides given;
    if (args.policy_text != nullptr) given.policy = {text_name};
    else if (args.policy_path != nullptr) given.policy = split(args.policy_path);
    if (args.profile != nullptr) given.profile = args.profile;
    config.apply(std::move(given));
    return std::move(config);
}

}  // namespace

std::uint32_t forks() noexcept { return fork_count.load(std::memory_order_relaxed); }

std::string& problem() {
    thread_local std::string why;
    return why;
}

larder_result refuse(larder_result result, std::string why) {
    problem() = std::move(why);
    return result;
}

larder_result result_of(larder_status status) {
    switch (status) {
        case LARDER_OK: return LARDER_R_DONE;
        case LARDER_MISS: return LARDER_R_NONE;
        case LARDER_EXISTS: return LARDER_R_NONE;
        case LARDER_E_INVALID: return refuse(LARDER_R_INVALID, "it does not fit the policy");
        case LARDER_E_UNSUPPORTED: return refuse(LARDER_R_UNSUPPORTED, "nothing here can do that");
        case LARDER_E_NOMEM: return refuse(LARDER_R_NO_MEMORY, "memory ran out");
        case LARDER_E_IO: return refuse(LARDER_R_UNREACHABLE, "a store or a source cannot be reached");
        case LARDER_E_TIMEOUT: return refuse(LARDER_R_TIMEOUT, "the deadline passed");
        case LARDER_E_BUSY: return refuse(LARDER_R_BUSY, "a queue is full");
        case LARDER_E_CLOSED: return refuse(LARDER_R_CLOSED, "the kernel is stopping");
        case LARDER_E_TOO_LARGE: return refuse(LARDER_R_TOO_LARGE, "the value is larger than the namespace or [limits] max_value allows");
        case LARDER_E_DENIED: return refuse(LARDER_R_DENIED, "the role does not allow it");
        case LARDER_E_CONFIG: return refuse(LARDER_R_UNSUPPORTED, "the policy has none of that name, or nothing is configured that keeps it");
        case LARDER_E_REFUSED: return refuse(LARDER_R_REFUSED, "the policy refuses it");
        default: return refuse(LARDER_R_FAILED, "the kernel failed (" + std::to_string(status) + "); its log says more");
    }
}

}  // namespace larder::embed

using namespace larder;
using namespace larder::embed;

bool larder_kernel::refresh_facts() {
    const auto policy = cache().policy();
    const FactsTable* const known = facts.load(std::memory_order_acquire);
    if (known != nullptr && known->policy == policy) return false;
    const std::lock_guard lock(facts_mutex);
    auto made = std::make_unique<FactsTable>();
    made->policy = policy;
    // A source that the policy names and nobody configured loads nothing: then hosts do.
    const Figures figures = cache().figures();
    const auto loads = [&](const dsl::Namespace& space) {
        return space.source.has_value() &&
               std::any_of(figures.sources.begin(), figures.sources.end(), [&](const SourceFigures& one) { return one.name == space.source->name; });
    };
    for (const dsl::Namespace& space : policy->namespaces) {
        std::uint32_t ns = 0;
        if (cache().ns_find(space.name, &ns) != LARDER_OK) continue;
        if (ns >= made->spaces.size()) made->spaces.resize(ns + 1);
        const auto ns_of = [](const std::optional<Ms>& ms) { return static_cast<std::uint64_t>(ms.value_or(Ms{0}).count()) * 1'000'000; };
        made->spaces[ns] = {loads(space), ns_of(space.stale_while_revalidating), ns_of(space.stale_on_error), ns_of(space.coalesce_wait)};
    }
    facts.store(made.get(), std::memory_order_release);
    // Of an old one the policy is not needed any more, and it may be large.
    for (const auto& old : facts_made) const_cast<FactsTable&>(*old).policy.reset();
    facts_made.push_back(std::move(made));
    return true;
}

bool larder_kernel::post(std::function<void()> work) {
    auto held = std::make_unique<std::function<void()>>(std::move(work));
    const auto run = [](void* ctx) noexcept {
        const std::unique_ptr<std::function<void()>> task(static_cast<std::function<void()>*>(ctx));
        (*task)();
    };
    if (tasks->post(kernel->host(), 1, run, held.get()) != LARDER_OK) return false;
    held.release();
    return true;
}

void larder_kernel::after(std::uint64_t delay_ns, std::function<void()> work) {
    auto held = std::make_unique<std::function<void()>>(std::move(work));
    const auto run = [](void* ctx) noexcept {
        const std::unique_ptr<std::function<void()>> task(static_cast<std::function<void()>*>(ctx));
        (*task)();
    };
    std::uint64_t id = 0;
    if (tasks->after(kernel->host(), delay_ns, run, held.get(), &id) == LARDER_OK) held.release();
}

uint32_t larder_embed_abi(void) { return LARDER_EMBED_ABI; }
const char* larder_version(void) { return larder::version; }
const char* larder_problem(void) { return problem().c_str(); }

const char* larder_result_name(larder_result result) {
    static constexpr const char* good[] = {"HIT", "STALE", "LEASE", "WAIT", "PASS", "ABSENT", "NONE"};
    static constexpr const char* bad[] = {"FAILED", "ABI",     "POLICY",  "FORKED", "TOO_LARGE", "CLOSED",      "INVALID",  "UNREACHABLE",
                                          "TIMEOUT", "BUSY", "DENIED", "REFUSED", "UNSUPPORTED", "NO_LEASE", "NO_MEMORY"};
    if (result >= 0 && static_cast<std::size_t>(result) < std::size(good)) return good[result];
    if (result < 0 && static_cast<std::size_t>(-(result + 1)) < std::size(bad)) return bad[-(result + 1)];
    return "?";
}

larder_kernel* larder_kernel_open(const larder_open_args* args, larder_diag* diag) {
    larder_result code = LARDER_R_POLICY;
    const plugin::SignalsBlocked threads_inherit_it;
    try {
        problem().clear();
        if (args == nullptr || args->size < sizeof(larder_open_args)) {
            tell(diag, refuse(LARDER_R_ABI, "larder_open_args.size is smaller than any version of it: set it to sizeof"));
            return nullptr;
        }
        count_forks();
        auto config = configure(*args);
        if (!config) {
            tell(diag, code);
            return nullptr;
        }
        auto k = std::make_unique<larder_kernel>();
        k->forks = forks();
        k->deadline_ns = static_cast<std::uint64_t>(config->limits.deadline.count()) * 1'000'000;
        KernelOptions options;
        const config::AdminOptions admin = config->admin;
        const config::Environment environment = config->environment;
        const std::uint64_t max_value = config->limits.max_value_bytes;
        options.config = std::move(*config);
        options.allow_missing = (args->flags & LARDER_OPEN_ALLOW_MISSING) != 0;
        if ((args->flags & LARDER_OPEN_VIRTUAL_TIME) != 0) {
            k->clock = std::make_unique<ManualClock>();
            k->executor = std::make_unique<ManualExecutor>(*k->clock);
            options.clock = k->clock.get();
            options.executor = k->executor.get();
        }
        std::string why;
        k->kernel = Kernel::open(std::move(options), why);
        if (k->kernel == nullptr || !k->kernel->start(why)) {
            problem() = std::move(why);
            tell(diag, code);
            return nullptr;
        }
        k->tasks = static_cast<const larder_executor_api*>(k->kernel->host()->service(k->kernel->host(), LARDER_SVC_EXECUTOR));
        k->refresh_facts();
        if ((args->flags & LARDER_OPEN_ADMIN) != 0 && (k->admin = larder_kernel::Admin::open(*k->kernel, admin, environment, max_value, why)) == nullptr) {
            k->kernel->stop();
            problem() = std::move(why);
            tell(diag, code);
            return nullptr;
        }
        watch_alerts(*k);
        return k.release();
    } catch (const std::exception& error) {
        problem() = error.what();
        tell(diag, code = LARDER_R_FAILED);
    }
    return nullptr;
}

larder_result larder_kernel_check(const larder_open_args* args, larder_diag* diag) {
    larder_result code = LARDER_R_DONE;
    try {
        problem().clear();
        if (args == nullptr || args->size < sizeof(larder_open_args)) {
            code = refuse(LARDER_R_ABI, "larder_open_args.size is smaller than any version of it: set it to sizeof");
        } else if (const auto config = configure(*args)) {
            loader::PluginRegistry registry(config::registry_options(*config));
            Judged judged = judge(*config, registry, (args->flags & LARDER_OPEN_ALLOW_MISSING) != 0, {});
            if (!judged.problem.empty()) code = refuse(LARDER_R_POLICY, std::move(judged.problem));
        } else {
            code = LARDER_R_POLICY;
        }
    } catch (const std::exception& error) {
        code = refuse(LARDER_R_FAILED, error.what());
    }
    if (code != LARDER_R_DONE) tell(diag, code);
    return code;
}

void larder_kernel_close(larder_kernel* k) {
    if (k == nullptr || k->forks != forks()) return;  // a child has neither its threads nor the right to its sockets
    try {
        k->admin.reset();
        k->run_due();
        k->kernel->stop();
        k->run_due();
    } catch (const std::exception&) {
        static_cast<void>(k);  // what could be ended was
    }
    delete k;
}

larder_result larder_kernel_reload(larder_kernel* k, larder_diag* diag) {
    return guarded(k, [&]() -> larder_result {
        const ReloadResult made = k->kernel->reload();
        if (!made.ok) {
            refuse(LARDER_R_POLICY, made.text);
            tell(diag, LARDER_R_POLICY);
            return LARDER_R_POLICY;
        }
        k->refresh_facts();
        return LARDER_R_DONE;
    });
}

larder_result larder_kernel_advance(larder_kernel* k, int64_t ms) {
    return guarded(k, [&]() -> larder_result {
        if (k->executor == nullptr) return refuse(LARDER_R_UNSUPPORTED, "this kernel has the machine's time; open it with LARDER_OPEN_VIRTUAL_TIME");
        if (ms < 0) return refuse(LARDER_R_INVALID, "time does not go back");
        k->executor->advance(Ms{ms});
        k->executor->run();
        k->kernel->watch();
        return LARDER_R_DONE;
    });
}

int32_t larder_kernel_space(larder_kernel* k, const char* name, size_t n) {
    std::uint32_t ns = 0;
    const larder_result result = guarded(k, [&]() -> larder_result {
        if (k->cache().ns_find(text(name, n), &ns) == LARDER_OK) return LARDER_R_DONE;
        return refuse(LARDER_R_INVALID, "the policy has no namespace `" + std::string(text(name, n)) + "`");
    });
    return result == LARDER_R_DONE ? static_cast<int32_t>(ns) : result;
}

int32_t larder_kernel_resolve(larder_kernel* k, const char* full_key, size_t n, size_t* key_at) {
    std::uint32_t ns = 0, prefix = 0;
    const larder_result result = guarded(k, [&]() -> larder_result {
        if (k->cache().resolve(text(full_key, n), LARDER_NS_NONE, &ns, &prefix) == LARDER_OK) return LARDER_R_DONE;
        return refuse(LARDER_R_INVALID, "`" + std::string(text(full_key, n)) + "` begins with no namespace of the policy");
    });
    if (result != LARDER_R_DONE) return result;
    if (key_at != nullptr) *key_at = prefix;
    return static_cast<int32_t>(ns);
}

larder_result larder_kernel_check_key(larder_kernel* k, int32_t space, const char* key, size_t n) {
    return guarded(k, [&]() -> larder_result {
        char why[512] = {};
        larder_errbuf buffer{why, sizeof why, 0};
        if (k->cache().check_key(static_cast<std::uint32_t>(space), text(key, n), &buffer) == LARDER_OK) return LARDER_R_DONE;
        return refuse(LARDER_R_INVALID, std::string(why, buffer.len));
    });
}
