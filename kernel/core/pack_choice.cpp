// kernel/core/pack_choice.cpp -- see pack_choice.hpp.
#include "kernel/core/pack_choice.hpp"

#include "kernel/core/packed_formats.hpp"

namespace larder {

double Trial::price(const PackPrice& of) const noexcept {
    if (in == 0) return 1;
    return (static_cast<double>(out) + time_ns(of) / 1000 * of.bytes_per_us) / static_cast<double>(in);
}

Trial try_coder(const std::shared_ptr<const Coder>& coder, std::uint64_t from, std::span<const std::string> values, const Clock& clock) {
    Trial trial;
    trial.coder = coder;
    std::string room, back;
    for (const std::string& value : values) {
        trial.in += value.size();
        if (coder == nullptr || value.size() < from || !packed_format(value).empty()) {
            trial.out += value.size();
            continue;
        }
        const std::uint64_t began = clock.fine_ns();
        const std::string_view packed = coder->compress(value, room);
        const std::uint64_t packed_at = clock.fine_ns();
        trial.pack_ns += packed_at - began;
        trial.out += packed.empty() ? value.size() : packed.size();
        if (packed.empty()) continue;
        back.resize(value.size());
        const std::uint64_t again = clock.fine_ns();
        const bool same = coder->decompress(packed, back.data(), back.size()) && back == value;
        trial.unpack_ns += clock.fine_ns() - again;
        if (!same) trial.out += value.size() - packed.size();
    }
    return trial;
}

std::size_t cheapest(std::span<const Trial> trials, const PackPrice& price, std::size_t now) {
    constexpr double better = 0.97, as_good = 1.02;
    std::size_t best = 0;
    for (std::size_t i = 1; i < trials.size(); ++i)
        if (trials[i].price(price) < trials[best].price(price)) best = i;
    const double enough = trials[best].price(price) * as_good;
    for (std::size_t i = 0; i < trials.size(); ++i)
        if (trials[i].price(price) <= enough && trials[i].time_ns(price) < trials[best].time_ns(price)) best = i;
    const bool stays = now < trials.size() && trials[best].price(price) > trials[now].price(price) * better;
    return stays ? now : best;
}

}  // namespace larder
