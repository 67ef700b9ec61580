// plugins/invalidator_event/reply_walk.hpp -- a nested reply, read from its beginning to its end.
#pragma once

#include "plugins/redis_wire/reply.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder::invalidator_event {

class ReplyWalk {
  public:
    using Item = redis_wire::Reply::Item;
    using Type = redis_wire::Reply::Type;

    explicit ReplyWalk(const redis_wire::Reply& reply) : items_(reply.items()) {}

    bool more() const noexcept { return at_ < items_.size(); }
    // The next item; after the last one, nil.
    const Item& peek() const noexcept {
        static const Item none;
        return more() ? items_[at_] : none;
    }
    const Item& next() noexcept {
        const Item& item = peek();
        ++at_;
        return item;
    }
    // The next item if it is an array of `size`; else false, and the walk is of no use any more.
    bool array_of(std::uint32_t size) noexcept {
        const Item& item = next();
        return item.type == Type::array && item.size == size;
    }
    // Passes over one value, with all that is in it.
    void skip() noexcept {
        for (std::size_t left = 1; left > 0 && more(); --left) {
            const Item& item = next();
            left += item.type == Type::array ? item.size : 0;
        }
    }

  private:
    const std::vector<Item>& items_;
    std::size_t at_ = 0;
};

}  // namespace larder::invalidator_event
