// kernel/loader/host_services.cpp -- what the kernel does for plugins, and the C table it is seen
// through.
#include "kernel/loader/host_services.hpp"

#include "kernel/loader/options.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
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
    : services_(services), module_(std::move(module)) {
    fill();
}

HostTable& HostTable::of(const larder_host* host) noexcept {
    return *static_cast<HostTable*>(host->ctx);
}

HostServices& HostTable::services_of(const larder_host* host) noexcept {
    return of(host).services_;
}

// A leaky bucket in one word: each line moves the moment at which the budget is whole again.
bool HostTable::may_log() noexcept {
    const std::uint64_t now = services_.mono_ns();
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

void HostTable::fill() noexcept {
    host_.struct_size = sizeof host_;
    host_.abi_version = LARDER_ABI_VERSION;
    host_.kernel_name = services_.kernel_name();
    host_.kernel_version = services_.kernel_version();
    host_.ctx = this;
    host_.log = [](const larder_host* h, std::int32_t level, const char* text,
                   std::size_t size) noexcept {
        HostTable& me = of(h);
        if (text == nullptr || level < me.services_.log_level() || !me.may_log()) {
            return;
        }
        if (const auto lost = me.log_dropped_.exchange(0, std::memory_order_relaxed); lost != 0) {
            char line[64] = "lines dropped: ";
            const std::size_t at = std::strlen(line);
            std::size_t n = at;
            char digits[24];
            std::size_t count = 0;
            for (std::uint64_t rest = lost; rest != 0; rest /= 10) {
                digits[count++] = static_cast<char>('0' + rest % 10);
            }
            while (count != 0) {
                line[n++] = digits[--count];
            }
            me.services_.log(me.module_, LARDER_LOG_WARN, {line, n});
        }
        me.services_.log(me.module_, level, {text, size});
    };
    host_.log_level = [](const larder_host* h) noexcept -> std::int32_t {
        return of(h).services_.log_level();
    };
    host_.mono_ns = [](const larder_host* h) noexcept -> std::uint64_t {
        return of(h).services_.mono_ns();
    };
    host_.wall_ms = [](const larder_host* h) noexcept -> std::uint64_t {
        return of(h).services_.wall_ms();
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
        HostTable& me = of(h);
        const std::string_view name(id == nullptr ? "" : id);
        if (name == LARDER_SVC_CACHE) {
            return me.services_.cache();
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
            return me.services_.threads();
        }
        return me.services_.common_service(name);
    };

    executor_.struct_size = sizeof executor_;
    executor_.post = [](const larder_host* h, std::int32_t may_block, larder_task_fn fn,
                        void* ctx) noexcept -> larder_status {
        return of(h).services_.post(may_block != 0, fn, ctx);
    };
    executor_.after = [](const larder_host* h, std::uint64_t delay_ns, larder_task_fn fn, void* ctx,
                         std::uint64_t* id) noexcept -> larder_status {
        return of(h).services_.after(delay_ns, fn, ctx, id);
    };
    executor_.cancel = [](const larder_host* h, std::uint64_t id) noexcept -> larder_status {
        return of(h).services_.cancel(id);
    };

    if (const larder_metrics_api* functions = services_.metric_functions()) {
        metrics_ = *functions;
        metrics_.struct_size = sizeof metrics_;
        metrics_.open = [](const larder_host* h, std::int32_t kind, const char* name,
                           const char* help, const char* labels) noexcept -> larder_metric* {
            HostTable& me = of(h);
            return me.services_.open_metric(me.module_, kind, name, help, labels);
        };
    }

    secrets_.struct_size = sizeof secrets_;
    secrets_.with_secret = [](const larder_host* h, const larder_config* config, const char* option,
                              void(LARDER_CALL * use)(void*, larder_bytes) LARDER_NOEXCEPT,
                              void* ctx) noexcept -> larder_status {
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
        const bool found = of(h).services_.read_secret(*ref, secret);
        if (found) {
            use(ctx, {secret.data(), secret.size()});
        }
        wipe(secret);
        return found ? LARDER_OK : LARDER_E_CONFIG;
    };
}

}  // namespace larder::loader
