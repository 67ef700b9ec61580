// kernel/api/kernel_impl.hpp -- what the parts of the kernel share. Included by kernel/api/kernel*.cpp.
//
//   kernel.cpp          open, start, stop: the life of a kernel
//   kernel_reload.cpp   from one configuration and policy to the next
//   kernel_apply.cpp    from one policy to the next, and back
//   kernel_reports.cpp  what it says of itself
//   kernel_warm.cpp     entries made ahead of demand
//   kernel_watch.cpp    what it watches: alerts, history, metrics for exporters
//
// One mutex, control, is held through start, reload and stop: it is what the plugin contract calls the
// control thread. A second, state_mutex, guards what reports read meanwhile, and is held for moments.
#pragma once

#include "dsl/compile.hpp"
#include "kernel/api/change_events.hpp"
#include "kernel/api/deliveries.hpp"
#include "kernel/api/foresight.hpp"
#include "kernel/api/guard_watch.hpp"
#include "kernel/api/history.hpp"
#include "kernel/api/kernel.hpp"
#include "kernel/api/kernel_services.hpp"
#include "kernel/api/policy_book.hpp"
#include "kernel/api/request_rules.hpp"
#include "kernel/api/sessions.hpp"
#include "kernel/config/catalog.hpp"
#include "kernel/config/log.hpp"
#include "kernel/config/wiring.hpp"
#include "kernel/core/warming.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {

// Everything that is wrong with a configuration and its policy, or what comes of them.
struct Judged {
    config::Plan plan;
    dsl::Compiled compiled;
    std::string problem;                // empty: good
    std::vector<std::string> warnings;  // one line each
};

// `texts`: instead of the files that the configuration names.
// `own`: sources of the host.
Judged judge(const config::HostConfig& config, loader::PluginRegistry& registry, bool allow_missing, const std::vector<SourceHandle>& own, const PolicyTexts* texts = nullptr);

struct Kernel::Impl final : api::KernelSide {
    explicit Impl(KernelOptions given) : options(std::move(given)) {}

    // In the order in which they are made; destroyed the other way round.
    KernelOptions options;
    SystemClock system_clock;
    SystemRandom system_random;
    Clock* clock = nullptr;
    std::shared_ptr<config::Log> log;
    std::unique_ptr<Executor> own_executor;
    std::unique_ptr<Executor> own_workers;  // of warming, which may not take the threads that requests wait for
    Executor* executor = nullptr;
    std::unique_ptr<api::KernelServices> services;
    std::unique_ptr<loader::HostTable> own_table;  // the kernel as its own module
    std::unique_ptr<loader::PluginRegistry> registry;
    std::unique_ptr<api::Sessions> session_book;
    std::unique_ptr<Cache> cache;  // holds instances, which call the services until they are gone

    std::unique_ptr<api::Foresight> foresight;
    std::unique_ptr<Warming> warming;
    std::atomic<bool> warms{false};  // from start on

    std::mutex control;
    config::Graph graph;                // guarded by control, as all up to `leaving`
    std::shared_ptr<const dsl::Policy> policy;
    bool started = false, stopped = false;
    std::uint64_t started_ns = 0;
    std::vector<config::Node> leaving;  // retired by a reload, not stopped yet

    // A policy that was applied and may be taken back, with the one before it.
    struct Watched {
        api::GuardWatch guard;
        std::shared_ptr<const dsl::Policy> before;
        std::string id, by;
    };
    std::unique_ptr<Watched> watched;  // guarded by control
    std::atomic<bool> watching{false};
    PolicyTexts first_texts;                // until then
    std::unique_ptr<api::PolicyBook> book;  // from start on
    std::atomic<std::uint64_t> applies{0}, returns{0}, refusals{0};

    api::AlertBook alerts;
    api::History history;
    std::shared_ptr<api::Deliveries> deliveries;
    std::mutex watch_mutex;  // one judgement at a time
    std::atomic<std::uint64_t> reload_failures{0};
    std::vector<std::function<void(const AlertNotice&)>> on_alert;  // guarded by state_mutex

    mutable std::mutex state_mutex;
    std::map<std::pair<std::string, unsigned>, std::uint64_t> admin_requests;  // guarded by state_mutex
    std::vector<config::Node> running;  // guarded by state_mutex, as the two below
    std::vector<std::string> warnings;
    std::uint64_t generation = 0;
    PolicyRunning watch_shown;  // what running_policy() says of the watch; left_ms is until when, on mono_ms
    std::atomic<bool> request_rules{false};  // some invalidator has rules of its own
    bool ticking = false;  // guarded by state_mutex, as the next
    std::uint64_t tick_id = 0;

    bool open(std::string& problem);
    bool make_cache(std::string& problem);
    bool start(std::string& problem);
    void stop(std::chrono::milliseconds deadline);
    ReloadResult reload_now();
    void install(const config::Graph& next, std::shared_ptr<const dsl::Policy> with);
    void show(const config::Graph& now, std::vector<std::string> warned);
    void retire(std::vector<config::Node> nodes);
    void open_book();                      // kernel_apply.cpp, as what follows; control is held in all
    Judged judge_source(const PolicySource& source, PolicyTexts& texts);
    PolicyPlanned plan_policy(const PolicySource& source);  // takes control itself
    PolicyApplied apply_policy(const PolicyOrder& order);   // takes control itself
    PolicyRunning running_policy() const;                   // any thread
    void change_to(std::shared_ptr<const dsl::Policy> next, std::vector<std::string> warned, const std::string& line, int level);
    void judge_policy(const Figures& figures, const StoreCapacities& capacities);  // takes control if it is free
    void end_watch(const std::string& how, bool returned);
    void show_watch();
    PolicyRecord record_of(const dsl::Policy& of, std::string origin, std::string by, PolicyTexts texts) const;
    std::vector<std::string> emptied_stores() const;
    void let_go();  // ends what retire() took, on a worker
    void tick();
    void make_warming();                   // kernel_warm.cpp, as what follows
    Warming::Options warming_options() const;
    void watch(bool at_once);              // kernel_watch.cpp, as what follows
    void tell(const AlertNotice& notice);
    std::vector<StoreInfo> store_infos() const;
    StoreCapacities store_capacities() const;
    bool render_metrics(std::string_view accept, std::string& text, std::string& content_type, std::string& problem);
    std::uint64_t deadline_ns(std::chrono::milliseconds in) const {
        return clock->mono_ns() + static_cast<std::uint64_t>(in.count()) * 1'000'000;
    }
    void say(int level, std::string_view text) const { log->write(level, "kernel", text); }
    std::vector<config::Node> nodes() const {
        const std::lock_guard<std::mutex> lock(state_mutex);
        return running;
    }

    std::string explain(std::string_view what, bool& ok) const override;
    std::string stats(std::string_view section) const override;
    std::string reload(bool& ok) override {
        auto result = reload_now();
        ok = result.ok;
        return std::move(result.text);
    }
    std::optional<std::uint32_t> warm(std::uint32_t ns) override;
    api::Sessions* sessions() noexcept override { return session_book.get(); }
    bool has_request_rules() const noexcept override {
        return request_rules.load(std::memory_order_acquire);
    }
    void ask_request_rules(const larder_request& request, const Add& add) override {
        api::ask_invalidators(nodes(), *log, request, add);
    }
};

}  // namespace larder
