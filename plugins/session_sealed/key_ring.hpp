// plugins/session_sealed/key_ring.hpp -- the keys that seal and open: the first seals, all open.
//
// Rotation is two steps without a logout: put the new key in front, take the old one away when the longest
// session has ended; until then a record that an old key opens is sealed anew when it is next written or
// renewed. A key is 32 bytes, written as base64 (either alphabet: what Fernet.generate_key() prints), as 64 hex
// digits, or as 32 characters; several stand behind each other, separated by spaces, commas or lines. No
// message ever has a key or a part of one in it.
#pragma once

#include "crypto.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace larder::session_sealed {

class KeyRing {
  public:
    // Throws std::invalid_argument that names the place of the bad key in the list, and nothing of the key.
    explicit KeyRing(std::string_view texts);
    ~KeyRing();
    KeyRing(KeyRing&& other) noexcept = default;
    KeyRing& operator=(KeyRing&& other) noexcept = default;
    KeyRing(const KeyRing&) = delete;
    KeyRing& operator=(const KeyRing&) = delete;

    struct Key {
        Bytes32 bytes{};
        std::uint64_t number = 0;  // says which key without saying what it is
    };
    const Key& first() const noexcept { return keys_.front(); }
    const std::vector<Key>& all() const noexcept { return keys_; }

  private:
    std::vector<Key> keys_;
};

}  // namespace larder::session_sealed
