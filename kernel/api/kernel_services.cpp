// kernel/api/kernel_services.cpp -- what the kernel gives to plugins.
#include "kernel/api/kernel_services.hpp"

#include "kernel/api/cache_service.hpp"
#include "kernel/api/session_store.hpp"
#include "kernel/api/sessions.hpp"
#include "kernel/loader/options.hpp"

#include <chrono>
#include <limits>
#include <utility>

namespace larder::api {

void KernelServices::log(std::string_view module, std::int32_t level,
                         std::string_view text) noexcept {
    parts_.log->write(level, module, text);
}

std::int32_t KernelServices::log_level() const noexcept { return parts_.log->level(); }

std::uint64_t KernelServices::mono_ns() const noexcept { return parts_.clock->mono_ns(); }
std::uint64_t KernelServices::wall_ms() const noexcept { return parts_.clock->wall_ms(); }

const larder_cache_api* KernelServices::cache() noexcept { return &cache_table(); }

void KernelServices::begin_task() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++tasks_;
}

void KernelServices::end_task() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--tasks_ == 0) idle_.notify_all();
}

bool KernelServices::drain(std::chrono::milliseconds at_most) {
    std::unique_lock<std::mutex> lock(mutex_);
    return idle_.wait_for(lock, at_most, [this] { return tasks_ == 0; });
}

larder_status KernelServices::post(bool may_block, larder_task_fn fn, void* ctx) noexcept {
    if (fn == nullptr) return LARDER_E_INVALID;
    begin_task();
    try {
        if (parts_.executor->post(may_block, [this, fn, ctx] {
                fn(ctx);
                end_task();
            }))
            return LARDER_OK;
    } catch (...) {
        end_task();
        return LARDER_E_NOMEM;
    }
    end_task();
    return LARDER_E_BUSY;
}

larder_status KernelServices::after(std::uint64_t delay_ns, larder_task_fn fn, void* ctx,
                                    std::uint64_t* id) noexcept {
    if (fn == nullptr) return LARDER_E_INVALID;
    constexpr auto longest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const std::chrono::nanoseconds delay(
        static_cast<std::int64_t>(delay_ns > longest / 2 ? longest / 2 : delay_ns));
    try {
        const std::uint64_t made = parts_.executor->after(delay, [this, fn, ctx] {
            begin_task();
            fn(ctx);
            end_task();
        });
        if (id != nullptr) *id = made;
        return LARDER_OK;
    } catch (...) {
        return LARDER_E_NOMEM;
    }
}

larder_status KernelServices::cancel(std::uint64_t id) noexcept {
    try {
        return parts_.executor->cancel(id) ? LARDER_OK : LARDER_MISS;
    } catch (...) {
        return LARDER_E_INTERNAL;
    }
}

larder_metric* KernelServices::open_metric(std::string_view module, std::int32_t kind,
                                           const char* name, const char* help,
                                           const char* labels) noexcept {
    try {
        return metrics_.open(module, kind, name, help, labels);
    } catch (...) {
        return nullptr;
    }
}

const larder_metrics_api* KernelServices::metric_functions() noexcept {
    return &Metrics::functions();
}

const void* KernelServices::common_service(std::string_view name) noexcept {
    if (name == LARDER_SVC_SESSION_STORE) return &session_store_table();
    if (name == LARDER_SVC_SESSIONS) return &sessions_table();
    return nullptr;
}

bool KernelServices::read_secret(const loader::SecretRef& ref, std::string& out) noexcept {
    try {
        const auto colon = ref.text.find(':');
        if (colon == std::string::npos) return false;
        config::Reference reference;
        reference.kind = ref.text.starts_with("file:") ? config::Reference::Kind::file
                                                       : config::Reference::Kind::env;
        reference.name = ref.text.substr(colon + 1);
        auto found = config::look_up(reference, parts_.environment);
        if (!found) return false;
        out = std::move(*found);
        return true;
    } catch (...) {
        return false;
    }
}

}  // namespace larder::api
