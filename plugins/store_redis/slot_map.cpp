// plugins/store_redis/slot_map.cpp -- reads CLUSTER SLOTS.
#include "slot_map.hpp"

#include "redirect.hpp"

#include <algorithm>

namespace larder::store_redis {
namespace {

using Type = Reply::Type;

// A walk over a reply's items, in the order they were read.
class Walk {
  public:
    explicit Walk(const std::vector<Reply::Item>& items) : items_(items) {}

    const Reply::Item* next() { return at_ < items_.size() ? &items_[at_++] : nullptr; }
    const Reply::Item* next(Type type) {
        const Reply::Item* item = next();
        return item != nullptr && item->type == type ? item : nullptr;
    }
    // Passes over so many elements with all that is in them.
    bool skip(std::uint64_t elements) {
        while (elements != 0) {
            const Reply::Item* item = next();
            if (item == nullptr) {
                return false;
            }
            elements += item->type == Type::array ? item->size : 0u;
            --elements;
        }
        return true;
    }

  private:
    const std::vector<Reply::Item>& items_;
    std::size_t at_ = 0;
};

// [host, port, id, [more]]: only the first two are looked at.
std::optional<Endpoint> read_node(Walk& walk, const Endpoint& asked) {
    const Reply::Item* node = walk.next(Type::array);
    if (node == nullptr || node->size < 2) {
        return std::nullopt;
    }
    const Reply::Item* host = walk.next();
    const Reply::Item* port = walk.next(Type::integer);
    if (host == nullptr || port == nullptr ||
        (host->type != Type::string && host->type != Type::status && host->type != Type::nil) ||
        !walk.skip(node->size - 2)) {
        return std::nullopt;
    }
    return endpoint_told(host->text(), port->integer, asked);
}

}  // namespace

std::optional<SlotMap> SlotMap::read(const Reply& reply, const Endpoint& asked, std::string& why) {
    const auto refuse = [&](std::string reason) -> std::optional<SlotMap> {
        why = std::move(reason);
        return std::nullopt;
    };
    SlotMap map;
    Walk walk(reply.items());
    const Reply::Item* root = walk.next(Type::array);
    if (root == nullptr) {
        return refuse(reply.items().empty() || !reply.is_error() ? "the reply is no array"
                                                                 : std::string(reply.text()));
    }
    for (std::uint32_t range = 0; range < root->size; ++range) {
        const Reply::Item* entry = walk.next(Type::array);
        if (entry == nullptr || entry->size < 3) {
            return refuse("a range is no array of three or more");
        }
        const Reply::Item* low = walk.next(Type::integer);
        const Reply::Item* high = low != nullptr ? walk.next(Type::integer) : nullptr;
        if (high == nullptr || low->integer < 0 || high->integer < low->integer ||
            high->integer >= std::int64_t{cluster_slots}) {
            return refuse("a range's slots are not possible");
        }
        const auto master = read_node(walk, asked);
        if (!master) {
            return refuse("a node is not named as nodes are");
        }
        if (!map.claim(static_cast<std::uint32_t>(low->integer),
                       static_cast<std::uint32_t>(high->integer), *master, why)) {
            return std::nullopt;
        }
        for (std::uint32_t number = 3; number < entry->size; ++number) {
            auto replica = read_node(walk, asked);
            if (!replica) {
                return refuse("a node is not named as nodes are");
            }
            const bool known =
                std::find(map.replicas_.begin(), map.replicas_.end(), *replica) != map.replicas_.end();
            if (!known && map.replicas_.size() == most_replicas) {
                return refuse("it has more than 1024 replicas");
            }
            if (!known) {
                map.replicas_.push_back(std::move(*replica));
            }
        }
    }
    map.settle();
    return map;
}

bool SlotMap::claim(std::uint32_t low, std::uint32_t high, const Endpoint& master, std::string& why) {
    const auto found = std::find(masters_.begin(), masters_.end(), master);
    const auto number = static_cast<std::size_t>(found - masters_.begin());
    if (found == masters_.end()) {
        if (masters_.size() == most_masters) {
            why = "it has more than 255 masters";
            return false;
        }
        masters_.push_back(master);
    }
    for (std::uint32_t slot = low; slot <= high; ++slot) {
        if (owners_[slot] != nobody) {
            why = "two ranges have one slot";
            return false;
        }
        owners_[slot] = static_cast<std::uint8_t>(number);
        ++owned_;
    }
    return true;
}

// Masters in the order of their lowest slots, whatever order they were told in.
void SlotMap::settle() {
    std::array<std::uint8_t, most_masters + 1> place;
    place.fill(nobody);
    std::vector<Endpoint> sorted;
    sorted.reserve(masters_.size());
    for (std::uint8_t& owner : owners_) {
        if (owner == nobody) {
            continue;
        }
        if (place[owner] == nobody) {
            place[owner] = static_cast<std::uint8_t>(sorted.size());
            sorted.push_back(masters_[owner]);
        }
        owner = place[owner];
    }
    masters_ = std::move(sorted);
}

}  // namespace larder::store_redis
