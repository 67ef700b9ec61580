// kernel/core/flight.cpp -- boarding, landing, leaving.
#include "kernel/core/flight.hpp"

namespace larder {

void Flight::land(std::shared_ptr<const Loaded> loaded, bool nobody_invalidated, std::uint64_t told_until) {
    const std::lock_guard lock(mutex);
    result = std::move(loaded);
    sure = nobody_invalidated;
    told = told_until;
    done = true;
    landed.notify_all();
}

std::shared_ptr<const Loaded> Flight::wait(std::chrono::nanoseconds wait) {
    std::unique_lock lock(mutex);
    landed.wait_for(lock, wait, [this] { return done; });
    return result;
}

std::string FlightTable::name(std::uint32_t ns, std::string_view key) {
    std::string n(reinterpret_cast<const char*>(&ns), sizeof ns);
    n.append(key);
    return n;
}

FlightTable::Shard& FlightTable::shard_of(std::uint32_t ns, std::string_view key) {
    return shards_[(std::hash<std::string_view>{}(key) + ns) % shards_.size()];
}

bool FlightTable::flying(std::uint32_t ns, std::string_view key) {
    Shard& shard = shard_of(ns, key);
    const std::lock_guard lock(shard.mutex);
    return shard.flights.count(name(ns, key)) != 0;
}

void FlightTable::leave(std::uint32_t ns, std::string_view key, const std::shared_ptr<Flight>& flight) {
    Shard& shard = shard_of(ns, key);
    const std::lock_guard lock(shard.mutex);
    const auto it = shard.flights.find(name(ns, key));
    if (it != shard.flights.end() && it->second == flight) shard.flights.erase(it);
}

}  // namespace larder
