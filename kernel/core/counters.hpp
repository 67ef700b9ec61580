// kernel/core/counters.hpp -- counting without sharing a cache line.
//
// Each thread adds to cells of its own; a reader sums over the threads. A sum that is read while
// others count is between what it was when the read began and when it ended. Cells of ended threads
// are kept.
//
// A thread takes one of the owned stripes with its first count and gives it back when it ends, so a
// plain load and store will do (an atomic add costs five times that, even alone). The threads that
// come when all are taken share the last stripe and add atomically: nothing is lost, only slower.
#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace larder {

namespace detail {
// The stripe of this thread, or one that Counters::add takes as "none of its own".
#if defined(__GNUC__)
__attribute__((tls_model("initial-exec")))
#endif
extern constinit thread_local std::size_t counter_stripe;
}  // namespace detail

// A group of up to 16 counters that are used together (of one namespace, of one tier).
class Counters {
  public:
    static constexpr std::size_t width = 16, stripes = 16;
    static constexpr std::size_t owned = stripes - 1;  // the last one is shared

    // REQUIRES: which < width. [hot] About 1 ns.
    void add(std::size_t which, std::uint64_t by = 1) noexcept {
        assert(which < width);
        const std::size_t own = detail::counter_stripe;
        if (own < owned) [[likely]] {
            auto& cell = cells_[own].value[which];
            cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
        } else {
            cells_[stripe()].value[which].fetch_add(by, std::memory_order_relaxed);
        }
    }
    std::uint64_t sum(std::size_t which) const noexcept {
        assert(which < width);
        std::uint64_t total = 0;
        for (const auto& cells : cells_)
            total += cells.value[which].load(std::memory_order_relaxed);
        return total;
    }

  private:
    struct alignas(64) Cells {
        std::array<std::atomic<std::uint64_t>, width> value{};
    };
    // Of this thread, taken now if it has none.
    static std::size_t stripe() noexcept;
    std::array<Cells, stripes> cells_;
};

}  // namespace larder
