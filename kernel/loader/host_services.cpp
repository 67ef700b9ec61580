// kernel/loader/host_services.cpp -- what the kernel does for plugins, and the C table it is seen
// through.
#include "kernel/loader/host_services.hpp"

#include "kernel/loader/host_visit.hpp"
#include "kernel/loader/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <new>

namespace larder::loader {
namespace {

constexpr std::uint64_t line_cost_ns = 10'000'000;  // 100 lines a second
constexpr std::uint64_t burst_ns = 200 * line_cost_ns;

// The compiler may not leave this out, although nobody reads the bytes again.
void wipe(std::string& secret) noexcept {
    volatile char* p = secret.data();
    for (std::size_t i = 0; i < secret.size(); ++i) {
        p[i] = 0;
    }
}

}  // namespace

HostTable::HostTable(HostServices& services, std::string module)
    : services_(&services), module_(std::move(module)) {
    fill(services);
}

HostTable& HostTable::lasting(HostServices& services, std::string module) {
    static std::mutex mutex;
    static auto& all = *new std::deque<HostTable>;  // outlives every static object of a plugin
    const std::lock_guard lock(mutex);
    return all.emplace_back(services, std::move(module));
}

HostTable& HostTable::of(const larder_host* host) noexcept {
    return *static_cast<HostTable*>(host->ctx);
}

HostServices* HostTable::find_services(const larder_host* host) noexcept { return of(host).open(); }

// A leaky bucket in one word: each line moves the moment at which the budget is whole again.
bool HostTable::may_log(const HostServices& services) noexcept {
    const std::uint64_t now = services.mono_ns();
    std::uint64_t full_at = log_full_at_ns_.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
        next = std::max(full_at, now) + line_cost_ns;
        if (next > now + burst_ns) {
            log_dropped_.fetch_add(1, std::memory_order_relaxed);
            return false;
        }
    } while (!log_full_at_ns_.compare_exchange_weak(full_at, next, std::memory_order_relaxed));
    return true;
}

void HostTable::log(HostServices& services, std::int32_t level, std::string_view text) noexcept {
    if (level < services.log_level() || !may_log(services)) {
        return;
    }
    if (const auto lost = log_dropped_.exchange(0, std::memory_order_relaxed); lost != 0) {
        char line[64] = "lines dropped: ";
        const std::size_t at = std::strlen(line);
        const auto end = std::to_chars(line + at, line + sizeof line, lost).ptr;
        services.log(module_, LARDER_LOG_WARN, {line, static_cast<std::size_t>(end - line)});
    }
    services.log(module_, level, text);
}

void HostTable::fill(HostServices& services) noexcept {
    host_.struct_size = sizeof host_;
    host_.abi_version = LARDER_ABI_VERSION;
    host_.kernel_name = services.kernel_name();
    host_.kernel_version = services.kernel_version();
    host_.ctx = this;
    host_.log = [](const larder_host* h, std::int32_t level, const char* text,
                   std::size_t size) noexcept {
        const HostVisit visit;
        if (HostServices* const kernel = of(h).open(); kernel != nullptr && text != nullptr) {
            of(h).log(*kernel, level, {text, size});
        }
    };
    host_.log_level = [](const larder_host* h) noexcept -> std::int32_t {
        const HostVisit visit;
        const HostServices* const kernel = of(h).open();
        return kernel == nullptr ? LARDER_LOG_ERROR : kernel->log_level();
    };
    host_.mono_ns = [](const larder_host* h) noexcept -> std::uint64_t {
        const HostVisit visit;
        const HostServices* const kernel = of(h).open();
        return kernel == nullptr ? 0 : kernel->mono_ns();
    };
    host_.wall_ms = [](const larder_host* h) noexcept -> std::uint64_t {
        const HostVisit visit;
        const HostServices* const kernel = of(h).open();
        return kernel == nullptr ? 0 : kernel->wall_ms();
    };
    host_.alloc = [](const larder_host* h, std::size_t size, std::size_t align) noexcept -> void* {
        if (align == 0 || (align & (align - 1)) != 0 || align > 4096 || size > PTRDIFF_MAX) {
            return nullptr;
        }
        align = std::max(align, sizeof(void*));
        void* p =
            std::aligned_alloc(align, (std::max<std::size_t>(size, 1) + align - 1) / align * align);
        if (p != nullptr) {
            of(h).bytes_.fetch_add(static_cast<std::int64_t>(size), std::memory_order_relaxed);
        }
        return p;
    };
    host_.free = [](const larder_host* h, void* p, std::size_t size) noexcept {
        if (p != nullptr) {
            of(h).bytes_.fetch_sub(static_cast<std::int64_t>(size), std::memory_order_relaxed);
            std::free(p);
        }
    };
    host_.service = [](const larder_host* h, const char* id) noexcept -> const void* {
        const HostVisit visit;
        HostTable& me = of(h);
        HostServices* const kernel = me.open();
        if (kernel == nullptr) {
            return nullptr;
        }
        const std::string_view name(id == nullptr ? "" : id);
        if (name == LARDER_SVC_CACHE) {
            return kernel->cache();
        }
        if (name == LARDER_SVC_CONFIG) {
            return &OptionValues::api();
        }
        if (name == LARDER_SVC_EXECUTOR) {
            return &me.executor_;
        }
        if (name == LARDER_SVC_METRICS) {
            return me.metrics_.add != nullptr ? &me.metrics_ : nullptr;
        }
        if (name == LARDER_SVC_SECRETS) {
            return &me.secrets_;
        }
        if (name == LARDER_SVC_THREADS) {
            return kernel->threads();
        }
        return kernel->common_service(name);
    };

    executor_.struct_size = sizeof executor_;
    executor_.post = [](const larder_host* h, std::int32_t may_block, larder_task_fn fn,
                        void* ctx) noexcept -> larder_status {
        const HostVisit visit;
        HostServices* const kernel = of(h).open();
        return kernel == nullptr ? LARDER_E_CLOSED : kernel->post(may_block != 0, fn, ctx);
    };
    executor_.after = [](const larder_host* h, std::uint64_t delay_ns, larder_task_fn fn, void* ctx,
                         std::uint64_t* id) noexcept -> larder_status {
        const HostVisit visit;
        HostServices* const kernel = of(h).open();
        return kernel == nullptr ? LARDER_E_CLOSED : kernel->after(delay_ns, fn, ctx, id);
    };
    executor_.cancel = [](const larder_host* h, std::uint64_t id) noexcept -> larder_status {
        const HostVisit visit;
        HostServices* const kernel = of(h).open();
        return kernel == nullptr ? LARDER_E_CLOSED : kernel->cancel(id);
    };

    if (const larder_metrics_api* functions = services.metric_functions()) {
        metrics_ = *functions;
        metrics_.struct_size = sizeof metrics_;
        metrics_.open = [](const larder_host* h, std::int32_t kind, const char* name,
                           const char* help, const char* labels) noexcept -> larder_metric* {
            const HostVisit visit;
        HostServices* const kernel = of(h).open();
            return kernel == nullptr
                       ? nullptr
                       : kernel->open_metric(of(h).module_, kind, name, help, labels);
        };
    }

    secrets_.struct_size = sizeof secrets_;
    secrets_.with_secret = [](const larder_host* h, const larder_config* config, const char* option,
                              void(LARDER_CALL * use)(void*, larder_bytes) LARDER_NOEXCEPT,
                              void* ctx) noexcept -> larder_status {
        const HostVisit visit;
        HostServices* const kernel = of(h).open();
        if (kernel == nullptr) {
            return LARDER_E_CLOSED;
        }
        const auto& values = *reinterpret_cast<const OptionValues*>(config);
        const OptionValue* value = values.find(option);
        if (value == nullptr) {
            return LARDER_MISS;
        }
        const auto* ref = std::get_if<SecretRef>(&value->is);
        if (ref == nullptr) {
            return LARDER_E_INVALID;
        }
        std::string secret;
        const bool found = kernel->read_secret(*ref, secret);
        if (found) {
            use(ctx, {secret.data(), secret.size()});
        }
        wipe(secret);
        return found ? LARDER_OK : LARDER_E_CONFIG;
    };
}

}  // namespace larder::loader
