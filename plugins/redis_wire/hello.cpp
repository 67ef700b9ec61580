// plugins/redis_wire/hello.cpp -- see hello.hpp.
#include "hello.hpp"

#include "words.hpp"

#include <algorithm>

namespace larder::redis_wire {

std::uint32_t write_hello(const ConnectionOptions& options, std::string& wire) {
    std::uint32_t replies = 1;
    if (!options.password.empty()) {
        write_head(wire, options.username.empty() ? 2 : 3);
        write_word(wire, "AUTH");
        if (!options.username.empty()) {
            write_word(wire, options.username);
        }
        write_word(wire, options.password);
        ++replies;
    }
    if (options.db != 0) {
        write_head(wire, 2);
        write_word(wire, "SELECT");
        write_number(wire, options.db);
        ++replies;
    }
    write_head(wire, 1);
    write_word(wire, "PING");
    return replies;
}

std::string judge_hello(const ConnectionOptions& options, std::uint32_t index, const Reply& reply) {
    const bool auth = !options.password.empty() && index == 0;
    const bool select = options.db != 0 && index == (options.password.empty() ? 0u : 1u);
    const char* const command = auth ? "AUTH" : select ? "SELECT" : "PING";
    if (reply.is_error()) {
        return std::string(command) + ": " + std::string(reply.text());
    }
    const bool good = reply.type() == Reply::Type::status &&
                      reply.text() == (auth || select ? "OK" : "PONG");
    return good ? std::string() : std::string(command) + ": not an answer of Redis";
}

std::uint64_t pause_ns(std::uint32_t failures, std::uint64_t seed) {
    if (failures == 0) {
        return 0;
    }
    constexpr std::uint64_t first = 20'000'000;
    constexpr std::uint32_t doublings = 5;
    const std::uint64_t most = first << std::min(failures - 1, doublings);
    // splitmix64: one draw for each attempt of each node.
    std::uint64_t x = seed + failures * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    return most / 2 + x % (most / 2 + 1);
}

}  // namespace larder::redis_wire
