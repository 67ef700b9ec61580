// kernel/api/guard_watch.hpp -- what an applied policy is taken back for: guards, judged from the switch on.
//
// The window of a condition is its `for`, at most the time that is watched; it begins at the switch, so
// that nothing from before it counts. What was measured before stands beside it in the report.
#pragma once

#include "dsl/policy.hpp"
#include "kernel/api/alerts.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace larder::api {

// For one thread at a time.
class GuardWatch {
  public:
    // `watches` judged for `length` from `begin` on, which is taken at the switch.
    GuardWatch(std::vector<dsl::Alert> watches, dsl::Ms length, const Figures& begin, const StoreCapacities& capacities);

    // What is breached, and by how much; empty: nothing so far.
    std::string judge(const Figures& now, const StoreCapacities& capacities);
    bool is_over(std::uint64_t mono_ns) const { return mono_ns >= until_ns_; }
    std::uint64_t left_ms(std::uint64_t mono_ns) const { return is_over(mono_ns) ? 0 : (until_ns_ - mono_ns) / 1'000'000; }
    std::uint64_t length_ms() const { return static_cast<std::uint64_t>(length_.count()); }
    // One line: "hit_rate(menu) 91.2% (breach: < 60%)", as of the last judgement.
    const std::string& progress() const { return progress_; }

  private:
    std::string measured(const dsl::Condition& condition, const AlertReading& reading) const;

    AlertBook book_;
    std::vector<dsl::Alert> watches_;
    const dsl::Ms length_;
    const Figures begin_;
    const StoreCapacities capacities_;
    const std::uint64_t until_ns_;
    std::string progress_;
};

// "41.2%", "12ms", "1234": as the metric's author writes it.
std::string metric_text(std::string_view metric, double value);
// The watches of both, each once.
std::vector<dsl::Alert> watches_of(const dsl::Policy& before, const dsl::Policy& after);

}  // namespace larder::api
