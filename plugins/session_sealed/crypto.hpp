// plugins/session_sealed/crypto.hpp -- digests, random bytes, AES-256-GCM and Fernet: what is asked of OpenSSL.
//
// Nothing here is home-made but the framing. AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce: callers
// derive a key for each record, so that the bound of 2^32 messages is one record's and not one key's. Fernet
// (https://github.com/fernet/spec) is AES-128-CBC and then HMAC-SHA256, the mac first when it is read.
// What does not open says no more than that: a wrong key, a flipped bit and a short text are alike.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace larder::session_sealed {

using Bytes32 = std::array<unsigned char, 32>;
using Texts = std::initializer_list<std::string_view>;

inline std::string_view text_of(const Bytes32& bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes32 sha256(Texts parts);
Bytes32 hmac_sha256(std::string_view key, Texts parts);
// From the system's generator. Throws std::runtime_error when it has none: then nothing is made.
std::string random_bytes(std::size_t count);
// In time that depends on the length only.
bool same(std::string_view a, std::string_view b) noexcept;
void wipe(void* bytes, std::size_t size) noexcept;

// 12 bytes nonce, 16 bytes tag, then as many as `plain` has.
std::string seal_gcm(const Bytes32& key, std::string_view bound, std::string_view plain);
std::optional<std::string> open_gcm(const Bytes32& key, std::string_view bound, std::string_view sealed);

// Of a Fernet token: the key's first half signs, its second half encrypts. at_s: when it was made, since 1970.
std::string seal_fernet(const Bytes32& key, std::uint64_t at_s, std::string_view plain);
// With a given initialisation vector of 16 bytes, for vectors.
std::string seal_fernet(const Bytes32& key, std::uint64_t at_s, std::string_view vector, std::string_view plain);
struct FernetAge {
    std::uint64_t now_s, at_most_s;
};
// age: also refuses a token that is older, or from more than a minute ahead.
std::optional<std::string> open_fernet(const Bytes32& key, std::string_view token, std::optional<FernetAge> age = {});

// RFC 4648 section 5 without padding.
std::string base64url(std::string_view bytes);
// Of either alphabet, padded or not; nullopt: it is no base64, or says bits beyond its last byte.
std::optional<std::string> from_base64(std::string_view text);
std::optional<std::string> from_hex(std::string_view text);

}  // namespace larder::session_sealed
