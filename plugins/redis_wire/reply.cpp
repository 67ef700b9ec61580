// plugins/redis_wire/reply.cpp -- see reply.hpp.
#include "reply.hpp"

#include <new>
#include <utility>

namespace larder::redis_wire {

void Reply::take(std::size_t i, larder_value& out) {
    Item& item = items_[i];
    if (item.block == nullptr) {
        char* const copy = static_cast<char*>(std::malloc(item.size == 0 ? 1 : item.size));
        if (copy == nullptr) {
            throw std::bad_alloc();
        }
        std::memcpy(copy, item.brief, item.size);
        item.block = copy;
    }
    char* const bytes = std::exchange(item.block, nullptr);
    out.data = bytes;
    out.size = std::exchange(item.size, 0);
    out.pin = bytes;
    out.release = [](larder_value* v) noexcept { std::free(v->pin); };
}

void Reply::clear() noexcept {
    for (Item& item : items_) {
        std::free(item.block);
    }
    items_.clear();
}

}  // namespace larder::redis_wire
