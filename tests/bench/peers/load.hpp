// tests/bench/peers/load.hpp -- the same work for every cache, and what is measured of it.
//
// A key is made from its number in registers, so that no cache is charged for fetching the keys. A draw
// is made beforehand. A get reads the whole value. What is missing is put, as its user would.
//
// Each measurement is a process of its own (fork), so that memory is that cache's and nobody inherits a
// heap; processes of one row follow each other, so that a machine that gets busy is busy for all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace larder::bench {

inline constexpr std::size_t key_count = 1'000'000;

struct Row {
    std::size_t key_size = 16;
    bool mixed = false;    // values of 32 to 1024 bytes instead of 100
    bool zipf = true;      // skew 0.99; else uniform
    unsigned threads = 1;
    unsigned capacity = 100;  // percent of the keys that fit
    unsigned writes = 0;      // percent of the operations
    bool drops = false;       // a thousand tag drops a second meanwhile
    std::string name() const;
};

struct Measured {
    double mops = 0, hit = 0, bytes_per_entry = 0;
    double p50 = 0, p99 = 0, p999 = 0;  // ns
    bool there = false;
};

// What a cache under test can do. put and get may be called from any number of threads.
class Subject {
  public:
    static constexpr bool apart = false;  // its own size without entries does not count
    virtual ~Subject() = default;
    virtual void put(std::string_view key, std::string_view value) = 0;
    virtual void drop_tag_of(std::uint64_t) {}  // of key number n
    virtual void rest() {}                      // lets happen what it does in the background
};

// A key in text without special characters, of 16 or 40 bytes.
class Key {
  public:
    Key(std::uint64_t number, std::size_t size) noexcept;
    std::string_view view() const noexcept { return {text_, size_}; }

  private:
    alignas(8) char text_[40];
    std::size_t size_;
};
std::string_view value_of(const Row& row, std::uint64_t number);

// Reads it all; the sum keeps the compiler honest.
inline std::uint64_t read_all(const void* data, std::size_t size) noexcept {
    std::uint64_t sum = 0, word = 0;
    const char* at = static_cast<const char*>(data);
    for (; size >= 8; size -= 8, at += 8) {
        __builtin_memcpy(&word, at, 8);
        sum += word;
    }
    return sum + size;
}

std::uint64_t resident_bytes();
std::vector<std::vector<std::uint32_t>> draws_of(const Row& row, std::size_t operations);

// Runs `work` in a process of its own; `there` false when that one died.
Measured in_own_process(const std::function<Measured()>& work);

// One cache, one row. `get` is a template parameter so that nothing stands between the loop and it:
// bool get(subject, key, sum), true for a hit.
template <class S, class Get>
Measured measure(const Row& row, std::size_t operations, const std::function<std::unique_ptr<S>(unsigned capacity_percent)>& make, Get get);

}  // namespace larder::bench

#include "tests/bench/peers/measure.hpp"
