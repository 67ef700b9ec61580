// plugins/store_memory/expiry_wheel.hpp -- which entries' time is up, found without looking at the
// others.
//
// A timing wheel (G. Varghese, A. Lauck, SOSP 1987) of eight levels, each eight times coarser than
// the one before, without cascading (as in T. Gleixner's Linux timers, 2016): an entry stays in the
// slot it was put into until that slot is past, so it is handed out late by at most an eighth of
// its ttl, and touched once. That is fine here: a read tells a lapsed entry from its deadline; the
// wheel only brings memory back. A deadline that moves later leaves the entry where it is, to be
// put in again when the slot is past: a sliding ttl costs the wheel nothing per hit.
//
// Safe for one thread at a time. Work is in bounded steps.
#pragma once

#include "entry.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace larder::store_memory {

class ExpiryWheel {
  public:
    // REQUIRES: entry.deadline_ns != 0, and it is in no wheel.
    void add(Entry& entry, std::uint64_t now_ns) noexcept;
    // No effect on an entry that is not in.
    void remove(Entry& entry) noexcept;
    // After entry.deadline_ns was changed from `before_ns`.
    void moved(Entry& entry, std::uint64_t before_ns, std::uint64_t now_ns) noexcept;

    // Calls lapsed(Entry&), which must remove the entry, for entries whose time is up; looks at no
    // more than `most` entries. True: there is more to do.
    template <class F>
    bool advance(std::uint64_t now_ns, std::size_t most, F&& lapsed) {
        while (most > 0 && (pending_ != nullptr || take_past_slot(now_ns))) {
            Entry& entry = *pending_;
            --most;
            if (entry.lapsed(now_ns)) {
                lapsed(entry);
            } else {
                remove(entry);
                add(entry, now_ns);
            }
        }
        return pending_ != nullptr || (count_ != 0 && most == 0);
    }

    std::size_t size() const noexcept { return count_; }

  private:
    static constexpr unsigned levels = 8, slots = 64;
    static constexpr unsigned tick_bits = 24;  // 16.8 ms: the finest slot.

    static constexpr unsigned unit_bits(unsigned level) noexcept { return tick_bits + 3 * level; }
    static void link(Entry& entry, Entry*& first) noexcept;
    // Moves the next slot that is wholly past, and not empty, to pending_.
    bool take_past_slot(std::uint64_t now_ns) noexcept;

    std::array<std::array<Entry*, slots>, levels> slot_{};
    std::array<std::uint64_t, levels> hand_{};  // The first unit of a level not yet taken.
    Entry* pending_ = nullptr;                  // Taken from a slot, still to be judged.
    std::size_t count_ = 0;
};

}  // namespace larder::store_memory
