// plugins/redis_wire/reply.hpp -- one reply of a Redis server, flat, in the order it was read.
//
// A reply is a tree, and nearly always a leaf or an array of leaves. So its items stand one behind the
// other in a vector that is used again for the next reply: reading a GET costs one allocation, the
// value's own, which is handed on without a copy. An array is followed by its elements.
#pragma once

#include <larder/plugin/abi.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace larder::redis_wire {

class Reply {
  public:
    enum class Type : std::uint8_t { string, status, error, integer, nil, array };

    struct Item {
        Type type = Type::nil;
        std::uint32_t size = 0;     // bytes of a string, status or error; elements of an array
        std::int64_t integer = 0;
        char* block = nullptr;      // malloc'ed; nullptr: the bytes stand in brief
        char brief[24] = {};        // most replies that are not values: OK, records, short texts

        std::string_view text() const noexcept {
            return type == Type::integer || type == Type::nil || type == Type::array
                       ? std::string_view()
                       : std::string_view(block != nullptr ? block : brief, size);
        }
    };

    Reply() = default;
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;
    ~Reply() { clear(); }

    const Item& root() const noexcept { return items_.front(); }
    Type type() const noexcept { return root().type; }
    std::string_view text() const noexcept { return root().text(); }
    std::int64_t integer() const noexcept { return root().integer; }
    bool is_error() const noexcept { return type() == Type::error; }
    bool is_ok() const noexcept { return type() == Type::status && text() == "OK"; }
    // Element i of an array of leaves. REQUIRES: is_flat(), i < root().size.
    const Item& at(std::size_t i) const noexcept { return items_[i + 1]; }
    // An array none of whose elements is an array.
    bool is_flat() const noexcept {
        return type() == Type::array && items_.size() == root().size + std::size_t{1};
    }
    const std::vector<Item>& items() const noexcept { return items_; }

    // Hands the bytes of item i on; they are no longer here.
    // Throws std::bad_alloc.
    void take(std::size_t i, larder_value& out);

    // For the reader.
    void clear() noexcept;
    std::vector<Item>& filling() noexcept { return items_; }

  private:
    std::vector<Item> items_;
};

}  // namespace larder::redis_wire
