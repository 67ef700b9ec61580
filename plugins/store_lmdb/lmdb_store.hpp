// plugins/store_lmdb/lmdb_store.hpp -- the component "lmdb": looks on the caller's thread, changes in line.
//
// It has larder.shared/1 though nobody shares it: what makes entries of many nodes valid alike, records that stand
// beside them, makes them valid alike before and after a restart. A drop is in the file when it is acknowledged, in
// the same transaction as the removals that go with it; so nothing that was dropped comes back with the entries.
// Changes come from this process only: the sink has trust as long as the file is open, and is told of records that lapse.
#pragma once

#include "options.hpp"
#include "vault.hpp"
#include "writer.hpp"

#include <larder/plugin/shared.h>
#include <larder/plugin/sink.hpp>
#include <larder/plugin/store.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::store_lmdb {

class LmdbStore {
  public:
    static constexpr const char* name = "lmdb";
    static constexpr std::uint64_t caps = LARDER_STORE_CAP_TTL | LARDER_STORE_CAP_VERSION | LARDER_STORE_CAP_PERSISTENT |
                                          LARDER_STORE_CAP_BOUNDED | LARDER_STORE_CAP_SCAN | LARDER_STORE_CAP_WAITS;

    LmdbStore(plugin::Host host, const plugin::Config& config) : LmdbStore(host, Options::read(config)) {}
    LmdbStore(plugin::Host host, Options options);
    ~LmdbStore();

    void start();
    void stop(std::uint64_t deadline_ns) noexcept;
    void reconfigure(const plugin::Config& config) { resize(Options::read(config)); }
    // Capacity and entries from now on.
    void resize(const Options& changed);
    plugin::Health health() const;
    const void* extension(std::string_view id);

    larder_status get(const larder_key& key, const larder_call& call, plugin::Reply out);
    larder_status visit(const larder_key& key, const larder_call& call, plugin::Visitor visitor);
    larder_status put(const larder_key& key, const larder_put& put, const larder_call& call);
    larder_status remove(const larder_key& key, std::uint64_t if_version, const larder_call& call);
    larder_status touch(const larder_key& key, const larder_touch& touch, const larder_call& call);
    larder_status get_many(std::span<larder_get_item> items, const larder_call& call);
    larder_status remove_many(std::span<const larder_key> keys, const larder_call& call);
    larder_status clear_ns(std::uint32_t ns, const larder_call& call);
    // Removes entries whose keys begin so.
    larder_status clear_begin(const std::string& begin, const larder_call& call);
    larder_status scan(larder_scan& scan, const larder_call& call);
    larder_status stats(std::uint32_t ns, larder_store_stats& out);

    // larder.shared/1
    larder_bytes prefix() const noexcept { return {options_.prefix.data(), options_.prefix.size()}; }
    larder_status listen(const larder_sink* sink);
    std::uint64_t now_ms() const noexcept { return host_.wall_ms(); }
    larder_status read(std::span<larder_get_item> items, std::span<larder_record> records, const larder_call& call);
    larder_status make(std::span<larder_record> records, std::uint64_t ttl_ms, const larder_call& call);
    larder_status change(std::span<larder_record> records, std::uint64_t ttl_ms, std::span<const larder_key> keys,
                         std::uint32_t replicas, const larder_call& call);
    larder_status lease(const larder_key& key, std::uint64_t token, std::uint64_t ttl_ms);
    larder_status fill(const larder_key& key, std::uint64_t token, const larder_put& put, const larder_call& call);

  private:
    // Calls use(const Tables&) on what the file holds now.
    template <class Use>
    larder_status look(Use&& use);
    // The entry as a caller sees it, with its use noted; fill(bytes) where it is wanted.
    template <class Fill>
    larder_status look_up(const Tables& tables, const larder_key& key, std::uint32_t flags, std::uint64_t now_ms, Fill&& fill);
    bool too_large(const larder_key& key, std::uint64_t value) const noexcept;
    void take_over();
    void begin_anew(const std::string& why);
    void tell_trust(bool yes) noexcept;
    void tell_lapsed(std::span<const std::string> records) noexcept;
    void tend_later(std::uint64_t delay_ns);
    void tend();
    void show();

    const plugin::Host host_;
    Options options_;  // capacity and entries: bounds_ has them
    Writer::Bounds bounds_;
    Sieve sieve_;
    Leases leases_;
    Vault vault_;
    Writer writer_;
    std::shared_ptr<Sweep> sweep_ = std::make_shared<Sweep>();
    std::atomic<std::uint64_t> hits_{0}, misses_{0}, errors_{0};
    std::atomic<bool> running_{false};
    std::atomic<std::uint64_t> turns_{0};

    std::mutex sink_mutex_;  // guards what follows, and is held while the sink is told
    plugin::Sink sink_;
    bool trusted_ = false;

    std::mutex tending_mutex_;  // guards the timer
    plugin::Timer timer_;

    struct Shown {
        plugin::Metric file_bytes, records, commits, changes, refused, set_aside;
        std::uint64_t commits_told = 0, changes_told = 0, refused_told = 0, set_aside_told = 0;
    } shown_;
};

}  // namespace larder::store_lmdb
