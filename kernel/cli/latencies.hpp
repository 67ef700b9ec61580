// kernel/cli/latencies.hpp -- how long things took: counted in buckets, asked for by share.
//
// Sixteen buckets for each power of two, so an answer is at most 6 % off, whatever was added.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace larder::cli {

class Latencies {
  public:
    void add(std::uint64_t ns, std::uint64_t times = 1) noexcept {
        counts_[bucket(ns)] += times;
        total_ += times;
    }
    // The time within which this share (0.5, 0.99) of all were done, in ns; 0: nothing was added.
    [[nodiscard]] std::uint64_t within(double share) const noexcept {
        auto left = static_cast<std::uint64_t>(share * static_cast<double>(total_));
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            if (counts_[i] > left) return upper(i);
            left -= counts_[i];
        }
        return total_ == 0 ? 0 : upper(counts_.size() - 1);
    }
    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

  private:
    static constexpr unsigned fine_bits = 4;
    static constexpr std::size_t powers = 40;

    static std::size_t bucket(std::uint64_t ns) noexcept {
        if (ns < (1u << fine_bits)) return ns;
        const unsigned power = static_cast<unsigned>(std::bit_width(ns)) - 1 - fine_bits;
        const std::size_t at = (std::size_t{power} << fine_bits) + (ns >> power);
        return std::min(at, (powers << fine_bits) - 1);
    }
    static std::uint64_t upper(std::size_t bucket) noexcept {
        if (bucket < (2u << fine_bits)) return bucket;
        const std::size_t power = (bucket >> fine_bits) - 1;
        return ((bucket & ((1u << fine_bits) - 1)) + (1u << fine_bits) + 1) << power;
    }

    std::array<std::uint64_t, powers << fine_bits> counts_{};
    std::uint64_t total_ = 0;
};

}  // namespace larder::cli
