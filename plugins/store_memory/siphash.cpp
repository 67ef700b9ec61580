// plugins/store_memory/siphash.cpp -- SipHash-2-4, after the paper's section 2.
#include "siphash.hpp"

#include <bit>
#include <cstddef>

namespace larder::store_memory {
namespace {

struct State {
    std::uint64_t v0, v1, v2, v3;

    void round() noexcept {
        v0 += v1;
        v2 += v3;
        v1 = std::rotl(v1, 13) ^ v0;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 = std::rotl(v0, 32);
        v2 += v1;
        v0 += v3;
        v1 = std::rotl(v1, 17) ^ v2;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 = std::rotl(v2, 32);
    }
    void compress(std::uint64_t word) noexcept {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    }
};

// Up to eight bytes, the first one lowest.
std::uint64_t little_endian(std::string_view bytes) noexcept {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    return word;
}

}  // namespace

std::uint64_t siphash(const SipSecret& secret, std::string_view bytes) noexcept {
    State s{secret.k0 ^ 0x736f6d6570736575u, secret.k1 ^ 0x646f72616e646f6du,
            secret.k0 ^ 0x6c7967656e657261u, secret.k1 ^ 0x7465646279746573u};
    const std::uint64_t length = std::uint64_t{bytes.size()} << 56;
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
        s.compress(little_endian(bytes.substr(0, 8)));
    }
    s.compress(length | little_endian(bytes));
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) {
        s.round();
    }
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace larder::store_memory
