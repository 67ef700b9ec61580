// plugins/gateway_resp/counters.hpp -- what the gateway counts, without its threads sharing a line.
//
// Each thread of the gateway adds to a cell of its own; who reads takes the sum, which misses at most
// what is being added just now.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace larder::resp {

class Counter {
  public:
    void add(std::uint64_t n) noexcept {
        cells_[own_cell()].count.fetch_add(n, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t load(
        std::memory_order order = std::memory_order_relaxed) const noexcept {
        std::uint64_t sum = 0;
        for (const Cell& cell : cells_) {
            sum += cell.count.load(order);
        }
        return sum;
    }
    void reset() noexcept {
        for (Cell& cell : cells_) {
            cell.count.store(0, std::memory_order_relaxed);
        }
    }

    // The calling thread counts there from now on. Two threads may share a cell.
    static void use_cell(std::size_t number) noexcept { own_cell() = number % cell_count; }

  private:
    static constexpr std::size_t cell_count = 16;
    struct alignas(64) Cell {
        std::atomic<std::uint64_t> count{0};
    };
    static std::size_t& own_cell() noexcept {
        thread_local std::size_t cell = 0;
        return cell;
    }
    Cell cells_[cell_count];
};

struct Command;

// Of one command, for INFO commandstats. Shared by the threads: a batch adds once.
struct CommandCounters {
    std::atomic<std::uint64_t> calls{0}, rejected{0}, failed{0};
};

struct Counters {
    static constexpr std::size_t most_commands = 256;
    std::atomic<std::uint64_t> connections{0};  // open now
    CommandCounters commands[most_commands];    // as commands() of command_table.hpp
    [[nodiscard]] CommandCounters& of(const Command& command) noexcept;
    Counter connections_total, refused, requests, errors, bytes_in, bytes_out, hits, misses,
        not_kept, timeouts;
};

inline void count(Counter& counter, std::uint64_t n = 1) noexcept { counter.add(n); }
inline void count(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) noexcept {
    counter.fetch_add(n, std::memory_order_relaxed);
}

}  // namespace larder::resp
