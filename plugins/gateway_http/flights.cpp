// plugins/gateway_http/flights.cpp -- see flights.hpp.
#include "flights.hpp"

#include <utility>

namespace larder::http {
namespace {

std::uint64_t hash_of(const std::string& target) noexcept { return std::hash<std::string>()(target) | 1; }

}  // namespace

Flights::Seat Flights::board(const std::string& target, std::uint64_t now_ns, Landed landed) {
    const std::uint64_t hash = hash_of(target);
    const Shunned& place = shunned(hash);
    if (place.hash.load(std::memory_order_relaxed) == hash && now_ns < place.until_ns.load(std::memory_order_relaxed)) return Seat::alone;
    const std::lock_guard lock(mutex_);
    const auto [found, first] = flights_.try_emplace(target);
    if (first) return Seat::leads;
    found->second.push_back(std::move(landed));
    return Seat::waits;
}

bool Flights::leads_alone(const std::string& target, std::uint64_t) {
    const std::lock_guard lock(mutex_);
    return flights_.try_emplace(target).second;
}

void Flights::land(const std::string& target, bool kept, bool uncacheable, std::uint64_t now_ns) {
    const std::uint64_t hash = hash_of(target);
    Shunned& place = shunned(hash);
    if (uncacheable) {
        place.hash.store(hash, std::memory_order_relaxed);
        place.until_ns.store(now_ns + remembered_ns, std::memory_order_relaxed);
    } else if (kept && place.hash.load(std::memory_order_relaxed) == hash) {
        place.until_ns.store(0, std::memory_order_relaxed);
    }
    std::vector<Landed> waiting;
    {
        const std::lock_guard lock(mutex_);
        const auto found = flights_.find(target);
        if (found == flights_.end()) return;
        waiting = std::move(found->second);
        flights_.erase(found);
    }
    for (const Landed& landed : waiting) landed(kept);
}

}  // namespace larder::http
