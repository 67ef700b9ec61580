// kernel/core/random.hpp -- random numbers, passed in.
#pragma once

#include <cstdint>

namespace larder {

class Random {
  public:
    virtual ~Random() = default;
    virtual std::uint64_t next() noexcept = 0;  // [any thread] 64 random bits, never 0
};

// Thread-local xoshiro256** seeded by the system's generator (getrandom): fast, not for secrets.
class SystemRandom final : public Random {
  public:
    std::uint64_t next() noexcept override;
};

// The same numbers for the same seed; for one thread, or any thread when the order does not matter.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed);
    std::uint64_t next() noexcept override;

  private:
    std::uint64_t state_[4];
};

}  // namespace larder
