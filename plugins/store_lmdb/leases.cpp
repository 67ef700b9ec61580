// plugins/store_lmdb/leases.cpp -- see leases.hpp.
#include "leases.hpp"

namespace larder::store_lmdb {

larder_status Leases::take(std::string_view key, std::uint64_t token, std::uint64_t until_ns, std::uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    if (leases_.size() >= most) {
        std::erase_if(leases_, [now_ns](const auto& one) { return one.second.until_ns <= now_ns; });
    }
    const auto at = leases_.find(std::string(key));
    if (at != leases_.end()) {
        if (at->second.token != token && at->second.until_ns > now_ns) {
            return LARDER_EXISTS;
        }
        at->second = {token, until_ns};
        return LARDER_OK;
    }
    if (leases_.size() >= most) {
        return LARDER_E_BUSY;
    }
    leases_.emplace(std::string(key), Lease{token, until_ns});
    return LARDER_OK;
}

void Leases::give_back(std::string_view key, std::uint64_t token) {
    const std::lock_guard lock(mutex_);
    const auto at = leases_.find(std::string(key));
    if (at != leases_.end() && at->second.token == token) {
        leases_.erase(at);
    }
}

void Leases::end(std::string_view key) {
    const std::lock_guard lock(mutex_);
    if (!leases_.empty()) {
        leases_.erase(std::string(key));
    }
}

bool Leases::end_of(std::string_view key, std::uint64_t token, std::uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    const auto at = leases_.find(std::string(key));
    if (at == leases_.end()) {
        return false;
    }
    const bool good = at->second.token == token && at->second.until_ns > now_ns;
    if (good) {
        leases_.erase(at);
    }
    return good;
}

}  // namespace larder::store_lmdb
