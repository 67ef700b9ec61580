// kernel/core/key_turns.hpp -- one writer of a key at a time, for as long as its source takes.
//
// A stripe (cache_impl.hpp) is held for microseconds and shared by many keys; a write to a source takes
// milliseconds or its whole deadline, and must hold up nobody but the writers of that key. So turns are
// taken by key, before any stripe.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace larder {

// Safe for any number of threads.
class KeyTurns {
    struct Shard {
        std::mutex mutex;
        std::condition_variable free;
        std::unordered_set<std::string> taken;  // guarded by mutex
    };

  public:
    // Waits for the turn, at most so long, and gives it back at its end.
    class Turn {
      public:
        Turn(KeyTurns& turns, std::uint32_t ns, std::string_view key, std::chrono::nanoseconds most)
            : name_(std::string(reinterpret_cast<const char*>(&ns), sizeof ns).append(key)),
              shard_(turns.shards_[std::hash<std::string>()(name_) % turns.shards_.size()]) {
            std::unique_lock lock(shard_.mutex);
            taken_ = shard_.free.wait_for(lock, most, [&] { return !shard_.taken.contains(name_); });
            if (taken_) shard_.taken.insert(name_);
        }
        ~Turn() {
            if (!taken_) return;
            const std::lock_guard lock(shard_.mutex);
            shard_.taken.erase(name_);
            shard_.free.notify_all();
        }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        explicit operator bool() const noexcept { return taken_; }

      private:
        const std::string name_;
        Shard& shard_;
        bool taken_ = false;
    };

  private:
    std::array<Shard, 16> shards_;
};

}  // namespace larder
