// plugins/store_redis/ring.hpp -- which of several independent servers has a key.
//
// Rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998):
// every server draws a number for the key, and the highest has it. A server that joins takes only the
// keys it draws highest for, one in n of them, and one that leaves gives away only its own. No table of
// points as ketama has, whose shares differ by some percent; the price is one multiplication chain a
// server and key, which for the handful of servers of a ring is nothing beside a round trip.
//
// The numbers come from the servers' names and the key's hash tag only: all nodes agree, whatever order
// their configuration has. They are kept in stored data, so to speak: changing the hash moves every key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::store_redis {

class Ring {
  public:
    explicit Ring(const std::vector<std::string>& names);

    // Below size(). REQUIRES: at least one name.
    std::size_t owner(std::string_view key) const noexcept;
    std::size_t size() const noexcept { return seeds_.size(); }

  private:
    std::vector<std::uint64_t> seeds_;
};

}  // namespace larder::store_redis
