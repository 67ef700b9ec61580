// kernel/loader/quantity.cpp -- durations and sizes as people write them, in the units the ABI
// counts.
#include "kernel/loader/quantity.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace larder::loader {
namespace {

struct Unit {
    std::string_view word;
    std::int64_t worth;
};

constexpr std::int64_t ms = 1'000'000;
// Falling, as they follow each other in "1h30m".
constexpr std::array<Unit, 6> duration_units{{
    {"w", 7 * 24 * 3600 * 1000 * ms},
    {"d", 24 * 3600 * 1000 * ms},
    {"h", 3600 * 1000 * ms},
    {"m", 60 * 1000 * ms},
    {"s", 1000 * ms},
    {"ms", ms},
}};
constexpr std::array<Unit, 9> size_units{{
    {"B", 1},
    {"KiB", 1LL << 10},
    {"MiB", 1LL << 20},
    {"GiB", 1LL << 30},
    {"TiB", 1LL << 40},
    {"KB", 1000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
}};

template <class T>
std::optional<T> whole(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
        return std::nullopt;
    }
    return value;
}

// Digits and a word from the front of text: {7, "h"} of "7h30m".
std::optional<std::pair<std::int64_t, std::string_view>> take(std::string_view& text) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto rest = std::min(text.find_first_of("0123456789", digits), text.size());
    const auto count = whole<std::int64_t>(text.substr(0, digits));
    if (!count) {
        return std::nullopt;
    }
    const std::pair taken{*count, text.substr(digits, rest - digits)};
    text.remove_prefix(rest);
    return taken;
}

}  // namespace

std::optional<std::int64_t> duration_ns(std::string_view text) {
    std::int64_t total = 0;
    std::size_t next = 0;  // The first unit that may still follow.
    do {
        const auto part = take(text);
        if (!part) {
            return std::nullopt;
        }
        while (next < duration_units.size() && duration_units[next].word != part->second) {
            ++next;
        }
        std::int64_t worth = 0;
        if (next == duration_units.size() ||
            __builtin_mul_overflow(part->first, duration_units[next].worth, &worth) ||
            __builtin_add_overflow(total, worth, &total)) {
            return std::nullopt;
        }
        ++next;
    } while (!text.empty());
    return total;
}

std::optional<std::int64_t> size_bytes(std::string_view text) {
    const auto part = take(text);
    if (!part || !text.empty()) {
        return std::nullopt;
    }
    for (const Unit& unit : size_units) {
        std::int64_t bytes = 0;
        if (unit.word == part->second && !__builtin_mul_overflow(part->first, unit.worth, &bytes)) {
            return bytes;
        }
    }
    return std::nullopt;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    return whole<std::int64_t>(text);
}

std::optional<double> real_number(std::string_view text) {
    const auto value = whole<double>(text);
    return value && std::isfinite(*value) ? value : std::nullopt;
}

}  // namespace larder::loader
