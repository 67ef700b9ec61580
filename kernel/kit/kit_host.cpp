// kernel/kit/kit_host.cpp -- the kernel that the kit is to a plugin.
#include "kernel/kit/kit_host.hpp"

#include "kernel/loader/options.hpp"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace larder::kit {
namespace {

std::uint64_t since(auto time) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

std::atomic<double>& of(larder_metric* metric) { return *reinterpret_cast<std::atomic<double>*>(metric); }

}  // namespace

KitHost::KitHost() : records_(*this), executor_(make_thread_executor({2, 4, 65'536})) { cache_.declare({"kit", "", -1, -1}); }
KitHost::~KitHost() { end_threads(); }

void KitHost::end_threads() { executor_->stop(); }

void KitHost::advance(Ms by) noexcept { ahead_ns_.fetch_add(static_cast<std::uint64_t>(by.count()) * 1'000'000); }

std::vector<std::string> KitHost::log_lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
}

void KitHost::log(std::string_view, std::int32_t, std::string_view text) noexcept {
    called();
    const std::lock_guard lock(mutex_);
    if (lines_.size() < 1000) lines_.emplace_back(text);
}

std::uint64_t KitHost::mono_ns() const noexcept {
    called();
    return since(std::chrono::steady_clock::now()) + ahead_ns_.load();
}

std::uint64_t KitHost::wall_ms() const noexcept {
    called();
    return (since(std::chrono::system_clock::now()) + ahead_ns_.load()) / 1'000'000;
}

larder_status KitHost::post(bool may_block, larder_task_fn fn, void* ctx) noexcept {
    called();
    return executor_->post(may_block, [fn, ctx] { fn(ctx); }) ? LARDER_OK : LARDER_E_BUSY;
}

larder_status KitHost::after(std::uint64_t delay_ns, larder_task_fn fn, void* ctx, std::uint64_t* id) noexcept {
    called();
    *id = executor_->after(std::chrono::nanoseconds(delay_ns), [fn, ctx] { fn(ctx); });
    return LARDER_OK;
}

larder_status KitHost::cancel(std::uint64_t id) noexcept {
    called();
    return executor_->cancel(id) ? LARDER_OK : LARDER_MISS;
}

larder_metric* KitHost::open_metric(std::string_view, std::int32_t, const char* name, const char*,
                                    const char* labels) noexcept {
    called();
    const std::lock_guard lock(mutex_);
    auto& slot = metrics_[std::string(name) + '{' + (labels == nullptr ? "" : labels) + '}'];
    if (!slot) slot = std::make_unique<std::atomic<double>>(0.0);
    return reinterpret_cast<larder_metric*>(slot.get());
}

const larder_metrics_api* KitHost::metric_functions() noexcept {
    static constexpr larder_metrics_api functions = [] {
        larder_metrics_api api{};
        api.struct_size = sizeof api;
        api.add = [](larder_metric* m, double v) noexcept { of(m).fetch_add(v); };
        api.set = [](larder_metric* m, double v) noexcept { of(m).store(v); };
        api.observe = api.add;
        return api;
    }();
    return &functions;
}

const void* KitHost::common_service(std::string_view id) noexcept {
    called();
    return id == LARDER_SVC_SESSION_STORE ? &records_.api() : nullptr;
}

bool KitHost::read_secret(const loader::SecretRef& ref, std::string& out) noexcept {
    called();
    const auto colon = ref.text.find(':');
    const std::string how = ref.text.substr(0, colon), what = colon == ref.text.npos ? "" : ref.text.substr(colon + 1);
    if (how == "env") {
        const char* found = std::getenv(what.c_str());
        if (found == nullptr) return false;
        out = found;
        return true;
    }
    std::ifstream file(what, std::ios::binary);
    if (!file) return false;
    out.assign(std::istreambuf_iterator<char>(file), {});
    if (!out.empty() && out.back() == '\n') out.pop_back();
    return true;
}

}  // namespace larder::kit
