// plugins/store_memory/striped_count.hpp -- a sum that many threads change and few read.
//
// Each stripe gathers up to `grain` before it tells the total, so writers seldom meet on a line,
// and the total, which is what a put looks at, is right to within stripes x grain. sum() is exact
// when nobody writes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace larder::store_memory {

class StripedCount {
  public:
    void set_grain(std::int64_t grain) noexcept { grain_.store(grain, std::memory_order_relaxed); }
    // The most by which about() may be wrong.
    std::int64_t slack() const noexcept {
        return grain_.load(std::memory_order_relaxed) * static_cast<std::int64_t>(count);
    }

    void add(std::uint32_t stripe, std::int64_t delta) noexcept {
        std::atomic<std::int64_t>& part = parts_[stripe % count].value;
        const std::int64_t grain = grain_.load(std::memory_order_relaxed);
        const std::int64_t now = part.fetch_add(delta, std::memory_order_relaxed) + delta;
        if (now > grain || now < -grain) {
            total_.fetch_add(part.exchange(0, std::memory_order_relaxed),
                             std::memory_order_relaxed);
        }
    }
    std::int64_t about() const noexcept { return total_.load(std::memory_order_relaxed); }
    std::uint64_t sum() const noexcept {
        std::int64_t sum = about();
        for (const Part& part : parts_) {
            sum += part.value.load(std::memory_order_relaxed);
        }
        return sum > 0 ? static_cast<std::uint64_t>(sum) : 0;
    }

  private:
    static constexpr std::uint32_t count = 16;
    struct alignas(64) Part {
        std::atomic<std::int64_t> value{0};
    };
    alignas(64) std::atomic<std::int64_t> total_{0};
    std::atomic<std::int64_t> grain_{0};
    std::array<Part, count> parts_;
};

}  // namespace larder::store_memory
