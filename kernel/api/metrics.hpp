// kernel/api/metrics.hpp -- the numbers plugins keep: counters, gauges and histograms behind larder.metrics/1.
//
// A metric is opened once, with its labels, and then only added to: no string and no lock on the way.
// Metrics live as long as the kernel; opening the same one again gives the same one, so an instance
// that is made anew goes on counting. At most max_metrics: a plugin that opens one per key gets null.
#pragma once

#include <larder/plugin/services.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The type plugins see as opaque.
struct larder_metric {
    static constexpr std::size_t buckets = 18;
    std::int32_t kind = LARDER_METRIC_COUNTER;
    std::string name;    // larder_plugin_org_larder_resp_connections
    std::string help;
    std::string labels;  // "k=v,k=v"
    std::atomic<double> value{0};  // counter, gauge; histogram: sum
    std::atomic<std::uint64_t> in_bucket[buckets + 1]{};  // histogram: not cumulative, last: above all
};

namespace larder::api {

// Upper bounds of a histogram's buckets: 1, 2.5 and 5 times powers of ten, from 10 us to 5 s when
// what is observed is seconds.
double bucket_bound(std::size_t index);

// Safe for any number of threads; opening takes a lock.
class Metrics {
  public:
    static constexpr std::size_t max_metrics = 4096;
    // Null: a name that is no metric name, another kind under this name, or too many.
    larder_metric* open(std::string_view module, std::int32_t kind, const char* name,
                        const char* help, const char* labels);
    // The functions add, set and observe; open is the caller's.
    static const larder_metrics_api& functions();
    // Each of them, in the order they were opened. fn must not open one.
    void each(const std::function<void(const larder_metric&)>& fn) const;
    // One JSON object, by name.
    std::string json() const;

  private:
    mutable std::mutex mutex_;
    std::deque<larder_metric> metrics_;  // guarded by mutex_; elements never move
};

}  // namespace larder::api
