// plugins/warmer_predictive/profile.cpp -- see profile.hpp.
#include "profile.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace larder::warmer_predictive {
namespace {

constexpr std::uint32_t day = 1440, pause_of_start = 180;
constexpr double regular = 0.25, most_hours = 0.7, most_days = 0.6;
constexpr std::uint32_t together = 45;  // starts of one cluster are that near to each other

template <std::size_t N>
std::vector<std::uint32_t> newest(const std::array<std::uint32_t, N>& ring, std::uint32_t count, std::uint32_t from) {
    std::vector<std::uint32_t> out;
    const std::uint32_t kept = std::min<std::uint32_t>(count, N);
    for (std::uint32_t i = count - kept; i < count; ++i)
        if (ring[i % N] >= from) out.push_back(ring[i % N]);
    return out;
}

template <class T>
void put(const T& value, std::string& out) {
    static_assert(std::is_trivially_copyable_v<T>);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
bool take(T& value, std::string_view& in) {
    if (in.size() < sizeof value) return false;
    std::memcpy(&value, in.data(), sizeof value);
    in.remove_prefix(sizeof value);
    return true;
}

}  // namespace

std::string_view word_of(AccessType type) {
    static constexpr std::array<std::string_view, 5> words{"irregular", "daily", "periodic", "burst", "constant"};
    return words[static_cast<std::size_t>(type)];
}

void Profile::age(std::uint32_t minute) {
    const std::uint32_t hour = minute / 60;
    if (hour_ == 0) hour_ = hour;
    if (hour <= hour_) return;
    if (hour - hour_ >= hours) in_hour_.fill(0);
    else
        for (std::uint32_t h = hour_ + 1; h <= hour; ++h) in_hour_[h % hours] = 0;
    hour_ = hour;
}

void Profile::add(std::uint32_t minute, std::uint32_t weight, std::uint32_t gap_min) {
    if (first_min_ == 0) first_min_ = minute;
    age(minute);
    // A clock that was set back: it counts for the newest hour.
    auto& cell = in_hour_[std::max(minute / 60, hour_) % hours];
    cell = static_cast<std::uint8_t>(std::min<std::uint32_t>(255, cell + weight));
    const std::uint32_t before = last_min_;
    last_min_ = std::max(last_min_, minute);
    if (visit_count_ != 0 && minute < before + std::max<std::uint32_t>(gap_min, 1)) return;
    visit_min_[visit_count_++ % visits] = minute;
    if (start_count_ != 0 && minute < before + pause_of_start) return;
    if (start_count_ != 0) {
        const auto lasted = static_cast<float>(before - std::min(before, last_start()));
        use_min_ = start_count_ == 1 ? lasted : (3 * use_min_ + lasted) / 4;
    }
    start_min_[start_count_++ % starts] = minute;
}

void Profile::add_cost(std::uint32_t cost_us) {
    cost_us_ = cost_us_ == 0 ? cost_us : static_cast<std::uint32_t>((7ull * cost_us_ + cost_us) / 8);
}

std::uint32_t Profile::hour_count(std::uint32_t hour, std::uint32_t now_hour) const {
    if (hour > now_hour || hour > hour_ || hour_ - hour >= hours) return 0;
    return in_hour_[hour % hours];
}

std::uint32_t Profile::accesses(std::uint32_t minute, std::uint32_t window_min) const {
    const std::uint32_t now = minute / 60, span = std::min<std::uint32_t>(hours, std::max(window_min / 60, 1u));
    std::uint32_t sum = 0;
    for (std::uint32_t h = now >= span ? now - span + 1 : 0; h <= now; ++h) sum += hour_count(h, now);
    return sum;
}

double Profile::known_days(std::uint32_t minute, std::uint32_t window_min) const {
    const std::uint32_t known = minute - std::min(minute, first_min_);
    return std::max(1.0, static_cast<double>(std::min(known, std::min<std::uint32_t>(window_min, hours * 60))) / day);
}

double Profile::in_hour_of_day(std::uint32_t hour, std::uint32_t minute) const {
    const std::uint32_t now = minute / 60;
    std::uint32_t sum = 0, days = 0;
    for (std::uint32_t back = 0; back < 7; ++back) {
        if (now < back * 24 + 24) break;
        const std::uint32_t begins = (now / 24 - back) * 24;
        bool in_use = false;
        for (std::uint32_t h = 0; h < 24; ++h) in_use = in_use || hour_count(begins + h, now) != 0;
        // Today counts for hours that are over.
        if (!in_use || (back == 0 && hour >= now % 24)) continue;
        ++days;
        sum += hour_count(begins + hour, now);
    }
    return days == 0 ? 0 : static_cast<double>(sum) / days;
}

bool Profile::judge_pauses(Verdict& out, const std::vector<std::uint32_t>& seen, std::uint32_t ttl_min) const {
    if (seen.size() < 6) return false;
    std::vector<double> pauses;
    for (std::size_t i = 1; i < seen.size(); ++i) pauses.push_back(seen[i] - seen[i - 1]);
    std::vector<double> sorted = pauses;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
    const double middle = sorted[sorted.size() / 2];
    double spread = 0;
    std::size_t near = 0;
    for (const double pause : pauses)
        if (std::abs(pause - middle) <= regular * middle + 1) {
            spread += std::abs(pause - middle);
            ++near;
        }
    const double share = static_cast<double>(near) / static_cast<double>(pauses.size());
    // What comes as soon as it ends is in use all the time.
    if (share < 0.8 || middle < 2 || middle > 18 * 60 || middle <= 1.3 * ttl_min) return false;
    double mean = 0;
    for (const double pause : pauses)
        if (std::abs(pause - middle) <= regular * middle + 1) mean += pause;
    out.type = AccessType::periodic;
    out.period_min = static_cast<std::uint32_t>(std::lround(mean / static_cast<double>(near)));
    out.spread_min = spread / static_cast<double>(near);
    out.predictability = share * (1 - std::min(1.0, out.spread_min / middle));
    return true;
}

bool Profile::judge_days(Verdict& out, std::uint32_t minute, std::uint32_t window_min) const {
    const std::uint32_t from = minute - std::min(minute, window_min);
    const double days = known_days(minute, window_min);
    if (days < 2.5) return false;
    std::vector<std::uint32_t> times;
    for (const std::uint32_t at : newest(start_min_, start_count_, from)) times.push_back(at % day);
    if (times.size() < 3) return false;
    std::sort(times.begin(), times.end());
    std::size_t fitting = 0;
    double spread = 0, best_share = 0;
    for (std::size_t begin = 0; begin < times.size();) {
        std::size_t end = begin + 1;
        while (end < times.size() && times[end] - times[begin] <= 2 * together) ++end;
        const double share = static_cast<double>(end - begin) / days;
        if (share >= most_days) {
            double mean = 0, off = 0;
            for (std::size_t i = begin; i < end; ++i) mean += times[i];
            mean /= static_cast<double>(end - begin);
            for (std::size_t i = begin; i < end; ++i) off += std::abs(times[i] - mean);
            spread = std::max(spread, off / static_cast<double>(end - begin));
            out.starts.push_back(static_cast<std::uint16_t>(std::lround(mean)));
            fitting += end - begin;
            best_share = std::max(best_share, std::min(1.0, share));
        }
        begin = end;
    }
    const double inside = static_cast<double>(fitting) / static_cast<double>(times.size());
    if (out.starts.empty() || inside < 0.7) {
        out.starts.clear();
        return false;
    }
    out.type = AccessType::daily;
    out.spread_min = spread;
    out.predictability = best_share * inside;
    return true;
}

void Profile::find_peaks(Verdict& out, std::uint32_t minute) const {
    std::array<double, 24> in{};
    double most = 0;
    for (std::uint32_t h = 0; h < 24; ++h) most = std::max(most, in[h] = in_hour_of_day(h, minute));
    for (std::uint32_t h = 0; h < 24 && most > 0; ++h)
        if (in[h] >= most / 2) out.peak_hours.push_back(static_cast<std::uint8_t>(h));
}

Verdict Profile::judge(std::uint32_t minute, std::uint32_t window_min, std::uint32_t ttl_min) const {
    Verdict out;
    if (window_min == 0) window_min = hours * 60;
    find_peaks(out, minute);
    const std::uint32_t now = minute / 60, from = minute - std::min(minute, window_min);
    if (judge_pauses(out, newest(visit_min_, visit_count_, from), ttl_min)) return out;
    const double known_hours = known_days(minute, window_min) * 24;
    std::uint32_t active = 0, days = 0;
    for (std::uint32_t back = 0; back < 7; ++back) {
        bool in_use = false;
        for (std::uint32_t h = 0; h < 24; ++h) {
            const std::uint32_t hour = now - std::min(now, back * 24 + h);
            if (hour * 60 + 59 < from || hour_count(hour, now) == 0) continue;
            ++active;
            in_use = true;
        }
        days += in_use ? 1 : 0;
    }
    const double share = active / known_hours;
    if (known_hours >= 24 && share >= most_hours) {
        out.type = AccessType::constant;
        out.predictability = std::min(1.0, share);
        return out;
    }
    if (judge_days(out, minute, window_min)) return out;
    if (active <= 6 && days <= 2 && active > 0) {
        out.type = AccessType::burst;
        out.predictability = 0;
    }
    return out;
}

void Profile::write(std::string& out) const {
    put(first_min_, out), put(last_min_, out), put(cost_us_, out), put(visit_count_, out), put(hour_, out);
    put(in_hour_, out), put(visit_min_, out), put(start_min_, out), put(start_count_, out), put(use_min_, out);
    put(made, out), put(used, out), put(saved_us, out);
}

bool Profile::read(std::string_view& in) {
    return take(first_min_, in) && take(last_min_, in) && take(cost_us_, in) && take(visit_count_, in) && take(hour_, in) && take(in_hour_, in) && take(visit_min_, in) &&
           take(start_min_, in) && take(start_count_, in) && take(use_min_, in) && take(made, in) && take(used, in) && take(saved_us, in);
}

}  // namespace larder::warmer_predictive
