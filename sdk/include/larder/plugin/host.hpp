// larder/plugin/host.hpp -- the kernel as a C++ plugin sees it: log, clocks, cache, secrets,
// metrics, executor.
//
// A Host is one pointer: copy it, keep it in the component. Services are looked up by name on each
// call of an accessor, so take what a hot function needs once, in the constructor.
#ifndef LARDER_PLUGIN_HOST_HPP
#define LARDER_PLUGIN_HOST_HPP
#include "config.hpp"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace larder::plugin {

// A number the kernel exports as larder_plugin_<id>_<name>. Lives as long as the module. [hot]
class Metric {
  public:
    Metric() noexcept = default;
    void add(double v = 1) const noexcept {
        if (metric_ != nullptr) {
            api_->add(metric_, v);
        }
    }
    void set(double v) const noexcept {
        if (metric_ != nullptr) {
            api_->set(metric_, v);
        }
    }
    void observe(double v) const noexcept {
        if (metric_ != nullptr) {
            api_->observe(metric_, v);
        }
    }

  private:
    friend class Host;
    Metric(const larder_metrics_api* api, larder_metric* metric) noexcept
        : api_(api), metric_(metric) {}
    const larder_metrics_api* api_ = nullptr;
    larder_metric* metric_ = nullptr;
};

class Host;

// Work that runs once, later. Dropping a Timer cancels it; work that is already running goes on, so
// stop() waits for whatever such work touches.
class Timer {
  public:
    Timer() noexcept = default;
    Timer(Timer&& o) noexcept
        : host_(std::exchange(o.host_, nullptr)), id_(o.id_), ctx_(o.ctx_), drop_(o.drop_) {}
    Timer& operator=(Timer&& o) noexcept {
        std::swap(host_, o.host_);
        std::swap(id_, o.id_);
        std::swap(ctx_, o.ctx_);
        std::swap(drop_, o.drop_);
        return *this;
    }
    ~Timer() { cancel(); }

    // Whether it was still to come, and now will not.
    inline bool cancel() noexcept;

  private:
    friend class Host;
    const larder_host* host_ = nullptr;
    std::uint64_t id_ = 0;
    void* ctx_ = nullptr;
    void (*drop_)(void*) noexcept = nullptr;
};

class Host {
  public:
    explicit Host(const larder_host* host) noexcept : host_(host) {}
    const larder_host* raw() const noexcept { return host_; }

    // One line without a newline. Never blocks; limited in rate by the kernel. [any]
    void log(std::int32_t level, std::string_view text) const noexcept {
        host_->log(host_, level, text.data(), text.size());
    }
    // Joins the parts into one line, only when somebody reads that level:
    //     host.log(LARDER_LOG_WARN, {"lost ", peer, ": ", reason});
    void log(std::int32_t level, std::initializer_list<std::string_view> parts) const {
        if (!logs(level)) {
            return;
        }
        std::string line;
        for (const std::string_view part : parts) {
            line += part;
        }
        log(level, line);
    }
    bool logs(std::int32_t level) const noexcept { return level >= host_->log_level(host_); }

    // The only clocks a plugin reads: both are virtual in tests. [hot]
    std::uint64_t mono_ns() const noexcept { return host_->mono_ns(host_); }
    std::uint64_t wall_ms() const noexcept { return host_->wall_ms(host_); }

    // NULL when this kernel does not have it.
    template <class Api>
    const Api* find_service(const char* id) const noexcept {
        return static_cast<const Api*>(host_->service(host_, id));
    }
    template <class Api>
    const Api& service(const char* id) const {
        if (const Api* api = find_service<Api>(id)) {
            return *api;
        }
        throw Error(LARDER_E_VERSION, "this kernel has no service " + std::string(id));
    }

    // The kernel's own operations, policy applied. Call as cache.get_many(host.raw(), ...). It
    // works from start() on until stop() returns.
    const larder_cache_api& cache() const { return service<larder_cache_api>(LARDER_SVC_CACHE); }

    // Calls use(std::string_view) with the bytes of a secret option; they are wiped afterwards.
    // False: the option is not set. May read a file. Only where a Config is valid.
    template <class F>
    bool with_secret(const Config& config, const char* option, F&& use) const {
        struct Use {
            F& f;
            const larder_host* host;
            larder_status status;
        } ctx{use, host_, LARDER_OK};
        const auto& api = service<larder_secrets_api>(LARDER_SVC_SECRETS);
        const larder_status st = api.with_secret(
            host_, config.raw(), option,
            [](void* p, larder_bytes secret) noexcept {
                auto& u = *static_cast<Use*>(p);
                u.status = detail::guarded(u.host, nullptr, [&]() -> larder_status {
                    u.f(text_of(secret));
                    return LARDER_OK;
                });
            },
            &ctx);
        if (st == LARDER_MISS) {
            return false;
        }
        if (st != LARDER_OK || ctx.status != LARDER_OK) {
            throw Error(st != LARDER_OK ? st : ctx.status,
                        "the secret of option " + std::string(option) + " cannot be read");
        }
        return true;
    }

    // Numbers; labels as "k=v,k=v". Without a metrics service they count nothing. [control]
    Metric counter(const char* name, const char* help, const char* labels = "") const noexcept {
        return open(LARDER_METRIC_COUNTER, name, help, labels);
    }
    Metric gauge(const char* name, const char* help, const char* labels = "") const noexcept {
        return open(LARDER_METRIC_GAUGE, name, help, labels);
    }
    Metric histogram(const char* name, const char* help, const char* labels = "") const noexcept {
        return open(LARDER_METRIC_HISTOGRAM, name, help, labels);
    }

    // Runs work() soon on a thread of the kernel; may_block chooses the pool that may. Throws when
    // the queue is full (LARDER_E_BUSY). [any]
    template <class F>
    void post(bool may_block, F&& work) const {
        auto task = std::make_unique<Task<std::decay_t<F>>>(host_, std::forward<F>(work));
        check(executor().post(host_, may_block ? 1 : 0, &Task<std::decay_t<F>>::run, task.get()));
        static_cast<void>(task.release());
    }

    // Runs work() once, delay_ns from now, on a thread that must not block. [any]
    template <class F>
    [[nodiscard]] Timer after(std::uint64_t delay_ns, F&& work) const {
        using T = Task<std::decay_t<F>>;
        auto task = std::make_unique<T>(host_, std::forward<F>(work));
        Timer timer;
        check(executor().after(host_, delay_ns, &T::run, task.get(), &timer.id_));
        timer.host_ = host_;
        timer.ctx_ = task.release();
        timer.drop_ = [](void* p) noexcept { delete static_cast<T*>(p); };
        return timer;
    }

    const larder_executor_api& executor() const {
        return service<larder_executor_api>(LARDER_SVC_EXECUTOR);
    }

  private:
    template <class F>
    struct Task {
        Task(const larder_host* h, F f) : host(h), work(std::move(f)) {}
        static void LARDER_CALL run(void* p) noexcept {
            const std::unique_ptr<Task> task(static_cast<Task*>(p));
            static_cast<void>(detail::guarded(task->host, nullptr, [&]() -> larder_status {
                task->work();
                return LARDER_OK;
            }));
        }
        const larder_host* host;
        F work;
    };

    static void check(larder_status st) {
        if (st != LARDER_OK) {
            throw Error(st, "the kernel's executor takes no work now");
        }
    }

    Metric open(std::int32_t kind, const char* name, const char* help,
                const char* labels) const noexcept {
        const auto* api = find_service<larder_metrics_api>(LARDER_SVC_METRICS);
        return api != nullptr ? Metric(api, api->open(host_, kind, name, help, labels)) : Metric();
    }

    const larder_host* host_;
};

inline bool Timer::cancel() noexcept {
    if (host_ == nullptr) {
        return false;
    }
    const larder_host* host = std::exchange(host_, nullptr);
    const auto* api =
        static_cast<const larder_executor_api*>(host->service(host, LARDER_SVC_EXECUTOR));
    if (api == nullptr || api->cancel(host, id_) != LARDER_OK) {
        return false;  // It has run, or is running, and frees itself.
    }
    drop_(ctx_);
    return true;
}

}  // namespace larder::plugin
#endif
