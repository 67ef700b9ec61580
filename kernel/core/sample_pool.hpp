// kernel/core/sample_pool.hpp -- some of a namespace's values, for learning from them.
//
// Bounded in values and bytes. Until it is full it takes every value; then one in sixteen, in the place of others
// at random: what is in it is a picture of the last few thousand writes. Who offers never waits: while
// somebody looks at the pool, or another offers, the value passes by.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace larder {

class SamplePool {
  public:
    struct Limits {
        std::size_t values = 2048, bytes = std::size_t{2} << 20;
        std::size_t cut = std::size_t{16} << 10;  // of a value at most so much
    };
    explicit SamplePool(const Limits& limits) : limits_(limits) {}

    // True once: when the pool has reached what ready_at asked for.
    bool offer(std::string_view value);
    void ready_at(std::size_t values, std::size_t bytes);

    std::size_t values() const noexcept { return count_.load(std::memory_order_relaxed); }
    std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
    // The larger part to learn from, and the rest to judge by; of each at most so many bytes.
    struct Halves {
        std::vector<std::string> learn, judge;
    };
    Halves halves(std::size_t most_bytes) const;
    void clear();

  private:
    std::size_t dice() noexcept;
    const Limits limits_;
    std::atomic<std::size_t> count_{0}, bytes_{0};
    std::atomic<std::uint32_t> passed_{0};
    mutable std::mutex mutex_;  // guards what follows
    std::vector<std::string> values_;
    std::uint64_t state_ = 0x9e3779b97f4a7c15ULL;
    std::size_t ready_values_ = SIZE_MAX, ready_bytes_ = SIZE_MAX;
};

}  // namespace larder
