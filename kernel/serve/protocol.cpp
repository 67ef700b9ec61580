// kernel/serve/protocol.cpp -- frames of byte strings.
#include "kernel/serve/protocol.hpp"

#include <charconv>

namespace larder::serve {
namespace {

void put_u32(std::string& out, std::size_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8)
        out += static_cast<char>(static_cast<unsigned char>(value >> shift & 0xFF));
}

std::uint32_t get_u32(const char* bytes) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i)
        value |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return value;
}

}  // namespace

std::string encode(const Message& message) {
    std::size_t size = 0;
    for (const std::string& part : message) size += frame_header + part.size();
    std::string out;
    out.reserve(frame_header + size);
    put_u32(out, size);
    for (const std::string& part : message) {
        put_u32(out, part.size());
        out += part;
    }
    return out;
}

std::uint32_t frame_size(const char (&header)[frame_header]) { return get_u32(header); }

std::optional<Message> decode(std::string_view body) {
    Message out;
    while (!body.empty()) {
        if (body.size() < frame_header || out.size() == max_parts) return std::nullopt;
        const std::size_t size = get_u32(body.data());
        body.remove_prefix(frame_header);
        if (size > body.size()) return std::nullopt;
        out.emplace_back(body.substr(0, size));
        body.remove_prefix(size);
    }
    return out;
}

Message to_message(const Answer& answer) {
    return {std::to_string(answer.exit), answer.out, answer.err};
}

std::optional<Answer> to_answer(const Message& message) {
    if (message.size() != 3) return std::nullopt;
    Answer out{0, message[1], message[2]};
    const char* const end = message[0].data() + message[0].size();
    const auto [stopped, error] = std::from_chars(message[0].data(), end, out.exit);
    if (error != std::errc{} || stopped != end || out.exit < 0 || out.exit > 255)
        return std::nullopt;
    return out;
}

}  // namespace larder::serve
