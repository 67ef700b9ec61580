// kernel/core/warm_days.cpp -- words for days as dates.
#include "kernel/core/warm_days.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>

namespace larder {
namespace {

constexpr std::uint64_t day_ms = 86'400'000;

// Nothing: it is another text.
std::optional<std::string> date_of(std::string_view text, std::uint64_t wall_ms) {
    constexpr std::string_view word = "@today";
    if (!text.starts_with(word)) return std::nullopt;
    text.remove_prefix(word.size());
    std::int64_t days = 0;
    if (!text.empty()) {
        const bool back = text.front() == '-';
        if ((!back && text.front() != '+') || text.size() < 3 || text.size() > 6 || text.back() != 'd') return std::nullopt;
        for (const char c : text.substr(1, text.size() - 2)) {
            if (c < '0' || c > '9') return std::nullopt;
            days = days * 10 + (c - '0');
        }
        if (back) days = -days;
    }
    const std::time_t seconds = (static_cast<std::int64_t>(wall_ms / day_ms) + days) * 86'400;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 16> out{};
    std::strftime(out.data(), out.size(), "%Y-%m-%d", &parts);
    return out.data();
}

}  // namespace

void put_days(std::string& key, std::vector<std::string>& values, std::uint64_t wall_ms) {
    std::vector<std::pair<std::string, std::string>> dates;
    for (std::string& value : values)
        if (auto date = date_of(value, wall_ms)) dates.emplace_back(std::exchange(value, *date), *date);
    std::sort(dates.begin(), dates.end(), [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
    for (const auto& [word, date] : dates)
        for (std::size_t at = key.find(word); at != std::string::npos; at = key.find(word, at + date.size())) key.replace(at, word.size(), date);
}

}  // namespace larder
