// kernel/serve/access.hpp -- who may ask the admin API, and how often.
//
// A bearer token is looked for by comparing all of it with every configured secret in constant time:
// neither which token was nearly right nor how much of it can be told from how long it takes. What is
// compared is the SHA-256 of both, so lengths do not show either.
#pragma once

#include "kernel/config/host_config.hpp"
#include "kernel/core/clock.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::serve {

inline constexpr std::size_t least_secret_bytes = 16;

// The tokens of [admin.tokens], their secrets read once. Immutable, for any number of threads.
class TokenBook {
  public:
    // Nullopt: a secret leads nowhere, is too short, or two tokens share one; `problem` says which.
    static std::optional<TokenBook> read(const std::vector<config::AdminToken>& tokens,
                                         const config::Environment& environment, std::string& problem);

    struct Holder {
        std::string name;
        std::uint32_t role = 0;  // LARDER_ROLE_*
    };
    // Who holds the token of an Authorization header; null: nobody, or it is no bearer token.
    const Holder* find(std::string_view authorization) const;
    bool empty() const { return entries_.empty(); }

  private:
    using Digest = std::array<unsigned char, 32>;
    static Digest digest(std::string_view secret);
    struct Entry {
        Holder holder;
        Digest digest;
    };
    std::vector<Entry> entries_;
};

// A bucket of `rate` tokens a second for each client address, twice as many at once. At most so many
// clients are remembered: beyond it those that are full again go first. Safe for any number of threads.
class RateLimit {
  public:
    RateLimit(double rate, const Clock& clock) : rate_(rate), clock_(clock) {}
    bool allow(const std::string& client);

  private:
    static constexpr std::size_t most_clients = 4096;
    struct Bucket {
        double left = 0;
        std::uint64_t at_ns = 0;
    };
    const double rate_;  // 0: no limit
    const Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Bucket> buckets_;  // guarded by mutex_
};

}  // namespace larder::serve
