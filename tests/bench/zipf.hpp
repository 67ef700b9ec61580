// tests/bench/zipf.hpp -- numbers by Zipf's law, for every bench that draws keys.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

namespace larder::bench {

// Zipf's law by inversion of the harmonic sums' integral, corrected by rejection: W. Hormann,
// G. Derflinger: "Rejection-inversion to generate variates from monotone discrete distributions",
// ACM TOMACS 1996.
class Zipf {
  public:
    Zipf(std::uint64_t n, double skew) : n_(static_cast<double>(n)), skew_(skew) {
        low_ = integral(1.5) - 1;
        high_ = integral(n_ + 0.5);
    }
    std::uint64_t operator()(std::mt19937_64& random) const {
        for (;;) {
            const double u = high_ + std::uniform_real_distribution<>()(random) * (low_ - high_);
            const double x = inverse(u);
            const double k = std::clamp(std::floor(x + 0.5), 1.0, n_);
            if (k - x <= 0.5 || u >= integral(k + 0.5) - std::pow(k, -skew_)) {
                return static_cast<std::uint64_t>(k) - 1;
            }
        }
    }

  private:
    double integral(double x) const {
        return skew_ == 1 ? std::log(x) : (std::pow(x, 1 - skew_) - 1) / (1 - skew_);
    }
    double inverse(double y) const {
        return skew_ == 1 ? std::exp(y) : std::pow(1 + y * (1 - skew_), 1 / (1 - skew_));
    }
    double n_, skew_, low_ = 0, high_ = 0;
};

}  // namespace larder::bench
