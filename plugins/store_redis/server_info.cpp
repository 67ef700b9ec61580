// plugins/store_redis/server_info.cpp -- see server_info.hpp.
#include "server_info.hpp"

#include <charconv>

namespace larder::store_redis {
namespace {

std::uint64_t number(std::string_view text) {
    std::uint64_t n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
}

bool no_history(std::string_view id) { return id.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

void ServerInfo::read(std::string_view section) {
    while (!section.empty()) {
        const std::size_t end = section.find('\n');
        std::string_view line = section.substr(0, end);
        section.remove_prefix(end == std::string_view::npos ? section.size() : end + 1);
        if (!line.empty() && line.back() == '\r') {
            line.remove_suffix(1);
        }
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) {
            continue;
        }
        const std::string_view name = line.substr(0, colon), value = line.substr(colon + 1);
        if (name == "redis_version") {
            version = value;
        } else if (name == "run_id") {
            run_id = value;
        } else if (name == "role") {
            role = value;
        } else if (name == "master_replid") {
            lineage = value;
        } else if (name == "master_replid2") {
            before = value;
        } else if (name == "maxmemory") {
            maxmemory = number(value);
            has_memory = true;
        } else if (name == "maxmemory_policy") {
            maxmemory_policy = value;
            has_memory = true;
        }
    }
}

Renewal renewal(const ServerInfo& before, const ServerInfo& now) {
    if (before.run_id.empty() || now.run_id.empty()) {
        return Renewal::none;
    }
    const bool same_history = before.lineage == now.lineage;
    if (before.run_id == now.run_id && same_history && before.role == now.role) {
        return Renewal::none;
    }
    // A promoted replica begins a history of its own, and says which one it went on from.
    const bool goes_on = !no_history(now.before) && now.before == before.lineage;
    return same_history || goes_on ? Renewal::continued : Renewal::other;
}

std::vector<std::string> advice(const ServerInfo& info) {
    std::vector<std::string> all;
    const std::uint64_t major = number(info.version);
    if (!info.version.empty() && major < 6) {
        all.push_back("Redis " + info.version +
                      " has no invalidation stream: entries live at most max_staleness in the memory of "
                      "nodes. Use Redis 6.0 or later");
    }
    if (info.has_memory && info.maxmemory_policy == "noeviction") {
        all.push_back(info.maxmemory == 0
                          ? "no maxmemory is set, and maxmemory-policy is noeviction: Redis grows as "
                            "long as the machine has memory. Set maxmemory, and maxmemory-policy "
                            "allkeys-lru or allkeys-lfu"
                          : "maxmemory-policy is noeviction: when Redis is full, puts fail instead of "
                            "making room. Set it to allkeys-lru or allkeys-lfu");
    }
    return all;
}

}  // namespace larder::store_redis
