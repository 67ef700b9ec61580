// kernel/core/tape.hpp -- what callers do with the cache, put down for whoever records it.
//
// A ring of cells, written by any thread and read by one (Dmitry Vyukov's bounded queue). A writer takes a
// place with one compare-and-swap and copies its texts; where the ring is full it counts a loss and goes on,
// so nobody ever waits for who reads. While nothing is recorded an operation pays one load of a word that
// nobody writes, and a branch. Texts are as callers gave them, and leave this process only in the reader's
// words.
//
// The ring is made with the first recording and stays: a writer may be in it when that ends.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

namespace larder {

enum class TapedKind : std::uint8_t { get, put, remove, life, change, request, ask, event };

// What stands beside the texts; a kind uses what it needs.
//   get      key
//   put      key, then `with` names and values
//   remove   key                    life  key; ttl_ms
//   change   target's text          event  name, then names and values
//   request  method, path, query, then origin and name ("json:id") and value of what rules take out of it
//   ask      the same; before them the key text of the entry that answers, or nothing
struct Taped {
    enum Flag : std::uint8_t { fence = 1, takes_stale = 2, fill = 4, negative = 8, served = 16 };
    TapedKind kind = TapedKind::get;
    std::uint8_t flags = 0;
    std::uint8_t outcome = 0;  // get: 0 hit, 1 miss, 2 stale, 3 absent
    std::uint8_t action = 0, target = 0;
    std::uint16_t status = 0;
    std::uint32_t ns = UINT32_MAX;  // the namespace's number
    std::uint64_t at_ns = 0;        // Clock::mono_ns
    std::uint64_t size = 0, cost_us = 0;
    std::int64_t ttl_ms = 0;
};

// What a recording keeps beside its tape.
class TapeOwner {
  public:
    virtual ~TapeOwner() = default;
};

class Tape {
  public:
    static constexpr std::size_t cells = 1u << 16, inline_text = 192, longest = 64u << 10, most_parts = 160;
    Tape();
    ~Tape();
    Tape(const Tape&) = delete;
    Tape& operator=(const Tape&) = delete;

    bool on() const noexcept { return sample_.load(std::memory_order_relaxed) != 0; }  // [hot]
    // Whether a key of this hash is one of those recorded.
    bool takes(std::uint64_t hash) const noexcept {
        const std::uint64_t sample = sample_.load(std::memory_order_relaxed);
        return sample == 1 || (sample != 0 && ((hash * 0x9e3779b97f4a7c15u) >> 24) % sample == 0);
    }
    // Never waits. [any thread]
    void write(const Taped& what, std::span<const std::string_view> parts) noexcept;

    // Begins a recording of one key in `sample`, at least 1. False: another one goes on. A recording that
    // nobody reads for ten seconds while the ring is full ends by itself.
    bool begin(std::uint64_t sample, std::uint64_t now_ns, std::shared_ptr<TapeOwner> owner);
    void end();
    std::shared_ptr<TapeOwner> owner() const;
    // Hands over what was written, at most `most`, oldest first; returns how many. Texts live for the call.
    // One thread at a time.
    std::size_t read(std::size_t most, std::uint64_t now_ns, const std::function<void(const Taped&, std::span<const std::string_view>)>& fn);
    std::uint64_t take_lost() noexcept { return lost_.exchange(0, std::memory_order_relaxed); }  // since the last call

  private:
    static constexpr std::uint64_t patience_ns = 10'000'000'000;
    struct Cell;
    bool claim(std::uint64_t& at) noexcept;
    void lose(std::uint64_t now_ns) noexcept;

    std::atomic<std::uint64_t> sample_{0};  // 0: nothing is recorded
    std::atomic<Cell*> ring_{nullptr};      // set once
    std::atomic<std::uint64_t> generation_{0}, lost_{0}, read_ns_{0};
    alignas(64) std::atomic<std::uint64_t> tail_{0};
    alignas(64) std::uint64_t head_ = 0;    // guarded by reading_
    std::mutex reading_;
    mutable std::mutex mutex_;
    std::unique_ptr<Cell[]> owned_;         // guarded by mutex_
    std::shared_ptr<TapeOwner> owner_;      // guarded by mutex_
};

}  // namespace larder
