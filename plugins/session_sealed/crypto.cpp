// plugins/session_sealed/crypto.cpp -- calls of OpenSSL, each context freed by its owner.
#include "crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <limits>
#include <memory>
#include <stdexcept>

namespace larder::session_sealed {
namespace {

constexpr std::size_t nonce_size = 12, tag_size = 16, block = 16, mac_size = 32;

struct FreeCipher {
    void operator()(EVP_CIPHER* c) const noexcept { EVP_CIPHER_free(c); }
    void operator()(EVP_CIPHER_CTX* c) const noexcept { EVP_CIPHER_CTX_free(c); }
};
using Cipher = std::unique_ptr<EVP_CIPHER, FreeCipher>;
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

void must(bool good, const char* what) {
    if (!good) {
        throw std::runtime_error(std::string("OpenSSL refused: ") + what);
    }
}

// Looked up once: EVP_aes_256_gcm() would look it up for every record.
EVP_CIPHER* cipher_of(const char* name) {
    Cipher found(EVP_CIPHER_fetch(nullptr, name, nullptr));
    must(found != nullptr, name);
    return found.release();
}
EVP_CIPHER* gcm() {
    static const Cipher cipher(cipher_of("AES-256-GCM"));
    return cipher.get();
}
EVP_CIPHER* cbc() {
    static const Cipher cipher(cipher_of("AES-128-CBC"));
    return cipher.get();
}

const unsigned char* in(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* out(std::string& text) noexcept { return reinterpret_cast<unsigned char*>(text.data()); }
int length(std::string_view text) {
    must(text.size() < static_cast<std::size_t>(std::numeric_limits<int>::max()) - block, "so many bytes");
    return static_cast<int>(text.size());
}

Context context() {
    Context made(EVP_CIPHER_CTX_new());
    must(made != nullptr, "a context");
    return made;
}

std::string fernet_mac(const Bytes32& key, std::string_view body) {
    return std::string(text_of(hmac_sha256(text_of(key).substr(0, block), {body})));
}

}  // namespace

Bytes32 sha256(Texts parts) {
    std::string all;
    for (const std::string_view part : parts) {
        all += part;
    }
    Bytes32 made{};
    SHA256(in(all), all.size(), made.data());
    return made;
}

Bytes32 hmac_sha256(std::string_view key, Texts parts) {
    std::string all;
    for (const std::string_view part : parts) {
        all += part;
    }
    Bytes32 made{};
    unsigned size = 0;
    must(HMAC(EVP_sha256(), key.data(), length(key), in(all), all.size(), made.data(), &size) != nullptr &&
             size == made.size(),
         "HMAC");
    return made;
}

std::string random_bytes(std::size_t count) {
    std::string made(count, '\0');
    must(RAND_bytes(out(made), length(made)) == 1, "random bytes");
    return made;
}

bool same(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(void* bytes, std::size_t size) noexcept { OPENSSL_cleanse(bytes, size); }

std::string seal_gcm(const Bytes32& key, std::string_view bound, std::string_view plain) {
    std::string made = random_bytes(nonce_size);
    made.resize(nonce_size + tag_size + plain.size());
    const Context with = context();
    int size = 0;
    must(EVP_EncryptInit_ex2(with.get(), gcm(), key.data(), in(made), nullptr) == 1, "AES-256-GCM");
    must(EVP_EncryptUpdate(with.get(), nullptr, &size, in(bound), length(bound)) == 1, "what is bound");
    must(EVP_EncryptUpdate(with.get(), out(made) + nonce_size + tag_size, &size, in(plain), length(plain)) == 1, "AES-256-GCM");
    must(EVP_EncryptFinal_ex(with.get(), out(made) + made.size(), &size) == 1, "AES-256-GCM");
    must(EVP_CIPHER_CTX_ctrl(with.get(), EVP_CTRL_GCM_GET_TAG, tag_size, out(made) + nonce_size) == 1, "the tag");
    return made;
}

std::optional<std::string> open_gcm(const Bytes32& key, std::string_view bound, std::string_view sealed) {
    if (sealed.size() < nonce_size + tag_size) {
        return std::nullopt;
    }
    std::string tag(sealed.substr(nonce_size, tag_size));
    const std::string_view body = sealed.substr(nonce_size + tag_size);
    std::string plain(body.size(), '\0');
    const Context with = context();
    int size = 0;
    must(EVP_DecryptInit_ex2(with.get(), gcm(), key.data(), in(sealed), nullptr) == 1, "AES-256-GCM");
    must(EVP_DecryptUpdate(with.get(), nullptr, &size, in(bound), length(bound)) == 1, "what is bound");
    must(EVP_DecryptUpdate(with.get(), out(plain), &size, in(body), length(body)) == 1, "AES-256-GCM");
    must(EVP_CIPHER_CTX_ctrl(with.get(), EVP_CTRL_GCM_SET_TAG, tag_size, out(tag)) == 1, "the tag");
    if (EVP_DecryptFinal_ex(with.get(), out(plain) + plain.size(), &size) != 1) {
        wipe(plain.data(), plain.size());
        return std::nullopt;
    }
    return plain;
}

// ---- Fernet: 0x80, eight bytes of time, vector, ciphertext, mac; base64url with padding

std::string seal_fernet(const Bytes32& key, std::uint64_t at_s, std::string_view plain) {
    return seal_fernet(key, at_s, random_bytes(block), plain);
}

std::string seal_fernet(const Bytes32& key, std::uint64_t at_s, std::string_view vector, std::string_view plain) {
    std::string body(1, '\x80');
    for (unsigned shift = 64; shift != 0; shift -= 8) {
        body += static_cast<char>(at_s >> (shift - 8) & 0xff);
    }
    body += vector;
    const std::size_t begin = body.size();
    body.resize(begin + plain.size() + block);
    const Context with = context();
    int size = 0, rest = 0;
    must(EVP_EncryptInit_ex2(with.get(), cbc(), key.data() + block, in(vector), nullptr) == 1, "AES-128-CBC");
    must(EVP_EncryptUpdate(with.get(), out(body) + begin, &size, in(plain), length(plain)) == 1, "AES-128-CBC");
    must(EVP_EncryptFinal_ex(with.get(), out(body) + begin + size, &rest) == 1, "AES-128-CBC");
    body.resize(begin + static_cast<std::size_t>(size + rest));
    body += fernet_mac(key, body);
    std::string token = base64url(body);
    token.append((4 - token.size() % 4) % 4, '=');
    return token;
}

std::optional<std::string> open_fernet(const Bytes32& key, std::string_view token, std::optional<FernetAge> age) {
    constexpr std::size_t head = 1 + 8 + block;
    constexpr std::uint64_t most_ahead_s = 60;
    const auto all = from_base64(token);
    if (!all || token.size() % 4 != 0 || all->size() < head + mac_size || (*all)[0] != '\x80') {
        return std::nullopt;
    }
    const std::string_view body = std::string_view(*all).substr(0, all->size() - mac_size);
    if (!same(fernet_mac(key, body), std::string_view(*all).substr(body.size()))) {
        return std::nullopt;
    }
    std::uint64_t at_s = 0;
    for (std::size_t i = 1; i <= 8; ++i) {
        at_s = at_s << 8 | static_cast<unsigned char>(body[i]);
    }
    if (age && (at_s > age->now_s + most_ahead_s || (at_s < age->now_s && age->now_s - at_s > age->at_most_s))) {
        return std::nullopt;
    }
    const std::string_view sealed = body.substr(head);
    if (sealed.empty() || sealed.size() % block != 0) {
        return std::nullopt;
    }
    std::string plain(sealed.size() + block, '\0');
    const Context with = context();
    int size = 0, rest = 0;
    must(EVP_DecryptInit_ex2(with.get(), cbc(), key.data() + block, in(body.substr(9, block)), nullptr) == 1, "AES-128-CBC");
    must(EVP_DecryptUpdate(with.get(), out(plain), &size, in(sealed), length(sealed)) == 1, "AES-128-CBC");
    if (EVP_DecryptFinal_ex(with.get(), out(plain) + size, &rest) != 1) {
        wipe(plain.data(), plain.size());
        return std::nullopt;
    }
    plain.resize(static_cast<std::size_t>(size + rest));
    return plain;
}

// ---- texts

std::string base64url(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (held += 8; held >= 6; held -= 6) {
            text += digits[bits >> (held - 6) & 63];
        }
    }
    if (held != 0) {
        text += digits[bits << (6 - held) & 63];
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    for (int i = 0; i < 2 && text.ends_with('=') && text.size() % 4 + static_cast<std::size_t>(i) != 1; ++i) {
        text.remove_suffix(1);
    }
    if (text.size() % 4 == 1) {
        return std::nullopt;
    }
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        std::uint32_t digit = 0;
        if (c >= 'A' && c <= 'Z') {
            digit = static_cast<std::uint32_t>(c - 'A');
        } else if (c >= 'a' && c <= 'z') {
            digit = static_cast<std::uint32_t>(c - 'a') + 26;
        } else if (c >= '0' && c <= '9') {
            digit = static_cast<std::uint32_t>(c - '0') + 52;
        } else if (c == '-' || c == '+') {
            digit = 62;
        } else if (c == '_' || c == '/') {
            digit = 63;
        } else {
            return std::nullopt;
        }
        bits = bits << 6 | digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes += static_cast<char>(bits >> held & 0xff);
        }
    }
    if ((bits & ((1u << held) - 1)) != 0) {
        return std::nullopt;
    }
    return bytes;
}

std::optional<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return std::nullopt;
    }
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') {
            return c - '0';
        }
        const char small = static_cast<char>(c | 0x20);
        return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
    };
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = digit(text[i]), low = digit(text[i + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        bytes += static_cast<char>(high << 4 | low);
    }
    return bytes;
}

}  // namespace larder::session_sealed
