// plugins/warmer_redis/redis_source.hpp -- values from another Redis, and to it: GET finds one, SET writes it, DEL removes it.
//
// The policy says the key: `user:{id}:details`, with fields of the entry's key in it as they are. A command is made of
// words with lengths in front, so nothing that a field holds can become another command; whose keys may be read is what
// the text around the fields and the server's ACL say.
//
// An entry that is loaded lives no longer than its key there has left.
//
// One thread for an instance has the connection (asker.hpp); whoever loads waits on its own, at most until its deadline.
#pragma once

#include "asker.hpp"

#include "plugins/redis_wire/connection_options.hpp"
#include "plugins/redis_wire/journal.hpp"
#include "plugins/redis_wire/loop.hpp"
#include "plugins/redis_wire/transport.hpp"

#include <larder/plugin/warmer.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace larder::warmer_redis {

// The key that the policy's text means; nothing when none can be made of it, with the reason in why.
std::optional<std::string> fill_key(std::string_view text, std::span<const larder_pair> fields,
                                    std::size_t longest, std::string& why);

class RedisSource {
  public:
    static constexpr const char* name = "redis";
    static constexpr std::uint64_t caps = LARDER_WARM_CAP_WRITE;

    RedisSource(plugin::Host host, const plugin::Config& config);
    ~RedisSource();

    void start();
    void stop(std::uint64_t deadline_ns) noexcept;
    plugin::Health health() const;

    larder_status fetch(const larder_warm_item& item, const larder_call& call, larder_cache_set& set,
                        plugin::Reply out);
    larder_status write(const larder_warm_item& source, std::span<larder_source_write> writes,
                        const larder_call& call);

  private:
    std::uint64_t deadline_of(const larder_call& call) const;
    // Never a field's value, nor the server's words that may repeat one.
    void tell(const char* command, std::string_view text, std::string_view cause);

    const plugin::Host host_;
    redis_wire::Endpoint endpoint_;
    redis_wire::ConnectionOptions connection_;
    const std::size_t longest_key_;
    const std::int64_t write_ttl_ms_;
    redis_wire::Journal journal_;
    redis_wire::Loop loop_;
    std::optional<redis_wire::TlsContext> tls_;
    std::unique_ptr<Asker> asker_;
    std::atomic<bool> running_{false};
};

}  // namespace larder::warmer_redis
