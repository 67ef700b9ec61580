// kernel/api/metrics.cpp -- the numbers plugins keep.
#include "kernel/api/metrics.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace larder::api {
namespace {

bool is_metric_name(std::string_view name) {
    return !name.empty() && name.size() <= 100 && (name[0] < '0' || name[0] > '9') &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
           });
}

std::string full_name(std::string_view module, std::string_view name) {
    std::string out = "larder_plugin_";
    for (const char c : module) out += c == '.' || c == '-' ? '_' : c;
    return (out += '_') += name;
}

void add_to(std::atomic<double>& value, double by) noexcept {
    double now = value.load(std::memory_order_relaxed);
    while (!value.compare_exchange_weak(now, now + by, std::memory_order_relaxed)) {
    }
}

boost::json::object shown(const larder_metric& metric) {
    boost::json::object out{{"labels", metric.labels}};
    const double value = metric.value.load(std::memory_order_relaxed);
    if (metric.kind != LARDER_METRIC_HISTOGRAM) {
        out["value"] = value;
        return out;
    }
    boost::json::array buckets;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < larder_metric::buckets; ++i) {
        count += metric.in_bucket[i].load(std::memory_order_relaxed);
        buckets.push_back({{"le", bucket_bound(i)}, {"count", count}});
    }
    count += metric.in_bucket[larder_metric::buckets].load(std::memory_order_relaxed);
    out["sum"] = value;
    out["count"] = count;
    out["buckets"] = std::move(buckets);
    return out;
}

}  // namespace

double bucket_bound(std::size_t index) {
    static constexpr double bounds[larder_metric::buckets] = {
        1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3,
        1e-2, 2.5e-2, 5e-2, 1e-1, 2.5e-1, 5e-1, 1,    2.5,    5};
    return bounds[index];
}

larder_metric* Metrics::open(std::string_view module, std::int32_t kind, const char* name,
                             const char* help, const char* labels) {
    if (name == nullptr || !is_metric_name(name) || kind < LARDER_METRIC_COUNTER ||
        kind > LARDER_METRIC_HISTOGRAM)
        return nullptr;
    const std::string full = full_name(module, name);
    const std::string_view wanted = labels == nullptr ? "" : labels;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (larder_metric& metric : metrics_) {
        if (metric.name != full) continue;
        if (metric.kind != kind) return nullptr;
        if (metric.labels == wanted) return &metric;
    }
    if (metrics_.size() >= max_metrics) return nullptr;
    larder_metric& made = metrics_.emplace_back();
    made.kind = kind;
    made.name = full;
    made.help = help == nullptr ? "" : help;
    made.labels = wanted;
    return &made;
}

const larder_metrics_api& Metrics::functions() {
    static const larder_metrics_api table = [] {
        larder_metrics_api api{};
        api.struct_size = sizeof api;
        api.add = [](larder_metric* metric, double by) noexcept {
            if (metric != nullptr) add_to(metric->value, by);
        };
        api.set = [](larder_metric* metric, double to) noexcept {
            if (metric != nullptr) metric->value.store(to, std::memory_order_relaxed);
        };
        api.observe = [](larder_metric* metric, double value) noexcept {
            if (metric == nullptr) return;
            std::size_t bucket = 0;
            while (bucket < larder_metric::buckets && value > bucket_bound(bucket)) ++bucket;
            metric->in_bucket[bucket].fetch_add(1, std::memory_order_relaxed);
            add_to(metric->value, value);
        };
        return api;
    }();
    return table;
}

void Metrics::each(const std::function<void(const larder_metric&)>& fn) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const larder_metric& metric : metrics_) fn(metric);
}

std::string Metrics::json() const {
    boost::json::object out;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const larder_metric& metric : metrics_) {
        auto& family = out[metric.name];
        if (family.is_null())
            family = boost::json::object{{"help", metric.help}, {"samples", boost::json::array{}}};
        family.as_object()["samples"].as_array().push_back(shown(metric));
    }
    return boost::json::serialize(out);
}

}  // namespace larder::api
