// tests/unit/store_redis_topology/reply_text.hpp -- a Reply from RESP, for tests of who reads replies.
#pragma once

#include "plugins/redis_wire/reply.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace larder::test {

// Fills `reply` with the first whole RESP value of `text`. REQUIRES: there is one, and it is right.
inline void fill(redis_wire::Reply& reply, std::string_view text) {
    using Type = redis_wire::Reply::Type;
    reply.clear();
    std::size_t left = 1;
    while (left-- != 0) {
        const char mark = text.front();
        const std::size_t end = text.find("\r\n");
        const std::string_view line = text.substr(1, end - 1);
        text.remove_prefix(end + 2);
        std::int64_t number = 0;
        std::from_chars(line.data(), line.data() + line.size(), number);
        redis_wire::Reply::Item item;
        std::string_view bytes = line;
        switch (mark) {
            case '+': item.type = Type::status; break;
            case '-': item.type = Type::error; break;
            case ':':
                item.type = Type::integer;
                item.integer = number;
                break;
            case '*':
                item.type = number < 0 ? Type::nil : Type::array;
                item.size = static_cast<std::uint32_t>(number < 0 ? 0 : number);
                left += item.size;
                break;
            default:
                item.type = number < 0 ? Type::nil : Type::string;
                bytes = text.substr(0, number < 0 ? 0 : static_cast<std::size_t>(number));
                text.remove_prefix(number < 0 ? 0 : bytes.size() + 2);
        }
        if (!bytes.empty() && (item.type == Type::string || item.type == Type::status ||
                               item.type == Type::error)) {
            item.size = static_cast<std::uint32_t>(bytes.size());
            if (bytes.size() > sizeof item.brief) {
                item.block = static_cast<char*>(std::malloc(bytes.size()));
            }
            std::memcpy(item.block != nullptr ? item.block : item.brief, bytes.data(), bytes.size());
        }
        reply.filling().push_back(item);
    }
}

}  // namespace larder::test
