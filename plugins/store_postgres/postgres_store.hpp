// plugins/store_postgres/postgres_store.hpp -- the component "postgres": entries as rows of a table, shared by nodes.
//
// The far tier: what is in it outlives Redis and machines, is found when nearer tiers have lost it, and may stay for as
// long as clean-up lets it. The table is the store's, its name and its columns are larder.toml's; what stands in `value` is
// the kernel's envelope, opaque here. No extension of the server is needed.
//
// It has larder.shared/1: records and leases are rows beside the entries, and LISTEN/NOTIFY tells nodes of each other's
// changes (stream.hpp). Each change is one transaction and one round trip: lock of the key, lease, row, notification.
//
// Who waits, does so on its own thread, with a session of the pool; a call with `done` stands in line for a worker. All ends
// by its deadline: a statement that is late breaks its session, and what became of it nobody knows.
#pragma once

#include "options.hpp"
#include "round.hpp"
#include "statements.hpp"
#include "stream.hpp"
#include "workers.hpp"

#include <larder/plugin/shared.h>
#include <larder/plugin/store.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace larder::store_postgres {

class PostgresStore {
  public:
    static constexpr const char* name = "postgres";
    static constexpr std::uint64_t caps = LARDER_STORE_CAP_TTL | LARDER_STORE_CAP_VERSION | LARDER_STORE_CAP_SHARED |
                                          LARDER_STORE_CAP_PERSISTENT | LARDER_STORE_CAP_SCAN | LARDER_STORE_CAP_WAITS;

    PostgresStore(plugin::Host host, const plugin::Config& config);
    ~PostgresStore() { stop(0); }

    void start();
    void stop(std::uint64_t deadline_ns) noexcept;
    plugin::Health health() const;
    const void* extension(std::string_view id);

    larder_status get(const larder_key& key, const larder_call& call, plugin::Reply out);
    larder_status put(const larder_key& key, const larder_put& put, const larder_call& call);
    larder_status remove(const larder_key& key, std::uint64_t if_version, const larder_call& call);
    larder_status touch(const larder_key& key, const larder_touch& touch, const larder_call& call);
    larder_status get_many(std::span<larder_get_item> items, const larder_call& call);
    larder_status remove_many(std::span<const larder_key> keys, const larder_call& call);
    larder_status clear_ns(std::uint32_t ns, const larder_call& call);
    larder_status scan(larder_scan& scan, const larder_call& call);
    larder_status stats(std::uint32_t ns, larder_store_stats& out);

    // larder.shared/1
    larder_bytes prefix() const noexcept { return {options_.prefix.data(), options_.prefix.size()}; }
    larder_status listen(const larder_sink* sink) { return stream_.listen(sink); }
    std::uint64_t now_ms() const noexcept { return stream_.now_ms(); }
    std::uint64_t max_staleness_ms() const noexcept { return options_.max_staleness_ms; }
    larder_status read(std::span<larder_get_item> items, std::span<larder_record> records, const larder_call& call);
    larder_status make(std::span<larder_record> records, std::uint64_t ttl_ms, const larder_call& call);
    larder_status change(std::span<larder_record> records, std::uint64_t ttl_ms, std::span<const larder_key> keys,
                         std::uint32_t replicas, const larder_call& call);
    larder_status lease(const larder_key& key, std::uint64_t token, std::uint64_t ttl_ms, const larder_call& call);
    larder_status fill(const larder_key& key, std::uint64_t token, const larder_put& put, const larder_call& call);

  private:
    struct NewRow {
        std::string_view key, value;
        std::uint32_t flags = 0;
        std::uint64_t ttl_ms = 0, version = 0, if_version = 0, token = 0;  // token 0: without a lease
    };
    using Keys = std::span<const std::string_view>;
    // `work(deadline_ns)`, here or, for a call with `done`, later by a worker.
    template <class Work>
    larder_status carry_out(const larder_call& call, Work&& work);
    larder_status put_row(const larder_key& key, const larder_put& put, std::uint64_t token, const larder_call& call);

    larder_status do_read(std::span<larder_get_item> items, std::span<larder_record> records, std::uint32_t flags, std::uint64_t deadline_ns);
    larder_status do_put(const NewRow& row, std::uint64_t deadline_ns);
    larder_status do_remove(std::string_view key, std::uint64_t if_version, std::uint64_t deadline_ns);
    larder_status do_touch(std::string_view key, const larder_touch& touch, std::string_view patch, std::uint64_t deadline_ns);
    larder_status do_make(std::span<larder_record> records, std::uint64_t ttl_ms, std::uint64_t deadline_ns);
    larder_status do_change(std::span<larder_record> records, std::uint64_t ttl_ms, Keys keys, std::uint64_t deadline_ns);
    larder_status do_lease(std::string_view key, std::uint64_t token, std::uint64_t ttl_ms, std::uint64_t deadline_ns);
    void add_lock(Round& round, std::string_view key) const;
    void add_removal(Round& round, std::string_view key) const;
    larder_status say(Round& round, std::uint64_t deadline_ns, postgres_wire::Batch batch, bool again);
    std::uint64_t deadline_of(const larder_call& call) const;
    void beat();
    void sweep();
    void show();

    const plugin::Host host_;
    const Options options_;
    const Statements statements_;
    postgres_wire::Pool pool_;
    Workers workers_;
    Stream stream_;
    std::atomic<bool> running_{false}, sweeping_{false};
    std::atomic<std::uint64_t> hits_{0}, misses_{0}, errors_{0}, swept_{0}, entries_{0}, bytes_{0};
    std::atomic<std::uint64_t> complained_ns_{0};
    std::uint64_t next_sweep_ns_ = 0, next_show_ns_ = 0;  // the stream's thread's
    struct Shown {
        plugin::Metric table_bytes, swept, connected;
        std::uint64_t swept_told = 0;
    } shown_;
};

}  // namespace larder::store_postgres
