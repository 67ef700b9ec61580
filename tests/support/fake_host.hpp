// tests/support/fake_host.hpp -- a kernel for one plugin under test: every clock, task and answer
// is the test's.
//
// Time stands still until advance(); tasks run only there, on the test's thread, in the order they
// fall due. The log, the metrics and the requests told to the cache are kept for the test to look
// at. The parts that a plugin may call from its own threads are safe for many threads.
#pragma once

#include <larder/plugin/plugin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::test {

// The options of one instance, as the kernel would hand them over: typed, with defaults applied.
class FakeConfig {
  public:
    FakeConfig& set(const std::string& name, std::int64_t value) {
        integers_[name] = value;
        return *this;
    }
    FakeConfig& set(const std::string& name, int value) {
        return set(name, static_cast<std::int64_t>(value));
    }
    FakeConfig& set(const std::string& name, std::uint64_t value) {
        return set(name, static_cast<std::int64_t>(value));
    }
    FakeConfig& set(const std::string& name, bool value) {
        return set(name, static_cast<std::int64_t>(value));
    }
    FakeConfig& set(const std::string& name, double value) {
        reals_[name] = value;
        return *this;
    }
    FakeConfig& set(const std::string& name, std::string value) {
        texts_[name] = std::move(value);
        return *this;
    }
    FakeConfig& set(const std::string& name, const char* value) {
        return set(name, std::string(value));
    }
    FakeConfig& set(const std::string& name, std::vector<std::string> values) {
        lists_[name] = std::move(values);
        return *this;
    }
    FakeConfig& name_instance(std::string name) {
        instance_ = std::move(name);
        return *this;
    }

    const larder_config* get() const noexcept {
        return reinterpret_cast<const larder_config*>(this);
    }

    static const larder_config_api& api() noexcept {
        static const larder_config_api table = make_api();
        return table;
    }

  private:
    static const FakeConfig& of(const larder_config* c) noexcept {
        return *reinterpret_cast<const FakeConfig*>(c);
    }
    static larder_bytes bytes(const std::string& text) noexcept {
        return {text.data(), text.size()};
    }
    static larder_config_api make_api() noexcept {
        larder_config_api api{};
        api.struct_size = sizeof api;
        api.get_bool = [](const larder_config* c, const char* name,
                          std::int32_t* out) noexcept -> larder_status {
            const auto found = of(c).integers_.find(name);
            if (found == of(c).integers_.end()) {
                return LARDER_MISS;
            }
            *out = found->second != 0;
            return LARDER_OK;
        };
        api.get_int = [](const larder_config* c, const char* name,
                         std::int64_t* out) noexcept -> larder_status {
            const auto found = of(c).integers_.find(name);
            if (found == of(c).integers_.end()) {
                return LARDER_MISS;
            }
            *out = found->second;
            return LARDER_OK;
        };
        api.get_float = [](const larder_config* c, const char* name,
                           double* out) noexcept -> larder_status {
            const auto found = of(c).reals_.find(name);
            if (found == of(c).reals_.end()) {
                return LARDER_MISS;
            }
            *out = found->second;
            return LARDER_OK;
        };
        api.get_str = [](const larder_config* c, const char* name,
                         larder_bytes* out) noexcept -> larder_status {
            const auto found = of(c).texts_.find(name);
            if (found == of(c).texts_.end()) {
                return LARDER_MISS;
            }
            *out = bytes(found->second);
            return LARDER_OK;
        };
        api.get_list = [](const larder_config* c, const char* name, std::uint32_t index,
                          larder_bytes* out) noexcept -> larder_status {
            const auto found = of(c).lists_.find(name);
            if (found == of(c).lists_.end() || index >= found->second.size()) {
                return LARDER_MISS;
            }
            *out = bytes(found->second[index]);
            return LARDER_OK;
        };
        api.where = [](const larder_config* c, const char* name,
                       larder_bytes* out) noexcept -> larder_status {
            static const std::string place = "test.toml:1:1";
            const FakeConfig& me = of(c);
            const bool there = me.integers_.count(name) + me.reals_.count(name) +
                                   me.texts_.count(name) + me.lists_.count(name) !=
                               0;
            if (!there) {
                return LARDER_MISS;
            }
            *out = bytes(place);
            return LARDER_OK;
        };
        api.instance_name = [](const larder_config* c) noexcept -> const char* {
            return of(c).instance_.c_str();
        };
        return api;
    }

    std::map<std::string, std::int64_t> integers_;
    std::map<std::string, double> reals_;
    std::map<std::string, std::string> texts_;
    std::map<std::string, std::vector<std::string>> lists_;
    std::string instance_ = "test";
};

class FakeHost {
  public:
    struct Line {
        std::int32_t level;
        std::string text;
    };
    // What a plugin told larder_cache_api.request.
    struct Request {
        std::string method, path, query;
        std::uint32_t status;
    };

    // What a plugin told larder_cache_api.event.
    struct Event {
        std::string name;
        std::vector<std::pair<std::string, std::string>> values;
        bool operator==(const Event&) const = default;
    };

    FakeHost() {
        host_.struct_size = sizeof host_;
        host_.abi_version = LARDER_ABI_VERSION;
        host_.kernel_name = "fake";
        host_.kernel_version = "0";
        host_.ctx = this;
        host_.log = [](const larder_host* h, std::int32_t level, const char* text,
                       std::size_t size) noexcept {
            FakeHost& me = of(h);
            const std::lock_guard lock(me.mutex_);
            me.lines_.push_back({level, std::string(text, size)});
        };
        host_.log_level = [](const larder_host*) noexcept -> std::int32_t {
            return LARDER_LOG_DEBUG;
        };
        host_.mono_ns = [](const larder_host* h) noexcept -> std::uint64_t {
            return of(h).now_ns();
        };
        host_.wall_ms = [](const larder_host* h) noexcept -> std::uint64_t {
            return wall_start_ms + of(h).now_ns() / 1'000'000;
        };
        host_.free = [](const larder_host*, void* p, std::size_t) noexcept { std::free(p); };
        host_.alloc = [](const larder_host*, std::size_t size, std::size_t align) noexcept {
            align = std::max(align, sizeof(void*));
            return std::aligned_alloc(align, (size + align - 1) / align * align);
        };
        host_.service = [](const larder_host* h, const char* id) noexcept -> const void* {
            return of(h).service(id);
        };
        fill_services();
    }
    FakeHost(const FakeHost&) = delete;
    FakeHost& operator=(const FakeHost&) = delete;

    const larder_host* get() const noexcept { return &host_; }

    // ---- time and tasks
    std::uint64_t now_ns() const noexcept {
        if (machine_clock_) {
            return static_cast<std::uint64_t>(
                std::chrono::steady_clock::now().time_since_epoch().count());
        }
        return now_ns_.load(std::memory_order_relaxed);
    }
    // For what waits with a real server: the clocks are the machine's. Before anything is made.
    void use_machine_clock() noexcept { machine_clock_ = true; }

    // Moves the clock, running each task at the moment it falls due. Returns how many ran.
    std::size_t advance(std::chrono::nanoseconds by) {
        const std::uint64_t until = now_ns() + static_cast<std::uint64_t>(by.count());
        std::size_t ran = 0;
        while (std::optional<Task> task = take_due(until)) {
            now_ns_.store(std::max(now_ns(), task->at_ns), std::memory_order_relaxed);
            task->fn(task->ctx);
            ++ran;
        }
        now_ns_.store(until, std::memory_order_relaxed);
        return ran;
    }
    // Moves the clock and runs nothing.
    void advance_clock_only(std::chrono::nanoseconds by) {
        now_ns_.fetch_add(static_cast<std::uint64_t>(by.count()), std::memory_order_relaxed);
    }
    // Runs what is due now.
    std::size_t run_due() { return advance(std::chrono::nanoseconds(0)); }
    std::size_t tasks_waiting() const {
        const std::lock_guard lock(mutex_);
        return tasks_.size();
    }

    // ---- services
    // Takes a service away, or puts the test's own table in its place (nullptr: not here).
    void set_service(const std::string& id, const void* table) { services_[id] = table; }
    void set_secret(const std::string& option, std::string bytes) {
        secrets_[option] = std::move(bytes);
    }

    // ---- what the plugin did
    std::vector<Line> lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }
    std::size_t lines_at_least(std::int32_t level) const {
        const std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::count_if(
            lines_.begin(), lines_.end(), [&](const Line& l) { return l.level >= level; }));
    }
    bool logged(std::string_view part) const {
        const std::lock_guard lock(mutex_);
        return std::any_of(lines_.begin(), lines_.end(),
                           [&](const Line& l) { return l.text.find(part) != std::string::npos; });
    }
    // Sum of a counter, or the last value of a gauge; 0 when it was never opened.
    double metric(const std::string& name) const {
        const std::lock_guard lock(mutex_);
        const auto found = metrics_.find(name);
        return found == metrics_.end() ? 0 : found->second->value.load();
    }
    std::vector<Request> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    // Blocks until `n` requests were told; false when they do not come within `patience`.
    bool wait_for_requests(std::size_t n,
                           std::chrono::seconds patience = std::chrono::seconds(20)) const {
        std::unique_lock lock(mutex_);
        return told_.wait_for(lock, patience, [&] { return requests_.size() >= n; });
    }
    std::vector<Event> events() const {
        const std::lock_guard lock(mutex_);
        return events_;
    }
    // Blocks until `n` events were told, as with requests.
    bool wait_for_events(std::size_t n,
                         std::chrono::seconds patience = std::chrono::seconds(20)) const {
        std::unique_lock lock(mutex_);
        return told_.wait_for(lock, patience, [&] { return events_.size() >= n; });
    }
    // How many rules an event fires; one, unless this says otherwise. Before anything is started.
    void events_fire(std::uint32_t rules) { rules_ = rules; }
    // Events of such names fire no rule and are not kept. Before anything is started.
    void ignore_events_of(std::string prefix) { ignored_ = std::move(prefix); }
    // What the next requests and events answer, first to last; OK after them.
    void answer_requests_with(std::vector<larder_status> answers) {
        const std::lock_guard lock(mutex_);
        answers_ = std::move(answers);
        std::reverse(answers_.begin(), answers_.end());
    }

  private:
    static constexpr std::uint64_t wall_start_ms = 1'767'225'600'000;  // 2026-01-01

    struct Task {
        std::uint64_t at_ns, id;
        larder_task_fn fn;
        void* ctx;
    };
    struct Metric {
        std::atomic<double> value{0};
    };

    static FakeHost& of(const larder_host* h) noexcept { return *static_cast<FakeHost*>(h->ctx); }

    std::optional<Task> take_due(std::uint64_t until) {
        const std::lock_guard lock(mutex_);
        const auto first =
            std::min_element(tasks_.begin(), tasks_.end(), [](const Task& a, const Task& b) {
                return std::pair(a.at_ns, a.id) < std::pair(b.at_ns, b.id);
            });
        if (first == tasks_.end() || first->at_ns > until) {
            return std::nullopt;
        }
        const Task task = *first;
        tasks_.erase(first);
        return task;
    }

    const void* service(const char* id) const noexcept {
        const auto found = services_.find(id);
        return found == services_.end() ? nullptr : found->second;
    }

    void fill_services() {
        executor_.struct_size = sizeof executor_;
        executor_.post = [](const larder_host* h, std::int32_t, larder_task_fn fn,
                            void* ctx) noexcept -> larder_status {
            std::uint64_t id = 0;
            return of(h).executor_.after(h, 0, fn, ctx, &id);
        };
        executor_.after = [](const larder_host* h, std::uint64_t delay_ns, larder_task_fn fn,
                             void* ctx, std::uint64_t* id) noexcept -> larder_status {
            FakeHost& me = of(h);
            const std::lock_guard lock(me.mutex_);
            *id = ++me.last_task_;
            me.tasks_.push_back({me.now_ns() + delay_ns, *id, fn, ctx});
            return LARDER_OK;
        };
        executor_.cancel = [](const larder_host* h, std::uint64_t id) noexcept -> larder_status {
            FakeHost& me = of(h);
            const std::lock_guard lock(me.mutex_);
            return std::erase_if(me.tasks_, [&](const Task& t) { return t.id == id; }) != 0
                       ? LARDER_OK
                       : LARDER_MISS;
        };

        metrics_api_.struct_size = sizeof metrics_api_;
        metrics_api_.open = [](const larder_host* h, std::int32_t, const char* name, const char*,
                               const char*) noexcept -> larder_metric* {
            FakeHost& me = of(h);
            const std::lock_guard lock(me.mutex_);
            auto& slot = me.metrics_[name];
            if (!slot) {
                slot = std::make_unique<Metric>();
            }
            return reinterpret_cast<larder_metric*>(slot.get());
        };
        metrics_api_.add = [](larder_metric* m, double v) noexcept {
            reinterpret_cast<Metric*>(m)->value.fetch_add(v);
        };
        metrics_api_.set = [](larder_metric* m, double v) noexcept {
            reinterpret_cast<Metric*>(m)->value.store(v);
        };
        metrics_api_.observe = metrics_api_.add;

        secrets_api_.struct_size = sizeof secrets_api_;
        secrets_api_.with_secret = [](const larder_host* h, const larder_config*,
                                      const char* option,
                                      void(LARDER_CALL * use)(void*, larder_bytes) noexcept,
                                      void* ctx) noexcept -> larder_status {
            const auto found = of(h).secrets_.find(option);
            if (found == of(h).secrets_.end()) {
                return LARDER_MISS;
            }
            use(ctx, {found->second.data(), found->second.size()});
            return LARDER_OK;
        };

        cache_.struct_size = sizeof cache_;
        cache_.request = [](const larder_host* h, const larder_request* rq, larder_receipt*,
                            const larder_call*) noexcept -> larder_status {
            FakeHost& me = of(h);
            const std::lock_guard lock(me.mutex_);
            if (!me.answers_.empty()) {
                const larder_status answer = me.answers_.back();
                me.answers_.pop_back();
                if (answer != LARDER_OK) {
                    return answer;
                }
            }
            const auto text = [](larder_bytes b) {
                return b.size == 0 ? std::string()
                                   : std::string(static_cast<const char*>(b.data), b.size);
            };
            me.requests_.push_back({text(rq->method), text(rq->path), text(rq->query), rq->status});
            me.told_.notify_all();
            return LARDER_OK;
        };

        cache_.event = [](const larder_host* h, larder_bytes name, const larder_pair* values,
                          std::size_t n, larder_receipt* receipt,
                          const larder_call*) noexcept -> larder_status {
            FakeHost& me = of(h);
            const std::lock_guard lock(me.mutex_);
            if (!me.ignored_.empty() &&
                std::string_view(static_cast<const char*>(name.data), name.size)
                    .starts_with(me.ignored_)) {
                return LARDER_OK;
            }
            if (!me.answers_.empty()) {
                const larder_status answer = me.answers_.back();
                me.answers_.pop_back();
                if (answer != LARDER_OK) {
                    me.told_.notify_all();
                    return answer;
                }
            }
            const auto text = [](larder_bytes b) {
                return b.size == 0 ? std::string()
                                   : std::string(static_cast<const char*>(b.data), b.size);
            };
            Event event{text(name), {}};
            for (std::size_t i = 0; i < n; ++i) {
                event.values.emplace_back(text(values[i].name), text(values[i].value));
            }
            me.events_.push_back(std::move(event));
            if (receipt != nullptr) {
                receipt->rules = me.rules_;
            }
            me.told_.notify_all();
            return LARDER_OK;
        };

        services_[LARDER_SVC_CONFIG] = &FakeConfig::api();
        services_[LARDER_SVC_EXECUTOR] = &executor_;
        services_[LARDER_SVC_METRICS] = &metrics_api_;
        services_[LARDER_SVC_SECRETS] = &secrets_api_;
        services_[LARDER_SVC_CACHE] = &cache_;
    }

    larder_host host_{};
    larder_executor_api executor_{};
    larder_metrics_api metrics_api_{};
    larder_secrets_api secrets_api_{};
    larder_cache_api cache_{};
    std::map<std::string, const void*, std::less<>> services_;
    std::map<std::string, std::string, std::less<>> secrets_;
    bool machine_clock_ = false;
    std::atomic<std::uint64_t> now_ns_{1'000'000'000'000};

    mutable std::mutex mutex_;  // Guards what follows.
    mutable std::condition_variable told_;
    std::vector<Task> tasks_;
    std::uint64_t last_task_ = 0;
    std::vector<Line> lines_;
    std::vector<Request> requests_;
    std::vector<Event> events_;
    std::uint32_t rules_ = 1;
    std::string ignored_;
    std::vector<larder_status> answers_;
    std::map<std::string, std::unique_ptr<Metric>> metrics_;
};

// A component made, started and (by the destructor) stopped and destroyed, as the kernel does it.
class FakeInstance {
  public:
    FakeInstance(FakeHost& host, const larder_component& component, const FakeConfig& config)
        : host_(host), component_(component) {
        instance_.struct_size = sizeof instance_;
        larder_errbuf err{text_, sizeof text_, 0};
        created_ = component_.create(host_.get(), config.get(), &instance_, &err);
        reason_.assign(text_, err.len);
    }
    FakeInstance(const FakeInstance&) = delete;
    FakeInstance& operator=(const FakeInstance&) = delete;
    ~FakeInstance() {
        if (created_ == LARDER_OK) {
            stop();
            component_.destroy(instance_.self);
        }
    }

    larder_status created() const noexcept { return created_; }
    larder_status start() {
        if (component_.start == nullptr) {
            return LARDER_OK;
        }
        larder_errbuf err{text_, sizeof text_, 0};
        const larder_status st = component_.start(instance_.self, &err);
        reason_.assign(text_, err.len);
        return st;
    }
    larder_status stop() {
        return component_.stop == nullptr ? LARDER_OK
                                          : component_.stop(instance_.self, host_.now_ns());
    }
    larder_status reconfigure(const FakeConfig& config) {
        larder_errbuf err{text_, sizeof text_, 0};
        const larder_status st = component_.reconfigure(instance_.self, config.get(), &err);
        reason_.assign(text_, err.len);
        return st;
    }
    // What the last create, start or reconfigure wrote.
    const std::string& reason() const noexcept { return reason_; }
    void* self() const noexcept { return instance_.self; }
    std::uint64_t caps() const noexcept { return instance_.caps; }
    template <class Table>
    const Table& table() const noexcept {
        return *static_cast<const Table*>(instance_.vtable);
    }

  private:
    FakeHost& host_;
    const larder_component& component_;
    larder_instance instance_{};
    larder_status created_ = LARDER_E_INTERNAL;
    char text_[256] = {};
    std::string reason_;
};

}  // namespace larder::test
