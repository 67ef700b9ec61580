// plugins/store_lmdb/spill_store.hpp -- the component "spill": room on disk for what memory has none for.
//
// The table of `lmdb` in a file that nobody finds again: it is emptied when the store starts, and the store claims
// neither to be shared nor to persist. So the kernel judges what lies in it by its own records, as it does what lies in
// memory, and a namespace may `demote` into it. Keys begin with the namespace's number, four bytes, the highest first.
#pragma once

#include "lmdb_store.hpp"

namespace larder::store_lmdb {

class SpillStore {
  public:
    static constexpr const char* name = "spill";
    static constexpr std::uint64_t caps = LARDER_STORE_CAP_TTL | LARDER_STORE_CAP_VERSION | LARDER_STORE_CAP_BOUNDED |
                                          LARDER_STORE_CAP_SCAN | LARDER_STORE_CAP_WAITS;

    SpillStore(plugin::Host host, const plugin::Config& config) : store_(host, Options::of_spill(config)) {}

    void start() { store_.start(); }
    void stop(std::uint64_t deadline_ns) noexcept { store_.stop(deadline_ns); }
    void reconfigure(const plugin::Config& config) { store_.resize(Options::of_spill(config)); }
    plugin::Health health() const { return store_.health(); }

    larder_status get(const larder_key& key, const larder_call& call, plugin::Reply out);
    larder_status visit(const larder_key& key, const larder_call& call, plugin::Visitor visitor);
    larder_status put(const larder_key& key, const larder_put& put, const larder_call& call);
    larder_status remove(const larder_key& key, std::uint64_t if_version, const larder_call& call);
    larder_status touch(const larder_key& key, const larder_touch& touch, const larder_call& call);
    larder_status clear_ns(std::uint32_t ns, const larder_call& call);
    larder_status scan(larder_scan& scan, const larder_call& call);
    larder_status stats(std::uint32_t ns, larder_store_stats& out);

  private:
    LmdbStore store_;
};

}  // namespace larder::store_lmdb
