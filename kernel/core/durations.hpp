// kernel/core/durations.hpp -- how long things take, counted in buckets.
//
// A histogram with fixed bounds from 1 us to 5 s, 1, 2.5 and 5 times powers of ten. Adding is two
// relaxed atomic adds and some more; it is meant for what is slow anyway (a call over a network, a
// load) and for samples of what is fast: the hit path measures one operation in `sample_every` of a
// thread and adds it with that weight, so that counts stay comparable. Between samples a hit pays
// one decrement of a thread-local word.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace larder {

// The numbers of a histogram at one moment; add them up as you like.
struct DurationFigures {
    static constexpr std::size_t buckets = 21;
    std::array<std::uint64_t, buckets + 1> in_bucket{};  // not cumulative; last: above all bounds
    std::uint64_t count = 0;
    double sum_s = 0;

    static constexpr std::array<double, buckets> bounds_s{
        1e-6,   2.5e-6, 5e-6,   1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3,
        5e-3,   1e-2,   2.5e-2, 5e-2, 1e-1,   2.5e-1, 5e-1, 1,    2.5,  5};
    double mean_s() const noexcept { return count == 0 ? 0 : sum_s / static_cast<double>(count); }
    // Below which a share of `q` lies, interpolated inside its bucket; 0 when nothing was counted.
    double quantile_s(double q) const noexcept {
        if (count == 0) return 0;
        const double wanted = q * static_cast<double>(count);
        double below = 0;
        for (std::size_t i = 0; i < buckets; ++i) {
            const auto here = static_cast<double>(in_bucket[i]);
            if (here > 0 && below + here >= wanted) {
                const double from = i == 0 ? 0 : bounds_s[i - 1];
                return from + (bounds_s[i] - from) * (wanted - below) / here;
            }
            below += here;
        }
        return bounds_s[buckets - 1];
    }
    DurationFigures& operator+=(const DurationFigures& other) noexcept {
        for (std::size_t i = 0; i <= buckets; ++i) in_bucket[i] += other.in_bucket[i];
        count += other.count;
        sum_s += other.sum_s;
        return *this;
    }
    DurationFigures& operator-=(const DurationFigures& earlier) noexcept {
        for (std::size_t i = 0; i <= buckets; ++i) in_bucket[i] -= earlier.in_bucket[i];
        count -= earlier.count;
        sum_s -= earlier.sum_s;
        return *this;
    }
};

// Safe for any number of threads.
class Durations {
  public:
    void add(std::uint64_t ns, std::uint64_t weight = 1) noexcept {
        const double seconds = static_cast<double>(ns) / 1e9;
        std::size_t bucket = 0;
        while (bucket < DurationFigures::buckets && seconds > DurationFigures::bounds_s[bucket]) ++bucket;
        in_bucket_[bucket].fetch_add(weight, std::memory_order_relaxed);
        sum_ns_.fetch_add(ns * weight, std::memory_order_relaxed);
    }
    DurationFigures figures() const noexcept {
        DurationFigures out;
        for (std::size_t i = 0; i <= DurationFigures::buckets; ++i) {
            out.in_bucket[i] = in_bucket_[i].load(std::memory_order_relaxed);
            out.count += out.in_bucket[i];
        }
        out.sum_s = static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9;
        return out;
    }

  private:
    std::array<std::atomic<std::uint64_t>, DurationFigures::buckets + 1> in_bucket_{};
    std::atomic<std::uint64_t> sum_ns_{0};
};

namespace detail {
inline constexpr std::uint32_t sample_every = 64;
#if defined(__GNUC__)
__attribute__((tls_model("initial-exec")))
#endif
extern constinit thread_local std::uint32_t until_sample;  // counters.cpp
// Whether this operation is the one of its thread that is measured. [hot]
inline bool sample_now() noexcept {
    if (--until_sample != 0) [[likely]] return false;
    until_sample = sample_every;
    return true;
}
extern constinit thread_local std::uint32_t sampled;  // operations of this thread so far; counters.cpp
// This thread begins as a new one does. The simulator's threads outlive its worlds.
inline void sample_anew() noexcept {
    until_sample = sample_every;
    sampled = 0;
}
// Set where a lookup goes on below the first tier: a measured one then says nothing of that tier.
extern constinit thread_local bool went_below;  // counters.cpp
}  // namespace detail

}  // namespace larder
