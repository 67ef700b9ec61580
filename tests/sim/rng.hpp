// tests/sim/rng.hpp -- all chance in a simulated world comes from one seed.
#pragma once

#include <cstdint>

namespace larder::sim {

// SplitMix64 (Steele, Lea and Flood, 2014).
class Rng {
  public:
    explicit Rng(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : next() % n; }
    // Both ends included.
    std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
    bool one_in(std::uint64_t n) { return n != 0 && below(n) == 0; }
    bool percent(std::uint64_t p) { return below(100) < p; }

  private:
    std::uint64_t state_;
};

}  // namespace larder::sim
