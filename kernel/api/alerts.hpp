// kernel/api/alerts.hpp -- a policy's alerts: conditions on what is measured, fired and resolved once each.
//
// Every judgement takes one sample of the figures. What is counted (rates, percentiles, numbers of
// things) is measured over the alert's `for`, a minute without one: the difference between now and the
// sample taken that long ago, so a window slides with every judgement. What is a level or a state has to
// have held for that time. Until the window is full nothing fires; a rate of nothing is no rate, and its
// condition is not true.
//
// A window is kept as at most 61 samples, whatever its length, of the counters that its conditions are
// about and nothing else.
#pragma once

#include "dsl/policy.hpp"
#include "kernel/core/figures.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace larder {

struct AlertReading {
    std::string text;             // "hit_rate(menu) < 80%"
    std::optional<double> value;  // per cent as 0 to 1, durations in ms; nullopt: nothing to measure
    bool holds = false;
};

struct AlertState {
    std::string name, doc, condition, where;  // where: "hotel.larder:158"
    bool firing = false;
    bool holds_now = false;      // the condition as a whole, whatever `for` says
    std::uint64_t since_ms = 0;  // wall clock: when it fired or was resolved; 0: never yet
    std::vector<AlertReading> readings;
    std::vector<std::pair<std::string, std::string>> to;  // sink kind, sink name
};

struct AlertNotice {
    AlertState state;  // firing: it has just fired; else it was resolved
    std::uint64_t at_ms = 0;
};

// What a store's server says it may hold, where the store itself does not: by store name.
using StoreCapacities = std::vector<std::pair<std::string, std::pair<std::uint64_t, std::uint64_t>>>;

namespace api {

// What a condition is about, as counted at one moment.
struct Measure {
    enum class Kind { ratio, count, mean, quantile, level, state, unknown };
    Kind kind = Kind::unknown;
    double part = 0, whole = 0;  // ratio: both; count: part; level: part
    bool known = true;           // level
    double quantile = 0;
    DurationFigures durations;
    std::string word;  // state
};
Measure measure(const dsl::Condition& condition, const Figures& figures, const StoreCapacities& capacities);
// Its value between two moments; per cent as 0 to 1, durations in ms.
std::optional<double> value_between(const Measure& before, const Measure& after);

// Safe for any number of threads.
class AlertBook {
  public:
    // These alerts; one that says what it said before goes on as it was.
    void follow(const std::vector<dsl::Alert>& alerts);
    // Takes a sample and judges; tells what fired and what was resolved. at_once: with what the windows
    // hold so far, and without waiting for `for`.
    std::vector<AlertNotice> judge(const Figures& figures, const StoreCapacities& capacities, bool at_once = false);
    // As of now, without taking a sample or telling anybody.
    std::vector<AlertState> look(const Figures& figures, const StoreCapacities& capacities) const;
    bool empty() const;

  private:
    static constexpr std::size_t samples_of_window = 60;
    struct Sample {
        std::uint64_t at_ns = 0;
        std::vector<Measure> measures;  // of the conditions, group by group
    };
    struct Watched {
        dsl::Alert alert;
        AlertState state;
        std::deque<Sample> samples;
        std::vector<std::uint64_t> held_since_ns;  // by condition: levels and states; 0: does not hold
    };
    static std::uint64_t window_ns(const dsl::Alert& alert);
    static bool judge_one(const Watched& watched, const Sample& now, bool at_once, std::vector<AlertReading>& readings);

    mutable std::mutex mutex_;
    std::vector<Watched> watched_;  // guarded by mutex_
};

}  // namespace api
}  // namespace larder
