// plugins/invalidator_event/stream_id.hpp -- where in a stream one is: MILLISECONDS-NUMBER, in the order of a stream.
#pragma once

#include <charconv>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder::invalidator_event {

struct StreamId {
    std::uint64_t ms = 0, number = 0;

    auto operator<=>(const StreamId&) const = default;
    std::string text() const { return std::to_string(ms) + "-" + std::to_string(number); }

    static std::optional<StreamId> read(std::string_view text) {
        StreamId id;
        const char* const end = text.data() + text.size();
        const auto first = std::from_chars(text.data(), end, id.ms);
        if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') {
            return std::nullopt;
        }
        const auto second = std::from_chars(first.ptr + 1, end, id.number);
        if (second.ec != std::errc() || second.ptr != end) {
            return std::nullopt;
        }
        return id;
    }
};

}  // namespace larder::invalidator_event
