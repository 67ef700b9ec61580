// kernel/core/counters.hpp -- counting without sharing a cache line.
//
// Each thread adds to cells of its own; a reader sums over the threads. A sum that is read while others
// count is between what it was when the read began and when it ended. Cells of ended threads are kept.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace larder {

// A group of up to 16 counters that are used together (of one namespace, of one tier).
class Counters {
  public:
    static constexpr std::size_t width = 16, stripes = 16;
    // [hot] About 1 ns: a relaxed add on this thread's stripe.
    void add(std::size_t which, std::uint64_t by = 1) noexcept {
        auto& cell = cells_[stripe()].value[which];
        cell.fetch_add(by, std::memory_order_relaxed);
    }
    std::uint64_t sum(std::size_t which) const noexcept {
        std::uint64_t total = 0;
        for (const auto& cells : cells_) total += cells.value[which].load(std::memory_order_relaxed);
        return total;
    }

  private:
    struct alignas(64) Cells {
        std::array<std::atomic<std::uint64_t>, width> value{};
    };
    static std::size_t stripe() noexcept;
    std::array<Cells, stripes> cells_;
};

}  // namespace larder
