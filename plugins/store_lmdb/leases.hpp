// plugins/store_lmdb/leases.hpp -- who may fill what was missing (shared.h).
//
// In this process's memory: the file is one process's, and a load does not outlive it.
#pragma once

#include <larder/plugin/abi.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace larder::store_lmdb {

class Leases {
  public:
    // OK: it is token's until then. EXISTS: another one's. BUSY: there are too many.
    larder_status take(std::string_view key, std::uint64_t token, std::uint64_t until_ns, std::uint64_t now_ns);
    // token's right back, if it has it.
    void give_back(std::string_view key, std::uint64_t token);
    // Whoever has it loses it.
    void end(std::string_view key);
    // The same, and whether it was token's.
    bool end_of(std::string_view key, std::uint64_t token, std::uint64_t now_ns);

  private:
    struct Lease {
        std::uint64_t token, until_ns;
    };
    static constexpr std::size_t most = 65'536;

    std::mutex mutex_;
    std::unordered_map<std::string, Lease> leases_;  // guarded by mutex_
};

}  // namespace larder::store_lmdb
