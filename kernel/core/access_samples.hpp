// kernel/core/access_samples.hpp -- who asks for what, for those who learn from it.
//
// Three kinds of things are told: each miss, since it costs what a load costs anyway; one hit in 64 of a thread,
// the one that is measured, with that weight; and the first hit of each entry that was made because somebody
// foresaw it, so that forecasts can be judged. They go into a buffer of fixed size that a worker empties; when it
// is full, or somebody else is in it, the access passes by untold and is counted as lost.
//
// A hit looks at one bit of 8 KiB, and at that only while some foreseen entry waits for its first hit; whether
// the bit stands for its key is found out behind a lock. (Bloom, "Space/time trade-offs in hash coding with
// allowable errors", 1970, with one hash.)
//
// Bounded: `most` accesses with `most_text` bytes of keys, of at most `longest_key` each; `most_watched` foreseen
// entries. The buffer is there before the first access is told, so that telling one allocates nothing.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace larder {

// Safe for any number of threads.
class AccessSamples {
  public:
    static constexpr std::size_t most = 1u << 14, most_text = 1u << 20, longest_key = 256, most_watched = 1u << 16;
    struct Access {
        std::uint64_t at_ms = 0, hash = 0;
        std::uint32_t ns = 0, what = 0, weight = 1, cost_us = 0;  // what: LARDER_ACCESS_*
        std::uint32_t key_at = 0, key_size = 0;                   // in Batch::text
    };
    struct Batch {
        std::vector<Access> accesses;
        std::string text;
        std::string_view key_of(const Access& one) const noexcept { return std::string_view(text).substr(one.key_at, one.key_size); }
    };

    bool on() const noexcept { return on_.load(std::memory_order_relaxed); }  // [hot]
    void listen(bool on);

    void add(std::uint32_t ns, std::uint32_t what, std::string_view key, std::uint64_t hash, std::uint32_t weight, std::uint32_t cost_us,
             std::uint64_t at_ms) noexcept;
    // All there are, oldest first.
    Batch take();
    std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

    // An entry that was foreseen: its first hit is told, unless that comes after `until_ms`.
    void watch(std::uint64_t hash, std::uint64_t until_ms);
    // Whether it may be one. [hot]
    bool is_watched(std::uint64_t hash) const noexcept {
        return watched_any_.load(std::memory_order_relaxed) && (bits_[word_of(hash)].load(std::memory_order_relaxed) & bit_of(hash)) != 0;
    }
    // True once for each that is watched: it has been asked for.
    bool seen(std::uint64_t hash, std::uint64_t now_ms);

  private:
    static constexpr std::size_t words = 1024;
    static std::size_t word_of(std::uint64_t hash) noexcept { return (hash >> 40) % words; }
    static std::uint64_t bit_of(std::uint64_t hash) noexcept { return std::uint64_t{1} << ((hash >> 34) & 63); }
    void forget_over(std::uint64_t now_ms);

    std::atomic<bool> on_{false}, watched_any_{false};
    std::atomic<std::uint64_t> lost_{0};
    std::mutex mutex_;
    Batch taken_;  // guarded by mutex_
    std::array<std::atomic<std::uint64_t>, words> bits_{};
    std::mutex watched_mutex_;
    std::unordered_map<std::uint64_t, std::uint64_t> watched_;  // hash, until; guarded by watched_mutex_, as the next
    std::size_t erased_ = 0;  // since the bits were made anew
};

}  // namespace larder
