// plugins/session_sealed/record.hpp -- a session and a user's index as bytes of a store, sealed.
//
//     0  "LSES", layout 1, format (1 AES-256-GCM, 2 Fernet), two zero bytes
//     8  the key's number
//    16  the version that stores compare
//    24  what is sealed: nonce, tag, ciphertext; or a Fernet token
//
// Inside stands a line of text and the data:
//
//     larder1 KIND SESSION KEY CREATED ENDS UNTIL IDLE USER\n
//
// KIND is `s` a session, `m` one that has moved to the identifier whose key the data is, `u` a user's index. KEY
// is where the record stands: "i:" or "u:" and a SHA-256, base64url. Times are ms since 1970 by the store's clock;
// USER is base64url, `-` for nobody. So a record that was moved to another key, another session or another time
// says so itself, in either format; AES-256-GCM binds head, SESSION and KEY besides, and has a key of its own for
// each record: HMAC-SHA256(ring key, SESSION KEY).
//
// A record that is put back after it was removed is found out only when UNTIL is over: who can write to the store
// can bring a session back that ended before its time, and nothing else.
#pragma once

#include "key_ring.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::session_sealed {

enum class Format : unsigned char { gcm = 1, fernet = 2 };

struct Record {
    char kind = 's';
    std::uint64_t created_ms = 0;
    std::uint64_t ends_ms = 0;   // in any case
    std::uint64_t until_ms = 0;  // unless it is used
    std::uint64_t idle_ms = 0;   // how long a use lets it live; 0: until ends_ms
    std::string user, data;
};

struct Opened {
    Record record;
    std::uint64_t version = 0;
    bool by_first = true;  // the ring's first key has sealed it
};

// The sessions of one user, oldest first.
struct Member {
    std::string key;  // "i:..."
    std::uint64_t created_ms = 0, ends_ms = 0;
    bool leaving = false;  // an identifier that was replaced, in its grace
};
using Members = std::vector<Member>;

inline constexpr std::size_t record_head = 24;

// Where a session and an index stand.
std::string key_of_id(std::string_view id);
std::string key_of_user(std::string_view session, std::string_view user);
// A fresh identifier: 192 bits of the system's generator, 32 characters that fit a cookie.
std::string fresh_id();

// The bytes, and the version in them.
struct Sealed {
    std::string bytes;
    std::uint64_t version = 0;
};
Sealed seal(const KeyRing& ring, Format format, std::string_view session, std::string_view key, const Record& record);
// Nullopt: not sealed by this ring for this key; forged, cut, moved, or of a key that is lost.
std::optional<Opened> open(const KeyRing& ring, std::string_view session, std::string_view key, std::string_view bytes);
// The version of bytes that do not open, so that they can be replaced; 0: they are no record at all.
std::uint64_t version_of(std::string_view bytes) noexcept;

std::string written(const Members& members);
Members members_of(std::string_view data);

}  // namespace larder::session_sealed
