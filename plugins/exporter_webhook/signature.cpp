// plugins/exporter_webhook/signature.cpp -- HMAC-SHA256 by OpenSSL.
#include "signature.hpp"

#include <openssl/hmac.h>

#include <array>

namespace larder::exporter_webhook {

std::string signature(std::string_view secret, std::uint64_t seconds, std::string_view body) {
    const std::string time = std::to_string(seconds);
    const std::string text = time + "." + std::string(body);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
    static constexpr char digits[] = "0123456789abcdef";
    std::string out = "t=" + time + ",v1=";
    for (unsigned i = 0; i < size; ++i) {
        out += digits[digest[i] >> 4];
        out += digits[digest[i] & 15];
    }
    return out;
}

}  // namespace larder::exporter_webhook
