// kernel/api/kernel.hpp -- larder in one object: a configuration, its plugins, a policy, a cache.
//
//   open    reads larder.toml and the policy, checks both together, loads the plugins that are named
//   start   stores first, then the cache, then gateways and invalidators: nothing listens before it
//           can be served
//   reload  parse, check, build what changed, swap one pointer; any error changes nothing
//   apply   another policy, whatever the files say: planned, guarded, watched, taken back on a breach
//   stop    gateways and invalidators, then what is in flight, then stores
//
// The C faces (larder.cache/1 for plugins, the embedding header) and the program are thin over this.
#pragma once

#include "kernel/api/alerts.hpp"
#include "kernel/api/policy_change.hpp"
#include "kernel/config/host_config.hpp"
#include "kernel/core/cache.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace larder {

struct KernelOptions {
    config::HostConfig config;
    bool allow_missing = false;  // start although a store, codec or source is not configured
    // Sources of the host's own, beside those of the configuration: what a policy names with `source NAME`. A
    // name that is in both is the host's.
    std::vector<SourceHandle> sources;
    // For tests; null: the machine's. All outlive the kernel.
    Clock* clock = nullptr;
    Random* random = nullptr;
    Executor* executor = nullptr;
};

// What the server behind a store says of itself, where the store has larder.info/1: names and values as
// Redis' INFO has them.
struct StoreInfo {
    std::string store;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string_view find(std::string_view name) const noexcept {
        for (const auto& [key, value] : fields)
            if (key == name) return value;
        return {};
    }
};

struct ReloadResult {
    bool ok = false;
    std::string text;  // what changed, or the diagnostics of what is wrong
};

class Warming;  // warming.hpp

namespace api {
class History;
}

class Kernel {
  public:
    // Null: `problem` says why, ready to print, with file:line and what to do. Nothing listens yet.
    static std::unique_ptr<Kernel> open(KernelOptions options, std::string& problem);
    ~Kernel();  // stops
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;

    bool start(std::string& problem);                     // [control]
    void stop(std::chrono::milliseconds deadline = std::chrono::seconds(10));  // [control] idempotent
    ReloadResult reload();                                // [any thread] one at a time
    // Another policy for the instances that run; larder.toml is not read again. The next reload takes the
    // files' policy. One change at a time: who comes second is told. [worker]: they compile, count what is
    // kept, and write to the state folder.
    PolicyPlanned plan_policy(const PolicySource& source);
    PolicyApplied apply_policy(const PolicyOrder& order);
    PolicyRunning running_policy() const;                 // [any thread]
    std::vector<std::string> warnings() const;            // of the last open or reload: what sleeps
    // What the gateways bound: {"resp", "127.0.0.1:7380"}.
    std::vector<std::pair<std::string, std::string>> addresses() const;

    // Makes entries of `warm` items below a namespace, or all of them, soon: the runs to look for in warming().
    struct WarmOrder {
        std::string space;   // empty: all
        bool force = false;  // also what is fresh
    };
    std::vector<std::uint64_t> warm(const WarmOrder& order);  // [any thread]
    const Warming& warming() const;
    // What plugins have learnt of who asks for what, as one JSON object: "analysis" or "week". Empty: nothing learns.
    // And what they would have made until the next run, as whole keys, `NAMESPACE:KEY`. [worker]
    std::string patterns(std::string_view what, std::size_t most);
    struct Forecast {
        std::string key;
        std::uint64_t due_ms = 0;  // wall clock; 0: now
        std::uint32_t priority = 0;
    };
    std::vector<Forecast> forecast(std::string_view space, std::size_t most);

    Cache& cache();
    const Clock& clock() const;
    std::uint64_t uptime_ms() const;
    std::vector<StoreInfo> store_infos() const;  // in the order of the stores; without those that say nothing
    // What an exporter with PULL renders of every metric. False: `problem` says why. [worker]
    bool render_metrics(std::string_view accept, std::string& text, std::string& content_type, std::string& problem);

    // Alerts. Judged once a second while the kernel runs on the machine's clock; on another clock whoever
    // moves it calls watch().
    void watch();                              // samples, judges, tells sinks and callbacks [worker]
    std::vector<AlertState> alerts() const;    // what each measures now, without telling anybody
    std::vector<AlertState> check_alerts();    // judges at once, without waiting for `for`, and tells
    // Called for every alert that fires or is resolved, without a lock held. Not from within one. [any thread]
    void on_alert(std::function<void(const AlertNotice&)> callback);
    const api::History& history() const;       // entries and bytes of seven days
    StoreCapacities store_capacities() const;  // used and most bytes of servers behind stores

    // A line of the log; source: who says it. [any thread]
    void log(int level, std::string_view source, std::string_view text) const;
    // A request that the admin API answered. [any thread]
    void count_admin(std::string_view endpoint, unsigned status);
    const larder_cache_api& cache_api() const;  // with a host table whose ctx is this kernel
    const larder_host* host() const;
    std::string explain(std::string_view what, bool& ok) const;  // "request PUT /x [200]", "event N k=v", "entry NS KEY", "L0202"
    std::string stats(std::string_view section) const;           // one JSON object

  private:
    struct Impl;
    explicit Kernel(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace larder
