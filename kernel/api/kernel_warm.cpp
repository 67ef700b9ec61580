// kernel/api/kernel_warm.cpp -- entries made ahead of demand: who does it, with which threads.
#include "kernel/api/kernel_impl.hpp"

#include <larder/plugin/warmer.h>

namespace larder {
namespace {

// Threads that are there from the first work on: most kernels warm nothing.
class LateThreads final : public Executor {
  public:
    explicit LateThreads(const ExecutorOptions& options) : options_(options) {}
    ~LateThreads() override { stop(); }
    bool post(bool may_block, std::function<void()> fn) override {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (stopped_) return false;
        if (threads_ == nullptr) threads_ = make_thread_executor(options_);
        return threads_->post(may_block, std::move(fn));
    }
    std::uint64_t after(std::chrono::nanoseconds delay, std::function<void()> fn) override {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (threads_ == nullptr) threads_ = make_thread_executor(options_);
        return threads_->after(delay, std::move(fn));
    }
    bool cancel(std::uint64_t id) override {
        const std::lock_guard<std::mutex> lock(mutex_);
        return threads_ != nullptr && threads_->cancel(id);
    }
    void stop() override {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            stopped_ = true;
        }
        if (threads_ != nullptr) threads_->stop();
    }

  private:
    const ExecutorOptions options_;
    std::mutex mutex_;
    std::unique_ptr<Executor> threads_;  // guarded by mutex_; set once
    bool stopped_ = false;
};

}  // namespace

Warming::Options Kernel::Impl::warming_options() const {
    Warming::Options out;
    out.at_once = options.config.warming.at_once;
    out.per_second = options.config.warming.per_second;
    return out;
}

void Kernel::Impl::make_warming() {
    Warming::Parts parts;
    parts.cache = cache.get();
    parts.clock = clock;
    parts.random = options.random != nullptr ? options.random : &system_random;
    parts.timers = parts.workers = executor;
    if (own_executor) {
        const std::size_t queue = options.config.limits.queue;
        own_workers = std::make_unique<LateThreads>(ExecutorOptions{1, options.config.warming.at_once, queue});
        parts.workers = own_workers.get();
    }
    parts.note = [this](int severity, std::string text) {
        log->write(severity, "warm", text);
        cache->note(severity, "warm", std::move(text));
    };
    api::Foresight::Parts learning;
    learning.cache = cache.get();
    learning.clock = clock;
    learning.note = parts.note;
    learning.learners = [this] {
        constexpr std::uint64_t learns = LARDER_WARM_CAP_OBSERVE | LARDER_WARM_CAP_PLAN | LARDER_WARM_CAP_REPORT;
        std::vector<std::shared_ptr<loader::PluginInstance>> out;
        for (const config::Node& node : nodes())
            if (node.section == config::Section::source && (node.instance->caps() & learns) != 0) out.push_back(node.instance);
        return out;
    };
    foresight = std::make_unique<api::Foresight>(std::move(learning));
    parts.foresee = [this](std::uint32_t ns, const dsl::Warm& warm, std::size_t most) { return foresight->foresee(ns, warm, most); };
    warming = std::make_unique<Warming>(std::move(parts), warming_options());
}

std::optional<std::uint32_t> Kernel::Impl::warm(std::uint32_t ns) {
    if (ns == LARDER_NS_NONE) {
        const auto all = warming->queue_under(dsl::none, LARDER_WARM_DEMAND);
        return all.empty() ? std::nullopt : std::optional(static_cast<std::uint32_t>(all.size()));
    }
    larder_bytes name{};
    const auto now = cache->policy();
    if (now == nullptr || cache->ns_name(ns, &name) != LARDER_OK) return std::nullopt;
    const auto index = now->find({static_cast<const char*>(name.data), name.size});
    if (!index) return std::nullopt;
    const auto queued = warming->queue_under(*index, LARDER_WARM_DEMAND);
    if (queued.empty()) return std::nullopt;
    return static_cast<std::uint32_t>(queued.size());
}

std::vector<std::uint64_t> Kernel::warm(const WarmOrder& order) {
    const auto now = impl_->cache->policy();
    if (now == nullptr) return {};
    if (order.space.empty()) return impl_->warming->queue_under(dsl::none, LARDER_WARM_DEMAND, order.force);
    const auto index = now->find(order.space);
    return index ? impl_->warming->queue_under(*index, LARDER_WARM_DEMAND, order.force) : std::vector<std::uint64_t>{};
}

std::string Kernel::patterns(std::string_view what, std::size_t most) { return impl_->foresight->report(what, most); }

std::vector<Kernel::Forecast> Kernel::forecast(std::string_view space, std::size_t most) {
    const auto policy = impl_->cache->policy();
    std::vector<Forecast> out;
    for (const dsl::Warm& warm : policy->warms) {
        std::uint32_t ns = 0;
        const std::string& name = policy->namespaces[warm.ns].name;
        if (!warm.learn_window || !warm.enabled || (!space.empty() && name != space) || impl_->cache->ns_find(name, &ns) != LARDER_OK) continue;
        for (const Warming::Foreseen& one : impl_->foresight->foresee(ns, warm, most)) out.push_back({name + ":" + one.key, one.due_ms, one.priority});
    }
    return out;
}

const Warming& Kernel::warming() const { return *impl_->warming; }

}  // namespace larder
