// tests/support/quiet_services.hpp -- the least kernel that a plugin can be loaded into: says nothing, stands
// still, and has no services.
#pragma once

#include "kernel/loader/host_services.hpp"

namespace larder::test {

class QuietServices : public loader::HostServices {
  public:
    const char* kernel_version() const noexcept override { return "0"; }
    void log(std::string_view, std::int32_t, std::string_view) noexcept override {}
    std::int32_t log_level() const noexcept override { return LARDER_LOG_ERROR; }
    std::uint64_t mono_ns() const noexcept override { return 0; }
    std::uint64_t wall_ms() const noexcept override { return 0; }
    const larder_cache_api* cache() noexcept override { return nullptr; }
    larder_status post(bool, larder_task_fn, void*) noexcept override { return LARDER_E_BUSY; }
    larder_status after(std::uint64_t, larder_task_fn, void*, std::uint64_t*) noexcept override {
        return LARDER_E_BUSY;
    }
    larder_status cancel(std::uint64_t) noexcept override { return LARDER_MISS; }
    larder_metric* open_metric(std::string_view, std::int32_t, const char*, const char*,
                               const char*) noexcept override {
        return nullptr;
    }
    const larder_metrics_api* metric_functions() noexcept override { return nullptr; }
    bool read_secret(const loader::SecretRef&, std::string&) noexcept override { return false; }
};

}  // namespace larder::test
