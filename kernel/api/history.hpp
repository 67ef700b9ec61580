// kernel/api/history.hpp -- entries and bytes of seven days, and when a store will be full.
//
// A ring of one point every five minutes for each store and each namespace: 2016 points of 16 bytes, so
// 32 KiB for each of them, whatever the traffic. It lives in memory and begins anew with the process.
//
// The forecast is a straight line (least squares) through the last day, or what there is of it: enough
// to say "full on Thursday", and nothing when it does not grow, when an hour was not seen yet, or when
// the store has no bound. A memory store never exceeds its capacity: full means that it evicts.
#pragma once

#include "kernel/core/figures.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::api {

// Safe for any number of threads.
class History {
  public:
    static constexpr std::chrono::minutes step{5};
    static constexpr std::size_t points = 7 * 24 * 12;

    struct Point {
        std::uint64_t at_ms = 0;  // wall clock
        std::uint64_t entries = 0, bytes = 0;
    };
    struct Forecast {
        double bytes_per_hour = 0;
        std::optional<double> full_in_hours;  // nullopt: not at this rate
    };

    // Takes a point when the last one is as old as `step`. Call it as often as you like.
    void look(const Figures& figures, const std::vector<std::pair<std::string, std::uint64_t>>& capacities);
    // Whether look() would take a point now.
    bool is_due(std::uint64_t mono_ns) const;
    // Oldest first; `namespace:NAME` or `store:NAME`. Empty: never seen.
    std::vector<Point> points_of(std::string_view what) const;
    std::vector<std::string> names() const;
    // Nullopt: less than an hour was seen.
    std::optional<Forecast> forecast(std::string_view what, std::uint64_t capacity_bytes) const;

  private:
    struct Ring {
        std::vector<Point> kept;  // grows to `points`, then goes round
        std::size_t next = 0;
        std::uint64_t seen_ms = 0;
    };
    void add(const std::string& what, const Point& point);

    mutable std::mutex mutex_;
    std::map<std::string, Ring, std::less<>> rings_;  // guarded by mutex_, as the next
    std::uint64_t last_ns_ = 0;
    bool any_ = false;
};

}  // namespace larder::api
