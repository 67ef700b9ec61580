// plugins/warmer_predictive/profile.hpp -- how one key is asked for, in some 400 bytes, and what that says.
//
// Two views of the same accesses. A ring of hours, one counter for each hour of the last seven days, says on which
// days and at which time of day a key is in use. The times of its last visits (a visit is what comes after a pause)
// say how regular the pauses are. From these:
//     periodic   pauses that vary by less than a quarter of their middle
//     constant   in use in most hours of every day
//     daily      at the same hours on most days, and seldom at others
//     burst      most of it within a few hours of one or two days
//     irregular  none of these
// Predictability, from 0 to 1, is how much of what it does fits its class: one less the spread of the pauses, the
// share of days that had their visit, the share of hours in use. A key that was seen less often than the policy's
// `at least` is no pattern, and neither is one whose visits were all on one day, but for a burst, which nobody
// can foresee: it is told and never planned.
//
// Times are minutes since 1970, in UTC: a week is seven days of 24 hours there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::warmer_predictive {

enum class AccessType : std::uint8_t { irregular, daily, periodic, burst, constant };
std::string_view word_of(AccessType type);

struct Verdict {
    AccessType type = AccessType::irregular;
    double predictability = 0;          // 0 to 1
    std::uint32_t period_min = 0;       // periodic
    double spread_min = 0;              // of the pauses, or of the time of day of the first visit
    std::vector<std::uint8_t> peak_hours;  // of the day, in order
    std::vector<std::uint16_t> starts;  // daily: minutes of the day at which its use begins
};

class Profile {
  public:
    static constexpr std::size_t hours = 168, visits = 24, starts = 24;

    // weight: how many accesses this one stands for. gap_min: what comes within so long after the last one is the
    // same visit.
    void add(std::uint32_t minute, std::uint32_t weight, std::uint32_t gap_min);
    void add_cost(std::uint32_t cost_us);
    // What is older than the window does not count. minute: now.
    Verdict judge(std::uint32_t minute, std::uint32_t window_min, std::uint32_t ttl_min) const;
    std::uint32_t accesses(std::uint32_t minute, std::uint32_t window_min) const;
    std::uint32_t last_min() const { return last_min_; }
    std::uint32_t last_visit() const { return visit_count_ == 0 ? 0 : visit_min_[(visit_count_ - 1) % visits]; }
    std::uint32_t visit_count() const { return visit_count_; }
    double use_min() const { return use_min_; }
    std::uint32_t last_start() const { return start_count_ == 0 ? 0 : start_min_[(start_count_ - 1) % starts]; }
    // How many accesses in that hour of the day, on an average day of those on which it was in use at all.
    double in_hour_of_day(std::uint32_t hour, std::uint32_t minute) const;
    std::uint32_t cost_us() const { return cost_us_; }

    // Of what was made because this key was foreseen.
    std::uint32_t made = 0, used = 0;
    std::uint64_t saved_us = 0;
    // What tends to follow: hashes of other keys, and how often.
    struct Follower {
        std::uint64_t key = 0;
        std::uint32_t count = 0, error = 0;  // error: what it may have taken over from another key
        std::uint32_t sure() const { return count - error; }
    };
    std::array<Follower, 3> followers{};

    void write(std::string& out) const;
    bool read(std::string_view& in);

  private:
    void age(std::uint32_t minute);
    std::uint32_t hour_count(std::uint32_t hour, std::uint32_t now_hour) const;
    bool judge_pauses(Verdict& out, const std::vector<std::uint32_t>& seen, std::uint32_t ttl_min) const;
    bool judge_days(Verdict& out, std::uint32_t minute, std::uint32_t window_min) const;
    void find_peaks(Verdict& out, std::uint32_t minute) const;
    double known_days(std::uint32_t minute, std::uint32_t window_min) const;

    std::uint32_t first_min_ = 0, last_min_ = 0, cost_us_ = 0, visit_count_ = 0;
    std::uint32_t hour_ = 0;  // absolute, of the newest counter
    std::array<std::uint8_t, hours> in_hour_{};  // at most 255: more is as good
    std::array<std::uint32_t, visits> visit_min_{};
    std::array<std::uint32_t, starts> start_min_{};  // visits after a pause of hours
    std::uint32_t start_count_ = 0;
    float use_min_ = 0;  // how long a use that began so lasts, about
};

}  // namespace larder::warmer_predictive
