// plugins/store_redis/slot_map.hpp -- who owns which slot, as one node of a cluster tells it.
//
// The reply to CLUSTER SLOTS: ranges, each with its master and its replicas. It is believed as a whole or
// not at all: a map with slots that do not exist, ranges that overlap, more nodes than the caps or a
// host that cannot be one is refused, and the map before stays. A cluster that lacks slots is no error:
// their keys have no owner then.
#pragma once

#include "options.hpp"
#include "slot.hpp"
#include "wire.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace larder::store_redis {

class SlotMap {
  public:
    static constexpr std::size_t most_masters = 255;
    static constexpr std::size_t most_replicas = 1024;
    static constexpr std::uint8_t nobody = 255;

    // asked: the node that answered; where it leaves a host empty it means itself. Nothing, and why,
    // when the reply is no map.
    static std::optional<SlotMap> read(const Reply& reply, const Endpoint& asked, std::string& why);

    // In the order of their lowest slots, so that a master's successor stands in its place.
    const std::vector<Endpoint>& masters() const noexcept { return masters_; }
    const std::vector<Endpoint>& replicas() const noexcept { return replicas_; }
    // A number of masters(), or nobody. REQUIRES: slot < cluster_slots.
    std::uint8_t owner(std::uint32_t slot) const noexcept { return owners_[slot]; }
    std::uint32_t slots_owned() const noexcept { return owned_; }

    bool operator==(const SlotMap& other) const noexcept {
        return masters_ == other.masters_ && owners_ == other.owners_;
    }

  private:
    SlotMap() { owners_.fill(nobody); }
    bool claim(std::uint32_t low, std::uint32_t high, const Endpoint& master, std::string& why);
    void settle();

    std::vector<Endpoint> masters_, replicas_;
    std::array<std::uint8_t, cluster_slots> owners_;
    std::uint32_t owned_ = 0;
};

}  // namespace larder::store_redis
