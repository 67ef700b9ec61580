// plugins/gateway_http/gateway.hpp -- what all connections share: options, the cache, the applications,
// flights. Set up once, read by every thread.
#pragma once
#include "counters.hpp"
#include "flights.hpp"
#include "options.hpp"
#include "origin.hpp"
#include "purge_list.hpp"
#include "target.hpp"

#include "plugins/net/event_loop.hpp"
#include "plugins/net/tls.hpp"

#include <larder/plugin/host.hpp>

#include <atomic>
#include <memory>
#include <string_view>

namespace larder::http {

inline std::string_view text_of(larder_bytes bytes) noexcept { return {static_cast<const char*>(bytes.data), bytes.size}; }
inline larder_bytes bytes_of(std::string_view text) noexcept { return {text.data(), text.size()}; }

class Gateway {
  public:
    Gateway(plugin::Host h, Options given, std::unique_ptr<Origins> where, std::unique_ptr<const net::TlsContext> context, PurgeList purgers)
        : host(h),
          cache(h.find_service<larder_cache_api>(LARDER_SVC_CACHE)),
          options(std::move(given)),
          origins(std::move(where)),
          tls(std::move(context)),
          purge(std::move(purgers)),
          ignored(options.ignore_query) {}

    const plugin::Host host;
    const larder_cache_api* const cache;
    const Options options;
    const std::unique_ptr<Origins> origins;
    const std::unique_ptr<const net::TlsContext> tls;  // NULL: no listener wants it
    const PurgeList purge;
    const IgnoredQuery ignored;
    Flights flights;
    std::atomic<std::uint64_t> connections{0};

    [[nodiscard]] std::uint64_t now_ns() const noexcept { return host.mono_ns(); }
    [[nodiscard]] std::int64_t now_s() const noexcept { return static_cast<std::int64_t>(host.wall_ms() / 1000); }
};

class Client;
class Exchange;
class Upstream;
class UpstreamPool;

// What a connection needs of the thread it lives on. All of it on that thread, but loop().post().
class Home {
  public:
    virtual net::EventLoop& loop() noexcept = 0;
    virtual UpstreamPool& pool() noexcept = 0;
    virtual Counters& counters() noexcept = 0;
    virtual void closed(Client& client) = 0;
    // Kept until ended() is called with it.
    virtual void began(std::shared_ptr<Exchange> exchange) = 0;
    virtual void ended(Exchange& exchange) = 0;
    // Differs for every request of the process: whose miss a put is judged by.
    virtual std::uint64_t next_number() noexcept = 0;

  protected:
    ~Home() = default;
};

}  // namespace larder::http
