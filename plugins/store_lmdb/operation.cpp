// plugins/store_lmdb/operation.cpp -- see operation.hpp.
#include "operation.hpp"

#include <algorithm>
#include <chrono>

namespace larder::store_lmdb {

void Operation::finish() noexcept {
    const std::lock_guard lock(mutex_);
    if (!given_up_) {
        answer();
    }
    over_.store(true, std::memory_order_release);
    ends_.notify_all();
}

larder_status Operation::wait(std::uint64_t at_most_ns) noexcept {
    std::unique_lock lock(mutex_);
    const auto most = std::chrono::nanoseconds(std::min(at_most_ns, std::uint64_t{3600} * 1'000'000'000));
    if (!ends_.wait_for(lock, most, [&] { return over(); })) {
        given_up_ = true;
        return LARDER_E_TIMEOUT;
    }
    return status;
}

}  // namespace larder::store_lmdb
