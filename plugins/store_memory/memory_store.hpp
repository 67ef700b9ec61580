// plugins/store_memory/memory_store.hpp -- the component "memory": options to a table, the store's
// functions to it.
#pragma once

#include "table.hpp"
#include "upkeep.hpp"

#include <larder/plugin/store.hpp>

#include <cstdint>
#include <span>

namespace larder::store_memory {

class MemoryStore {
  public:
    static constexpr const char* name = "memory";
    static constexpr std::uint64_t caps = LARDER_STORE_CAP_SYNC | LARDER_STORE_CAP_ZERO_COPY |
                                          LARDER_STORE_CAP_TTL | LARDER_STORE_CAP_SCAN |
                                          LARDER_STORE_CAP_VERSION | LARDER_STORE_CAP_BOUNDED |
                                          LARDER_STORE_CAP_LIMITS | LARDER_STORE_CAP_MARK |
                                          LARDER_STORE_CAP_EVICT | LARDER_STORE_CAP_DEMOTE;

    MemoryStore(plugin::Host host, const plugin::Config& config);

    void start() { upkeep_.start(); }
    void stop(std::uint64_t) noexcept { upkeep_.stop(); }
    void reconfigure(const plugin::Config& config);
    plugin::Health health() const;

    larder_status get(const larder_key& key, const larder_call& call, plugin::Reply out) noexcept {
        return table_.get(key, call.flags, out.raw(), now_of(call));
    }
    larder_status visit(const larder_key& key, const larder_call& call,
                        plugin::Visitor visitor) noexcept {
        return table_.visit(
            key, call.flags,
            [](void* ctx, larder_bytes value) noexcept {
                static_cast<void>((*static_cast<plugin::Visitor*>(ctx))(value.data, value.size));
            },
            &visitor, now_of(call));
    }
    larder_status put(const larder_key& key, const larder_put& put, const larder_call&) noexcept {
        return table_.put(key, put);
    }
    larder_status remove(const larder_key& key, std::uint64_t if_version,
                         const larder_call&) noexcept {
        return table_.remove(key, if_version);
    }
    larder_status touch(const larder_key& key, const larder_touch& touch,
                        const larder_call&) noexcept {
        return table_.touch(key, touch);
    }
    larder_status get_many(std::span<larder_get_item> items, const larder_call& call) noexcept {
        table_.get_many(items, call.flags, now_of(call));
        return LARDER_OK;
    }
    larder_status remove_many(std::span<const larder_key> keys, const larder_call&) noexcept {
        for (const larder_key& key : keys) {
            static_cast<void>(table_.remove(key, 0));
        }
        return LARDER_OK;
    }
    larder_status clear_ns(std::uint32_t ns, const larder_call&) noexcept {
        table_.clear(ns);
        return LARDER_OK;
    }
    larder_status scan(larder_scan& scan, const larder_call&) noexcept {
        table_.scan(scan);
        return LARDER_OK;
    }
    larder_status limits(std::uint32_t ns, std::uint64_t entries, std::uint64_t bytes) noexcept {
        return table_.limits(ns, entries, bytes);
    }
    larder_status evict(std::uint32_t ns, std::uint32_t order) noexcept {
        return table_.evict(ns, order);
    }
    larder_status demote(std::uint32_t ns, const larder_demotion* to) {
        return table_.demote(ns, to);
    }
    larder_status stats(std::uint32_t ns, larder_store_stats& out) noexcept {
        return table_.stats(ns, out);
    }

  private:
    static std::uint64_t now_of(const larder_call& call) noexcept {
        return LARDER_HAS(&call, now_ns) ? call.now_ns : 0;
    }

    Table table_;
    Upkeep upkeep_;
};

}  // namespace larder::store_memory
