// kernel/core/unremoved.hpp -- keys that a store of one process did not give up when it was told to.
//
// An entry with the long form carries digests of its namespace and tags, and none of its own key: it goes
// by being taken out of its tiers, or by being put again. Where a store fails just then, the copy it keeps
// is older than what the caller was told, and would be served when the store answers again. So the tier
// remembers the key and the moment: a copy from before it is gone. A put or a removal that succeeds ends
// that; when too many keys wait, everything from before this moment is gone, which forgets nothing.
//
// In memory only. (A store with LARDER_STORE_CAP_MARK is judged by the record of the key; a shared one has
// an outbox, kernel/core/authority.hpp.)
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace larder {

// Safe for any number of threads. What is added before a drop returns is seen by every read that begins
// after it.
class Unremoved {
  public:
    static constexpr std::size_t most = 10'000;

    // A copy of the entry with this binding is of no use when it was made at `now_ns` or before.
    void add(std::uint64_t binding, std::uint64_t now_ns) {
        const std::lock_guard lock(mutex_);
        if (keys_.size() >= most && !keys_.contains(binding)) {
            all_before_ns_ = now_ns;
            keys_.clear();
        } else {
            keys_[binding] = now_ns;
        }
        any_.store(true, std::memory_order_release);
    }
    void settle(std::uint64_t binding) {
        if (!any_.load(std::memory_order_acquire)) return;
        const std::lock_guard lock(mutex_);
        keys_.erase(binding);
        any_.store(!keys_.empty() || all_before_ns_ != 0, std::memory_order_release);
    }
    bool gone(std::uint64_t binding, std::uint64_t created_ns) const {
        if (!any_.load(std::memory_order_acquire)) [[likely]] return false;
        const std::lock_guard lock(mutex_);
        const auto at = keys_.find(binding);
        return created_ns <= std::max(all_before_ns_, at == keys_.end() ? 0 : at->second);
    }

  private:
    std::atomic<bool> any_{false};
    mutable std::mutex mutex_;  // guards what follows
    std::unordered_map<std::uint64_t, std::uint64_t> keys_;  // binding -> when
    std::uint64_t all_before_ns_ = 0;
};

}  // namespace larder
