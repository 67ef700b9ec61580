// kernel/replay/figures_text.cpp -- numbers of a replay as people read them.
#include "kernel/replay/figures_text.hpp"

#include <array>
#include <cstdio>

namespace larder::replay {

std::string grouped_text(std::uint64_t n) {
    std::string out = std::to_string(n);
    for (std::size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, ",");
    return out;
}

std::string decimal_text(double value, int places) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.*f", places, value);
    return text.data();
}

std::string percent_text(double share) { return decimal_text(static_cast<double>(static_cast<std::uint64_t>(share * 10'000)) / 100, 2) + " %"; }

std::string size_text(std::uint64_t bytes) {
    if (bytes < (10u << 10)) return grouped_text(bytes) + " B";
    if (bytes < (10u << 20)) return decimal_text(static_cast<double>(bytes) / 1024, 1) + " KiB";
    return decimal_text(static_cast<double>(bytes) / (1 << 20), 1) + " MiB";
}

std::string seconds_text(std::uint64_t us) { return decimal_text(static_cast<double>(us) / 1e6, us < 10'000'000 ? 3 : 1) + " s"; }

}  // namespace larder::replay
