// kernel/api/kernel_services.hpp -- what the kernel gives to plugins, and how a plugin's call finds its kernel.
//
// One per kernel. The loader shows it to each module through a table of the module's own; the
// functions of larder.cache/1 come back here from the host pointer they are given.
#pragma once

#include "kernel/api/metrics.hpp"
#include "kernel/api/version.hpp"
#include "kernel/config/host_config.hpp"
#include "kernel/config/log.hpp"
#include "kernel/core/cache.hpp"
#include "kernel/core/clock.hpp"
#include "kernel/core/executor.hpp"
#include "kernel/loader/host_services.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace larder::api {

class Sessions;

// What larder.cache/1 asks of the kernel beyond the engine. [any thread]
class KernelSide {
  public:
    virtual ~KernelSide() = default;
    virtual std::string explain(std::string_view what, bool& ok) const = 0;
    virtual std::string stats(std::string_view section) const = 0;
    virtual std::string reload(bool& ok) = 0;
    // Queues the warm items of a namespace; nullopt: none of them has a source to load from.
    virtual std::optional<std::uint32_t> warm(std::uint32_t ns) = 0;
    // Asks the invalidator plugins that have rules of their own about an answered request.
    using Add = std::function<void(std::uint32_t action, const larder_target& target)>;
    virtual bool has_request_rules() const noexcept = 0;
    virtual void ask_request_rules(const larder_request& request, const Add& add) = 0;
    // Null: this kernel keeps none.
    virtual Sessions* sessions() noexcept { return nullptr; }
};

class KernelServices final : public loader::HostServices {
  public:
    struct Parts {
        Cache* engine = nullptr;
        KernelSide* side = nullptr;
        Clock* clock = nullptr;
        Executor* executor = nullptr;
        std::shared_ptr<config::Log> log;
        config::Environment environment;
    };
    explicit KernelServices(Parts parts) : parts_(std::move(parts)) {}

    // REQUIRES: the host's table is open.
    static KernelServices& of(const larder_host* host) noexcept {
        return static_cast<KernelServices&>(loader::HostTable::services_of(host));
    }
    // Null: whoever asks belongs to a module that is gone.
    static KernelServices* find(const larder_host* host) noexcept {
        return static_cast<KernelServices*>(loader::HostTable::find_services(host));
    }
    Cache& engine() noexcept { return *parts_.engine; }
    KernelSide& side() noexcept { return *parts_.side; }
    const Clock& clock() const noexcept { return *parts_.clock; }
    Executor& executor() noexcept { return *parts_.executor; }
    const Metrics& metrics() const noexcept { return metrics_; }

    // A plugin that starts before the first policy is there may have a thread that asks already: until
    // let_in() it is told LARDER_E_CLOSED. [control]
    void hold() noexcept { is_open_.store(false, std::memory_order_release); }
    void let_in() noexcept { is_open_.store(true, std::memory_order_release); }
    bool is_open() const noexcept { return is_open_.load(std::memory_order_acquire); }

    // Waits until no task that a plugin has posted is queued or runs; false when `at_most` is over.
    bool drain(std::chrono::milliseconds at_most);

    const char* kernel_version() const noexcept override { return version; }
    void log(std::string_view module, std::int32_t level, std::string_view text) noexcept override;
    std::int32_t log_level() const noexcept override;
    std::uint64_t mono_ns() const noexcept override;
    std::uint64_t wall_ms() const noexcept override;
    const larder_cache_api* cache() noexcept override;
    larder_status post(bool may_block, larder_task_fn fn, void* ctx) noexcept override;
    larder_status after(std::uint64_t delay_ns, larder_task_fn fn, void* ctx,
                        std::uint64_t* id) noexcept override;
    larder_status cancel(std::uint64_t id) noexcept override;
    larder_metric* open_metric(std::string_view module, std::int32_t kind, const char* name,
                               const char* help, const char* labels) noexcept override;
    const larder_metrics_api* metric_functions() noexcept override;
    const void* common_service(std::string_view name) noexcept override;
    bool read_secret(const loader::SecretRef& ref, std::string& out) noexcept override;

  private:
    void begin_task() noexcept;
    void end_task() noexcept;

    Parts parts_;
    Metrics metrics_;
    std::atomic<bool> is_open_{true};
    std::mutex mutex_;
    std::condition_variable idle_;
    std::size_t tasks_ = 0;  // posted by plugins and not over; guarded by mutex_
};

}  // namespace larder::api
