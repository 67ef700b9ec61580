// plugins/store_lmdb/sieve.hpp -- which entry goes when the file is full.
//
// SIEVE (Zhang et al., NSDI 2024): entries stand in order of arrival, a hand walks from the oldest to the newest and
// round again; what was used since it last passed is spared, once, and stays where it is; what was not goes. It was
// chosen because nothing moves: a hit sets one bit in this process's memory, where LRU would write to the file at
// every read, and what is read once by a scan goes before what is read twice, where FIFO would not tell.
//
// The bits are found by the entry's number modulo their count: two entries that share one spare each other once too
// often, which happens from four million entries on. They are not kept over a restart: the oldest go first then.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace larder::store_lmdb {

class Sieve {
  public:
    Sieve() : bits_(std::make_unique<std::atomic<std::uint64_t>[]>(words)) {}

    // By any thread.
    void use(std::uint64_t number) noexcept {
        std::atomic<std::uint64_t>& word = word_of(number);
        const std::uint64_t bit = bit_of(number);
        if ((word.load(std::memory_order_relaxed) & bit) == 0) {
            word.fetch_or(bit, std::memory_order_relaxed);
        }
    }
    // Whether it was used since the last time this was asked.
    bool spare(std::uint64_t number) noexcept {
        const std::uint64_t bit = bit_of(number);
        return (word_of(number).fetch_and(~bit, std::memory_order_relaxed) & bit) != 0;
    }

    // The number to look at next; of whoever writes.
    std::uint64_t hand = 0;

  private:
    static constexpr std::size_t words = 1U << 16;  // 512 KiB
    std::atomic<std::uint64_t>& word_of(std::uint64_t number) const noexcept { return bits_[number / 64 % words]; }
    static std::uint64_t bit_of(std::uint64_t number) noexcept { return std::uint64_t{1} << number % 64; }

    const std::unique_ptr<std::atomic<std::uint64_t>[]> bits_;
};

}  // namespace larder::store_lmdb
