// kernel/editor/live_figures.cpp -- what a running kernel counts, for who must not wait for it.
#include "kernel/editor/live_figures.hpp"

#include <boost/json.hpp>

#include <cstdio>
#include <utility>

namespace larder::editor {
namespace {

namespace json = boost::json;

double number(const json::object& from, std::string_view name) {
    const json::value* const value = from.if_contains(name);
    return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

std::string grouped(double count) {
    std::string digits = std::to_string(static_cast<std::uint64_t>(count < 0 ? 0 : count));
    for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
    return digits;
}

std::string line_of(const json::object& counts) {
    const double hits = number(counts, "hits") + number(counts, "stale");
    const double reads = hits + number(counts, "misses") + number(counts, "absent");
    const double entries = number(counts, "entries");
    std::string out = grouped(entries) + (entries == 1 ? " entry" : " entries");
    if (reads > 0) {
        char percent[32];
        std::snprintf(percent, sizeof percent, "%.1f", 100 * hits / reads);
        out += ", " + std::string(percent) + " % hits of " + grouped(reads) + " reads";
    }
    return out + ", " + grouped(number(counts, "dropped")) + " dropped";
}

}  // namespace

std::map<std::string, std::string> figures_by_namespace(const std::string& stats) {
    std::map<std::string, std::string> out;
    json::error_code error;
    const json::value said = json::parse(stats, error);
    if (error || !said.is_object()) return out;
    const json::value* const spaces = said.get_object().if_contains("namespaces");
    if (spaces == nullptr || !spaces->is_object()) return out;
    for (const auto& [name, counts] : spaces->get_object())
        if (counts.is_object()) out[std::string(name)] = line_of(counts.get_object());
    return out;
}

LiveFigures::LiveFigures(Ask ask) : ask_(std::move(ask)), thread_([this] { run(); }) {}

LiveFigures::~LiveFigures() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    wanted_.notify_one();
    thread_.join();
}

std::string LiveFigures::of(const std::string& space, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    now_ = now;
    if (!asked_at_ || now - *asked_at_ >= fresh) {
        asked_at_ = now;
        asked_ = true;
        wanted_.notify_one();
    }
    if (!heard_ || now - *heard_ > stale) return {};
    const auto line = lines_.find(space);
    return line == lines_.end() ? std::string() : line->second;
}

void LiveFigures::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wanted_.wait(lock, [this] { return asked_ || ends_; });
        if (ends_) return;
        asked_ = false;
        lock.unlock();
        const auto stats = ask_();
        auto lines = stats ? figures_by_namespace(*stats) : std::map<std::string, std::string>();
        lock.lock();
        if (!stats) continue;
        lines_ = std::move(lines);
        heard_ = now_;
    }
}

}  // namespace larder::editor
