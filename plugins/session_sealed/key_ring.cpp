// plugins/session_sealed/key_ring.cpp -- see key_ring.hpp.
#include "key_ring.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace larder::session_sealed {
namespace {

// 64 characters are hex and never base64, which would be 48 bytes; 32 are the key itself.
std::optional<std::string> bytes_of(std::string_view text) {
    if (text.size() == 32) {
        return std::string(text);
    }
    auto bytes = text.size() == 64 ? from_hex(text) : from_base64(text);
    return bytes && bytes->size() == 32 ? bytes : std::nullopt;
}

}  // namespace

KeyRing::KeyRing(std::string_view texts) {
    constexpr std::string_view between = " \t\r\n,";
    for (std::size_t at = texts.find_first_not_of(between); at != std::string_view::npos;) {
        const std::size_t end = std::min(texts.find_first_of(between, at), texts.size());
        auto bytes = bytes_of(texts.substr(at, end - at));
        if (!bytes) {
            throw std::invalid_argument("key " + std::to_string(keys_.size() + 1) +
                                        " is not 32 bytes as base64, hex or plain text");
        }
        Key key;
        std::memcpy(key.bytes.data(), bytes->data(), key.bytes.size());
        wipe(bytes->data(), bytes->size());
        const Bytes32 name = hmac_sha256(text_of(key.bytes), {"larder session_sealed key number"});
        std::memcpy(&key.number, name.data(), sizeof key.number);
        keys_.push_back(key);
        at = texts.find_first_not_of(between, end);
    }
    if (keys_.empty()) {
        throw std::invalid_argument("there is no key");
    }
}

KeyRing::~KeyRing() {
    for (Key& key : keys_) {
        wipe(key.bytes.data(), key.bytes.size());
    }
}

}  // namespace larder::session_sealed
