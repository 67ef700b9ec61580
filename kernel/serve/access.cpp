// kernel/serve/access.cpp -- tokens compared in constant time, and a bucket for each client.
#include "kernel/serve/access.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

namespace larder::serve {
namespace {

// RFC 9110: the scheme is case-insensitive. Empty: not a bearer token.
std::string_view bearer(std::string_view authorization) {
    static constexpr std::string_view scheme = "bearer ";
    if (authorization.size() <= scheme.size()) return {};
    const bool fits = std::equal(scheme.begin(), scheme.end(), authorization.begin(), [](char a, char b) {
        return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
    });
    if (!fits) return {};
    authorization.remove_prefix(scheme.size());
    while (authorization.starts_with(' ')) authorization.remove_prefix(1);
    return authorization;
}

}  // namespace

TokenBook::Digest TokenBook::digest(std::string_view secret) {
    Digest out{};
    unsigned size = 0;
    EVP_Digest(secret.data(), secret.size(), out.data(), &size, EVP_sha256(), nullptr);
    return out;
}

std::optional<TokenBook> TokenBook::read(const std::vector<config::AdminToken>& tokens,
                                         const config::Environment& environment,
                                         std::string& problem) {
    TokenBook book;
    for (const config::AdminToken& token : tokens) {
        const std::string where = "[admin.tokens] " + token.name + ": ";
        auto secret = config::look_up(token.secret, environment);
        if (!secret) {
            problem = where + "its secret leads nowhere: " + token.secret.text() + " is not set";
            return std::nullopt;
        }
        if (secret->size() < least_secret_bytes) {
            problem = where + "its secret is shorter than " + std::to_string(least_secret_bytes) +
                      " bytes; make one with `openssl rand -hex 32`";
            return std::nullopt;
        }
        const Digest made = digest(*secret);
        OPENSSL_cleanse(secret->data(), secret->size());
        for (const Entry& other : book.entries_)
            if (other.digest == made) {
                problem = where + "it has the same secret as " + other.holder.name;
                return std::nullopt;
            }
        book.entries_.push_back({{token.name, token.role}, made});
    }
    return book;
}

const TokenBook::Holder* TokenBook::find(std::string_view authorization) const {
    const std::string_view secret = bearer(authorization);
    const Digest given = digest(secret);
    const Holder* found = nullptr;
    // Every entry is compared, whether one was found or not.
    for (const Entry& entry : entries_)
        if (CRYPTO_memcmp(given.data(), entry.digest.data(), given.size()) == 0) found = &entry.holder;
    return secret.empty() ? nullptr : found;
}

bool RateLimit::allow(const std::string& client) {
    if (rate_ <= 0) return true;
    const std::uint64_t now = clock_.mono_ns();
    const double most = 2 * rate_;
    const auto refilled = [&](const Bucket& bucket) {
        return std::min(most, bucket.left + rate_ * static_cast<double>(now - bucket.at_ns) / 1e9);
    };
    const std::lock_guard<std::mutex> lock(mutex_);
    auto found = buckets_.find(client);
    if (found == buckets_.end()) {
        if (buckets_.size() >= most_clients)
            std::erase_if(buckets_, [&](const auto& one) { return refilled(one.second) >= most; });
        if (buckets_.size() >= most_clients) return false;  // so many at once are an attack
        found = buckets_.emplace(client, Bucket{most, now}).first;
    }
    Bucket& bucket = found->second;
    bucket = {refilled(bucket), now};
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
}

}  // namespace larder::serve
