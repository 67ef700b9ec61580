// kernel/replay/siphash.hpp -- SipHash-2-4: a short keyed hash that says nothing of its input without the key.
//
// Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012. Keyed with random bits it makes
// pseudonyms; keyed with zeroes it is the checksum of a trace's blocks.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace larder::replay {

using SipKey = std::array<std::uint64_t, 2>;

inline std::uint64_t siphash(const SipKey& key, std::string_view text) noexcept {
    std::uint64_t v0 = key[0] ^ 0x736f6d6570736575u, v1 = key[1] ^ 0x646f72616e646f6du, v2 = key[0] ^ 0x6c7967656e657261u,
                  v3 = key[1] ^ 0x7465646279746573u;
    const auto rotate = [](std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); };
    const auto round = [&] {
        v0 += v1;
        v1 = rotate(v1, 13) ^ v0;
        v0 = rotate(v0, 32);
        v2 += v3;
        v3 = rotate(v3, 16) ^ v2;
        v0 += v3;
        v3 = rotate(v3, 21) ^ v0;
        v2 += v1;
        v1 = rotate(v1, 17) ^ v2;
        v2 = rotate(v2, 32);
    };
    const auto word = [](const char* at, std::size_t n) {  // little endian, whatever the machine
        std::uint64_t out = 0;
        for (std::size_t i = 0; i < n; ++i) out |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
        return out;
    };
    const char* at = text.data();
    std::size_t left = text.size();
    for (; left >= 8; left -= 8, at += 8) {
        const std::uint64_t m = word(at, 8);
        v3 ^= m;
        round();
        round();
        v0 ^= m;
    }
    const std::uint64_t size = text.size();
    const std::uint64_t last = size << 56 | word(at, left);
    v3 ^= last;
    round();
    round();
    v0 ^= last;
    v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace larder::replay
