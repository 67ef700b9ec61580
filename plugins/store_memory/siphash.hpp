// plugins/store_memory/siphash.hpp -- SipHash-2-4: a hash of bytes that nobody without the secret
// can steer.
//
// J.-P. Aumasson, D. J. Bernstein: "SipHash: a fast short-input PRF", INDOCRYPT 2012. Used only
// where the kernel's hash of a key has failed to spread keys, so its 20 ns do not matter.
#pragma once

#include <cstdint>
#include <string_view>

namespace larder::store_memory {

struct SipSecret {
    std::uint64_t k0 = 0, k1 = 0;
};

std::uint64_t siphash(const SipSecret& secret, std::string_view bytes) noexcept;

}  // namespace larder::store_memory
