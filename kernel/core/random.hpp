// kernel/core/random.hpp -- random numbers, passed in.
#pragma once

#include <atomic>
#include <cstdint>

namespace larder {

class Random {
  public:
    virtual ~Random() = default;
    virtual std::uint64_t next() noexcept = 0;  // [any thread] 64 random bits, never 0
};

// Thread-local xoshiro256** (Blackman and Vigna, 2018) seeded by the system's generator
// (getrandom): fast, not for secrets. The child of a fork() draws other numbers than its parent.
class SystemRandom final : public Random {
  public:
    std::uint64_t next() noexcept override;
};

// The same numbers for the same seed, none twice (SplitMix64: Steele, Lea and Flood, 2014). For one
// thread, or any thread when the order does not matter.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() noexcept override;

  private:
    std::atomic<std::uint64_t> state_;
};

}  // namespace larder
