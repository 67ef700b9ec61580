// kernel/kit/kit_host.hpp -- the kernel that the kit is to a plugin: its clock goes ahead when told to, all else is real.
//
// The clock is the machine's plus what advance() added, so that an hour's ttl takes no time where the plugin asks its host, and
// a server behind the plugin is not confused. Threads are the kernel's own executor. The cache behind larder.cache/1 is a map
// with the namespace `kit`; records of sessions stand in a map, too. Everything is counted: calls after stop is over are a
// finding. Safe for many threads.
#pragma once

#include "kernel/core/executor.hpp"
#include "kernel/kit/map_cache.hpp"
#include "kernel/kit/record_store.hpp"
#include "kernel/loader/host_services.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace larder::kit {

class KitHost final : public loader::HostServices {
  public:
    KitHost();
    ~KitHost() override;

    void advance(Ms by) noexcept;
    MapCache& map_cache() noexcept { return cache_; }
    RecordStore& records() noexcept { return records_; }
    std::uint64_t calls() const noexcept { return calls_.load(); }  // of any service so far
    std::vector<std::string> log_lines() const;
    // Ends the threads of the executor: what is queued does not run.
    void end_threads();

    const char* kernel_name() const noexcept override { return "larder plugin test"; }
    const char* kernel_version() const noexcept override { return "0.1.0"; }
    void log(std::string_view module, std::int32_t level, std::string_view text) noexcept override;
    std::int32_t log_level() const noexcept override { return LARDER_LOG_DEBUG; }
    std::uint64_t mono_ns() const noexcept override;
    std::uint64_t wall_ms() const noexcept override;
    const larder_cache_api* cache() noexcept override { return cache_.api(); }
    larder_status post(bool may_block, larder_task_fn fn, void* ctx) noexcept override;
    larder_status after(std::uint64_t delay_ns, larder_task_fn fn, void* ctx, std::uint64_t* id) noexcept override;
    larder_status cancel(std::uint64_t id) noexcept override;
    larder_metric* open_metric(std::string_view module, std::int32_t kind, const char* name, const char* help,
                               const char* labels) noexcept override;
    const larder_metrics_api* metric_functions() noexcept override;
    const void* common_service(std::string_view id) noexcept override;
    bool read_secret(const loader::SecretRef& ref, std::string& out) noexcept override;

  private:
    void called() const noexcept { calls_.fetch_add(1, std::memory_order_relaxed); }

    mutable std::atomic<std::uint64_t> calls_{0};
    std::atomic<std::uint64_t> ahead_ns_{0};
    MapCache cache_;
    RecordStore records_;
    mutable std::mutex mutex_;  // guards what follows
    std::map<std::string, std::unique_ptr<std::atomic<double>>> metrics_;
    std::vector<std::string> lines_;
    std::unique_ptr<Executor> executor_;  // ends first
};

}  // namespace larder::kit
