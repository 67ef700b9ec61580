// plugins/store_memory/memory_store.cpp -- making, changing and judging a memory store.
#include "memory_store.hpp"

#include <random>
#include <string>

namespace larder::store_memory {
namespace {

Table::Options options_from(const plugin::Config& config) {
    Table::Options options;
    options.capacity_bytes = config.size("capacity", options.capacity_bytes);
    options.shards = static_cast<std::uint32_t>(config.integer("shards", 0));
    std::random_device random;
    const auto word = [&] { return std::uint64_t{random()} << 32 | random(); };
    options.secret = {word(), word()};
    return options;
}

}  // namespace

MemoryStore::MemoryStore(plugin::Host host, const plugin::Config& config)
    : table_(host.raw(), options_from(config)), upkeep_(host, table_) {}

void MemoryStore::reconfigure(const plugin::Config& config) {
    const std::uint64_t capacity = config.size("capacity", table_.capacity());
    if (capacity > table_.most_capacity()) {
        throw plugin::Error(LARDER_E_CONFIG,
                            "capacity can be raised to " +
                                std::to_string(table_.most_capacity() >> 20) +
                                " MiB while the store runs; more needs a restart");
    }
    table_.set_capacity(capacity);
}

plugin::Health MemoryStore::health() const {
    const std::uint64_t used = table_.bytes(), capacity = table_.capacity();
    // Passing the capacity for longer than a put takes is the work of values that stay pinned.
    const bool crowded = used > capacity + capacity / 8;
    return {crowded ? LARDER_HEALTH_DEGRADED : LARDER_HEALTH_OK,
            std::to_string(used >> 20) + " of " + std::to_string(capacity >> 20) + " MiB used" +
                (crowded ? ": values are kept pinned" : "")};
}

}  // namespace larder::store_memory
