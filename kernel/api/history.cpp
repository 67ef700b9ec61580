// kernel/api/history.cpp -- entries and bytes of seven days.
#include "kernel/api/history.hpp"

#include <algorithm>

namespace larder::api {

void History::add(const std::string& what, const Point& point) {
    Ring& ring = rings_[what];
    ring.seen_ms = point.at_ms;
    if (ring.kept.size() < points) {
        ring.kept.push_back(point);
        return;
    }
    ring.kept[ring.next] = point;
    ring.next = (ring.next + 1) % points;
}

bool History::is_due(std::uint64_t mono_ns) const {
    constexpr auto step_ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(step).count());
    const std::lock_guard<std::mutex> lock(mutex_);
    return !any_ || mono_ns - last_ns_ >= step_ns;
}

void History::look(const Figures& figures, const std::vector<std::pair<std::string, std::uint64_t>>& servers) {
    constexpr auto step_ns = static_cast<std::uint64_t>(std::chrono::nanoseconds(step).count());
    const std::lock_guard<std::mutex> lock(mutex_);
    if (any_ && figures.mono_ns - last_ns_ < step_ns) return;
    any_ = true;
    last_ns_ = figures.mono_ns;
    for (const TierFigures& tier : figures.tiers) {
        std::uint64_t bytes = tier.bytes;
        for (const auto& [name, used] : servers)
            if (name == tier.name) bytes = used;
        add("store:" + tier.name, {figures.wall_ms, tier.entries, bytes});
    }
    for (const SpaceFigures& space : figures.spaces)
        add("namespace:" + space.counts.name, {figures.wall_ms, space.entries, space.bytes});
    // A namespace that a reload took away is forgotten when its last point is older than the ring.
    constexpr auto week_ms = static_cast<std::uint64_t>(std::chrono::milliseconds(step).count()) * points;
    std::erase_if(rings_, [&](const auto& one) { return figures.wall_ms - std::min(figures.wall_ms, one.second.seen_ms) > week_ms; });
}

std::vector<History::Point> History::points_of(std::string_view what) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = rings_.find(what);
    if (it == rings_.end()) return {};
    const Ring& ring = it->second;
    std::vector<Point> out(ring.kept.begin() + static_cast<std::ptrdiff_t>(ring.next), ring.kept.end());
    out.insert(out.end(), ring.kept.begin(), ring.kept.begin() + static_cast<std::ptrdiff_t>(ring.next));
    return out;
}

std::vector<std::string> History::names() const {
    std::vector<std::string> out;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [name, ring] : rings_) out.push_back(name);
    return out;
}

std::optional<History::Forecast> History::forecast(std::string_view what, std::uint64_t capacity_bytes) const {
    constexpr std::size_t of_a_day = 24 * 12, of_an_hour = 12;
    std::vector<Point> all = points_of(what);
    if (all.size() > of_a_day) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(of_a_day));
    if (all.size() <= of_an_hour) return std::nullopt;
    // Least squares over hours before now; the mean is taken off first, so that nothing large is squared.
    const double n = static_cast<double>(all.size());
    const auto hours = [&](const Point& point) {
        return (static_cast<double>(point.at_ms) - static_cast<double>(all.back().at_ms)) / 3'600'000.0;
    };
    double mean_x = 0, mean_y = 0;
    for (const Point& point : all) {
        mean_x += hours(point) / n;
        mean_y += static_cast<double>(point.bytes) / n;
    }
    double xy = 0, xx = 0;
    for (const Point& point : all) {
        const double x = hours(point) - mean_x;
        xy += x * (static_cast<double>(point.bytes) - mean_y);
        xx += x * x;
    }
    if (xx <= 0) return std::nullopt;
    Forecast out;
    out.bytes_per_hour = xy / xx;
    const double left = static_cast<double>(capacity_bytes) - static_cast<double>(all.back().bytes);
    if (capacity_bytes != 0 && left <= 0) out.full_in_hours = 0;
    else if (capacity_bytes != 0 && out.bytes_per_hour > 0) out.full_in_hours = left / out.bytes_per_hour;
    return out;
}

}  // namespace larder::api
