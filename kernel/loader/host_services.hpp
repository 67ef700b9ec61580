// kernel/loader/host_services.hpp -- what the kernel does for plugins, and the C table it is seen
// through.
//
// The kernel implements HostServices once. Each module gets a HostTable: a larder_host of its own,
// so that log lines, memory and metrics are charged to the module that caused them.
//
// A thread or a static object of a plugin may call its host when the module, or the whole kernel, is
// gone. So the table of a module is never freed, only closed: some hundred bytes for each time that a
// module is loaded, and no counting of callers on the way in. What this does not hold: a call that is
// under way in the very moment of the close, and a larder_metric, which is the kernel's own memory.
#pragma once

#include <larder/plugin/services.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder::loader {

struct SecretRef;

class HostServices {
  public:
    virtual ~HostServices() = default;

    virtual const char* kernel_name() const noexcept { return "larder"; }
    virtual const char* kernel_version() const noexcept = 0;

    // module: the plugin's id. text: one line. Never blocks. [any thread]
    virtual void log(std::string_view module, std::int32_t level,
                     std::string_view text) noexcept = 0;
    virtual std::int32_t log_level() const noexcept = 0;
    virtual std::uint64_t mono_ns() const noexcept = 0;
    virtual std::uint64_t wall_ms() const noexcept = 0;

    // The kernel's table; its functions find their kernel by HostTable::services_of(host). Null:
    // none.
    virtual const larder_cache_api* cache() noexcept = 0;

    // As larder_executor_api.
    virtual larder_status post(bool may_block, larder_task_fn fn, void* ctx) noexcept = 0;
    virtual larder_status after(std::uint64_t delay_ns, larder_task_fn fn, void* ctx,
                                std::uint64_t* id) noexcept = 0;
    virtual larder_status cancel(std::uint64_t id) noexcept = 0;

    // As larder_metrics_api; null: not counted. The pointer lives as long as the module.
    virtual larder_metric* open_metric(std::string_view module, std::int32_t kind, const char* name,
                                       const char* help, const char* labels) noexcept = 0;
    // The functions behind add, set and observe get only the metric: it knows its kernel itself.
    virtual const larder_metrics_api* metric_functions() noexcept = 0;

    // A service by its name that every module shares; null: not here. [any thread]
    virtual const void* common_service(std::string_view) noexcept { return nullptr; }

    // What a secret reference leads to; false: nowhere. The caller wipes `out`.
    virtual bool read_secret(const SecretRef& ref, std::string& out) noexcept = 0;

    // larder.threads/1; null: not checked.
    virtual const larder_threads_api* threads() noexcept { return nullptr; }
};

// One module's larder_host. Lines of one module are limited to a burst of 200 and 100 a second;
// what is dropped is counted, and said with the next line that passes. Safe for many threads.
class HostTable {
  public:
    // REQUIRES: services outlives this, and this outlives the module's instances.
    HostTable(HostServices& services, std::string module);
    HostTable(const HostTable&) = delete;
    HostTable& operator=(const HostTable&) = delete;

    // One that is there as long as the process.
    static HostTable& lasting(HostServices& services, std::string module);
    // From here on the kernel is not asked any more: LARDER_E_CLOSED, NULL or 0. [control]
    void close() noexcept { services_.store(nullptr, std::memory_order_release); }

    const larder_host* host() const noexcept { return &host_; }
    const std::string& module() const noexcept { return module_; }
    std::int64_t allocated_bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

    // The kernel behind a host pointer that a plugin handed back; null: it is closed.
    static HostServices* find_services(const larder_host* host) noexcept;
    // REQUIRES: it is open.
    static HostServices& services_of(const larder_host* host) noexcept {
        return *find_services(host);
    }

  private:
    static HostTable& of(const larder_host* host) noexcept;
    HostServices* open() const noexcept { return services_.load(std::memory_order_acquire); }
    void log(HostServices& services, std::int32_t level, std::string_view text) noexcept;
    bool may_log(const HostServices& services) noexcept;
    void fill(HostServices& services) noexcept;

    std::atomic<HostServices*> services_;
    const std::string module_;
    larder_host host_{};
    larder_executor_api executor_{};
    larder_metrics_api metrics_{};
    larder_secrets_api secrets_{};
    std::atomic<std::int64_t> bytes_{0};
    std::atomic<std::uint64_t> log_full_at_ns_{0};  // when the line budget is whole again
    std::atomic<std::uint64_t> log_dropped_{0};
};

}  // namespace larder::loader
