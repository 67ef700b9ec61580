// kernel/serve/protocol.hpp -- how the program talks to a running kernel: frames of byte strings.
//
//   frame    u32 size of the rest, then parts: u32 size, bytes    (little endian)
//   request  verb, "text" or "json", arguments...
//   answer   exit status in decimal, what goes to standard output, what goes to standard error
//
// A value is a part like any other, so it needs no escaping and may hold any byte. There is no state
// between frames, and each side knows the size of a frame before it reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::serve {

using Message = std::vector<std::string>;

inline constexpr std::size_t frame_header = 4;
inline constexpr std::size_t max_parts = 1024;

// What a verb did: what the program prints, and its exit status.
struct Answer {
    int exit = 0;
    std::string out;
    std::string err;
};

std::string encode(const Message& message);
std::uint32_t frame_size(const char (&header)[frame_header]);  // of the rest
// Nullopt: not parts that fill the body exactly, or more than max_parts.
std::optional<Message> decode(std::string_view body);

Message to_message(const Answer& answer);
std::optional<Answer> to_answer(const Message& message);

}  // namespace larder::serve
