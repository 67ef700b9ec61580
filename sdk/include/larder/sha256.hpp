// larder/sha256.hpp -- SHA-256 (FIPS 180-4) of a text that is there as a whole.
//
// For names that have to be the same in every process and every language, which all of them have this
// function for. About 200 MB/s; nothing on a hit's way uses it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder {

using Sha256 = std::array<std::uint8_t, 32>;

namespace detail {

inline constexpr std::array<std::uint32_t, 64> sha256_round{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

class Sha256State {
  public:
    // 64 bytes, big endian words.
    void block(const std::uint8_t* bytes) noexcept {
        std::array<std::uint32_t, 64> w{};
        for (std::size_t i = 0; i < 16; ++i)
            w[i] = std::uint32_t{bytes[4 * i]} << 24 | std::uint32_t{bytes[4 * i + 1]} << 16 |
                   std::uint32_t{bytes[4 * i + 2]} << 8 | bytes[4 * i + 3];
        for (std::size_t i = 16; i < 64; ++i) {
            const std::uint32_t a = w[i - 15], b = w[i - 2];
            w[i] = w[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3)) + w[i - 7] +
                   (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10));
        }
        std::array<std::uint32_t, 8> s = sum_;
        for (std::size_t i = 0; i < 64; ++i) {
            const std::uint32_t big1 = std::rotr(s[4], 6) ^ std::rotr(s[4], 11) ^ std::rotr(s[4], 25);
            const std::uint32_t one = s[7] + big1 + ((s[4] & s[5]) ^ (~s[4] & s[6])) + sha256_round[i] + w[i];
            const std::uint32_t big0 = std::rotr(s[0], 2) ^ std::rotr(s[0], 13) ^ std::rotr(s[0], 22);
            const std::uint32_t two = big0 + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
            s = {one + two, s[0], s[1], s[2], s[3] + one, s[4], s[5], s[6]};
        }
        for (std::size_t i = 0; i < 8; ++i) sum_[i] += s[i];
    }
    Sha256 bytes() const noexcept {
        Sha256 out{};
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = static_cast<std::uint8_t>(sum_[i / 4] >> (24 - 8 * (i % 4)));
        return out;
    }

  private:
    std::array<std::uint32_t, 8> sum_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
};

}  // namespace detail

// [any thread]
inline Sha256 sha256(std::string_view text) noexcept {
    detail::Sha256State state;
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(text.data());
    std::size_t at = 0;
    for (; text.size() - at >= 64; at += 64) state.block(bytes + at);
    // What is left, a bit that is set, zeros, and how many bits there were.
    std::array<std::uint8_t, 128> last{};
    const std::size_t left = text.size() - at, size = left < 56 ? 64 : 128;
    for (std::size_t i = 0; i < left; ++i) last[i] = bytes[at + i];
    last[left] = 0x80;
    const std::uint64_t bits = std::uint64_t{text.size()} * 8;
    for (std::size_t i = 0; i < 8; ++i)
        last[size - 1 - i] = static_cast<std::uint8_t>(bits >> (8 * i));
    state.block(last.data());
    if (size == 128) state.block(last.data() + 64);
    return state.bytes();
}

// The first `bytes` of it in lower-case hex. REQUIRES: at most 32.
inline std::string sha256_hex(std::string_view text, std::size_t bytes = 32) {
    static constexpr char digits[] = "0123456789abcdef";
    const Sha256 sum = sha256(text);
    std::string out;
    for (std::size_t i = 0; i < bytes; ++i) {
        out += digits[sum[i] >> 4];
        out += digits[sum[i] & 15];
    }
    return out;
}

}  // namespace larder
