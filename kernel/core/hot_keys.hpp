// kernel/core/hot_keys.hpp -- the keys asked for most, of a stream that is never kept.
//
// Space-Saving (Metwally, Agrawal and El Abbadi, "Efficient computation of frequent and top-k elements in
// data streams", 2005): a table of as many counters as there are places; a key that has none takes that
// of the rarest and goes on from its count. A key that is more than 1/places of the stream is in the
// table, and counts are too high by at most the rarest one's. It is told of one get in a thousand only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder {

// Safe for any number of threads.
class HotKeys {
  public:
    static constexpr std::size_t places = 128, longest_key = 256;
    HotKeys();
    // Allocates nothing and waits for nobody: while another thread is in here the sample is left out. [hot]
    void add(std::uint32_t ns, std::string_view key, std::uint64_t weight);
    struct Key {
        std::uint32_t ns = 0;
        std::string key;
        std::uint64_t count = 0;
    };
    std::vector<Key> top(std::size_t n) const;  // most asked first

  private:
    mutable std::mutex mutex_;
    std::vector<Key> keys_;          // guarded by mutex_
    std::vector<std::string> room_;  // guarded by mutex_: texts for those that come, of longest_key each
};

}  // namespace larder
