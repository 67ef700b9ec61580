// plugins/warmer_predictive/predictive.hpp -- the plugin: what it is told, what it names, what it keeps on the disk.
//
// It makes no values: fetch is always a miss. The kernel tells it of accesses (observe), asks what to make (plan),
// and has the named keys made by whatever the policy says they come from.
#pragma once

#include "patterns.hpp"

#include <larder/plugin/warmer.hpp>

#include <mutex>
#include <span>
#include <string>

namespace larder::warmer_predictive {

class Predictive {
  public:
    static constexpr const char* name = "predictive";
    static constexpr std::uint64_t caps = LARDER_WARM_CAP_PLAN | LARDER_WARM_CAP_OBSERVE | LARDER_WARM_CAP_REPORT;

    Predictive(plugin::Host host, const plugin::Config& config);

    void start();
    void stop(std::uint64_t deadline_ns);
    plugin::Health health() const;

    larder_status fetch(const larder_warm_item& item, const larder_call& call, larder_cache_set& set, plugin::Reply out);
    larder_status plan(const larder_warm_run& run, plugin::WarmSink sink);
    void observe(std::span<const larder_access> batch);
    larder_status report(std::string_view what, const larder_warm_run& run, plugin::Reply out);

  private:
    std::string space_of(std::uint32_t ns);
    Rules rules_of(const larder_warm_run& run) const;
    std::string analysis(std::string_view space, const Rules& rules, std::size_t most, bool week);
    void save();

    const plugin::Host host_;
    const std::string file_;
    const std::uint64_t save_every_ms_;
    mutable std::mutex mutex_;  // guards what follows
    Patterns patterns_;
    std::uint64_t saved_ms_ = 0;
    std::string problem_;
};

}  // namespace larder::warmer_predictive
