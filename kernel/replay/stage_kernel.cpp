// kernel/replay/stage_kernel.cpp -- a whole kernel on virtual time.
#include "kernel/replay/stage_kernel.hpp"

#include "dsl/compile.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace larder::replay {
namespace {

void add_name(std::vector<std::string>& names, const std::string& name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

// All stores that the policy names, as tiers first, in the order in which they are met.
std::vector<std::string> stores_of(const dsl::Policy& policy) {
    std::vector<std::string> names;
    for (const dsl::Namespace& space : policy.namespaces)
        for (const dsl::TierUse& tier : space.tiers) add_name(names, tier.store);
    for (const dsl::Namespace& space : policy.namespaces)
        for (const dsl::Limit& limit : space.limits) add_name(names, limit.store);
    for (const dsl::Breaker& breaker : policy.breakers) add_name(names, breaker.store);
    for (const dsl::Session& session : policy.sessions) add_name(names, session.store);
    if (names.empty()) names.emplace_back("l1");
    return names;
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

// TOML that no person reads: only the stores, all in memory.
std::string configuration(const std::vector<std::string>& stores, const StageOptions& options) {
    std::string text;
    for (std::size_t i = 0; i < stores.size(); ++i) {
        const auto given = options.store_bytes.find(stores[i]);
        const std::uint64_t bytes = given != options.store_bytes.end() ? given->second : i == 0 ? options.memory_bytes : options.below_bytes;
        text += "[store." + quoted(stores[i]) + "]\nplugin = \"memory\"\ncapacity = \"" + std::to_string(std::max<std::uint64_t>(bytes, 64u << 10)) + "B\"\n";
    }
    return text;
}

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

StageKernel::StageKernel() : executor_(clock_), random_(1) {}

StageKernel::~StageKernel() {
    executor_.stop();
    if (kernel_) kernel_->stop();
}

std::unique_ptr<StageKernel> StageKernel::open(const StageOptions& options, std::string& problem) {
    config::Environment environment;
    if (!options.texts.empty())
        environment.read = [texts = options.texts](const std::string& path) {
            const auto found = texts.find(path);
            return found != texts.end() ? std::optional<std::string>(found->second) : read_file(path);
        };
    dsl::CompileOptions compile;
    compile.profile = options.profile;
    compile.read = environment.read;
    const dsl::Compiled first = dsl::compile(options.policy, compile);
    if (!first.ok()) {
        problem = dsl::render_text(*first.sources, first.found, false);
        return nullptr;
    }
    std::unique_ptr<StageKernel> out(new StageKernel());
    out->stores_ = stores_of(*first.policy);
    auto loaded = config::parse_host_config("the stage", configuration(out->stores_, options), environment);
    if (!loaded.ok()) {
        problem = dsl::render_text(*loaded.config.sources, loaded.found, false);
        return nullptr;
    }
    KernelOptions made;
    made.config = std::move(loaded.config);
    made.config.file.clear();
    made.config.policy = options.policy;
    made.config.profile = options.profile;
    made.config.plugin_path = options.plugin_path.empty() ? config::default_plugin_path() : options.plugin_path;
    made.config.trust_path = options.trust_path;
    made.config.log.level = LARDER_LOG_ERROR;
    made.allow_missing = true;  // sources, sinks and codecs sleep
    made.clock = &out->clock_;
    made.random = &out->random_;
    made.executor = &out->executor_;
    out->clock_.set_wall_ms(options.began_ms);
    out->kernel_ = Kernel::open(std::move(made), problem);
    if (!out->kernel_ || !out->kernel_->start(problem)) return nullptr;
    out->policy_ = out->kernel_->cache().policy();
    return out;
}

void StageKernel::advance_to(std::uint64_t at_ms) {
    constexpr std::uint64_t longest_ms = 60'000;
    if (at_ms <= now_ms_) return;
    clock_.advance(Ms{static_cast<Ms::rep>(at_ms - now_ms_)});
    now_ms_ = at_ms;
    if (now_ms_ - ran_ms_ >= longest_ms) run_due();
}

void StageKernel::run_due() {
    ran_ms_ = now_ms_;
    executor_.run();
}

}  // namespace larder::replay
