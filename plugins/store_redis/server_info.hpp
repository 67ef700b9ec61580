// plugins/store_redis/server_info.hpp -- what a server says of itself in INFO, and what that means for a
// cache.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::store_redis {

struct ServerInfo {
    std::string version;           // "7.0.15"
    std::string run_id;            // of the process
    std::string role;              // "master" or "slave"
    std::string lineage, before;   // master_replid, master_replid2: which history its data continue
    std::string maxmemory_policy;
    std::uint64_t maxmemory = 0;
    bool has_memory = false;

    // Takes what lines of one section say.
    void read(std::string_view section);
};

// What may have happened between two looks at the same address.
enum class Renewal {
    none,
    continued,  // another process or another history, which goes on from ours: its last writes may be lost
    other       // data that do not continue what was there
};
Renewal renewal(const ServerInfo& before, const ServerInfo& now);

// One sentence for each thing that a cache should not be run on; empty: none.
std::vector<std::string> advice(const ServerInfo& info);

}  // namespace larder::store_redis
