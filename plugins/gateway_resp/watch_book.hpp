// plugins/gateway_resp/watch_book.hpp -- WATCH: which transactions an entry's change breaks.
//
// A change made by a command of this gateway marks everybody who watches the entry, also one that
// leaves the value as it was (EXPIRE). What changes an entry otherwise is seen by its version, which
// EXEC compares.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::resp {

// Set when something that is watched has changed; the session's, and the book's for as long.
using Broken = std::shared_ptr<std::atomic<bool>>;

class WatchBook {
  public:
    void watch(std::uint32_t ns, std::string_view key, const Broken& who) {
        const std::lock_guard lock(mutex_);
        watchers_[{ns, std::string(key)}].push_back(who);
        watched_.fetch_add(1, std::memory_order_relaxed);
    }
    void unwatch(std::uint32_t ns, std::string_view key, const Broken& who) {
        const std::lock_guard lock(mutex_);
        const auto found = watchers_.find({ns, std::string(key)});
        if (found == watchers_.end()) {
            return;
        }
        const std::size_t gone = std::erase(found->second, who);
        watched_.fetch_sub(gone, std::memory_order_relaxed);
        if (found->second.empty()) {
            watchers_.erase(found);
        }
    }
    void changed(std::uint32_t ns, std::string_view key) {
        const std::lock_guard lock(mutex_);
        const auto found = watchers_.find({ns, std::string(key)});
        if (found != watchers_.end()) {
            for (const Broken& who : found->second) {
                who->store(true, std::memory_order_release);
            }
        }
    }
    // [hot]
    [[nodiscard]] bool idle() const noexcept {
        return watched_.load(std::memory_order_relaxed) == 0;
    }

  private:
    std::mutex mutex_;
    std::map<std::pair<std::uint32_t, std::string>, std::vector<Broken>> watchers_;  // by mutex_
    std::atomic<std::size_t> watched_{0};
};

}  // namespace larder::resp
