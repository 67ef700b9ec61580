// plugins/store_redis/redis_store.hpp -- the component "redis": options to a topology, the store's functions
// to operations.
#pragma once

#include "counters.hpp"
#include "operation.hpp"
#include "options.hpp"
#include "server_facts.hpp"
#include "topology.hpp"
#include "wire.hpp"

#include <larder/plugin/shared.h>
#include <larder/plugin/sink.hpp>
#include <larder/plugin/store.hpp>

#include <atomic>
#include <memory>
#include <span>
#include <string_view>

namespace larder::store_redis {

class RedisStore final : private Audience {
  public:
    static constexpr const char* name = "redis";
    static constexpr std::uint64_t caps = LARDER_STORE_CAP_TTL | LARDER_STORE_CAP_VERSION |
                                          LARDER_STORE_CAP_SHARED | LARDER_STORE_CAP_SCAN |
                                          LARDER_STORE_CAP_WAITS;

    RedisStore(plugin::Host host, const plugin::Config& config);
    ~RedisStore();

    void start();
    void stop(std::uint64_t deadline_ns) noexcept;
    plugin::Health health() const { return topology_->health(); }
    const void* extension(std::string_view id);

    larder_status get(const larder_key& key, const larder_call& call, plugin::Reply out);
    larder_status put(const larder_key& key, const larder_put& put, const larder_call& call);
    larder_status remove(const larder_key& key, std::uint64_t if_version, const larder_call& call);
    larder_status touch(const larder_key& key, const larder_touch& touch, const larder_call& call);
    larder_status get_many(std::span<larder_get_item> items, const larder_call& call);
    larder_status remove_many(std::span<const larder_key> keys, const larder_call& call);
    larder_status clear_ns(std::uint32_t ns, const larder_call& call);
    larder_status scan(larder_scan& scan, const larder_call& call);
    void cancel(void* done_ctx) { topology_->cancel(done_ctx); }
    larder_status stats(std::uint32_t ns, larder_store_stats& out);

    // larder.shared/1
    larder_bytes prefix() const noexcept { return {options_.prefix.data(), options_.prefix.size()}; }
    larder_status listen(const larder_sink* sink);
    std::uint64_t now_ms() const noexcept { return topology_->now_ms(); }
    std::uint64_t max_staleness_ms() const noexcept { return options_.max_staleness_ns / 1'000'000; }
    // larder.info/1
    std::string info() { return running_.load() ? facts_.lines() : std::string(); }
    const Workshop* workshop() const noexcept { return running_.load() ? &shop_ : nullptr; }

  private:
    void on_changed(const larder_bytes* keys, std::size_t n) noexcept override;
    void on_changed_all() noexcept override;
    void on_trust(bool yes) noexcept override;
    void on_renewed(bool older) noexcept override;
    larder_status run(std::unique_ptr<Operation> operation, larder_value* value = nullptr);

    const plugin::Host host_;
    const Options options_;
    Journal journal_;
    Counters counters_;
    Loop loop_;
    const std::unique_ptr<Topology> topology_;
    ServerFacts facts_;  // its questions end with the topology, and the loop
    const Workshop shop_;
    std::atomic<bool> running_{false};
    bool started_ = false;   // [control]
    plugin::Sink sink_;      // on the loop while it runs
    bool trusted_ = false;   // the same
};

}  // namespace larder::store_redis
