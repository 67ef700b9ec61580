// plugins/store_memory/expiry_wheel.cpp -- which slot, and which slots are past.
#include "expiry_wheel.hpp"

#include <algorithm>
#include <utility>

namespace larder::store_memory {

void ExpiryWheel::link(Entry& entry, Entry*& first) noexcept {
    entry.due_next = first;
    entry.due_link = &first;
    if (first != nullptr) {
        first->due_link = &entry.due_next;
    }
    first = &entry;
}

void ExpiryWheel::add(Entry& entry, std::uint64_t now_ns) noexcept {
    const std::uint64_t from_ns = std::min(now_ns, entry.deadline_ns);
    unsigned level = 0;
    while (level + 1 < levels &&
           (entry.deadline_ns >> unit_bits(level)) - (from_ns >> unit_bits(level)) >= slots - 1) {
        ++level;
    }
    const unsigned bits = unit_bits(level);
    // What is farther away than the last level reaches goes as far as it does, and is put in again.
    const std::uint64_t farthest = (now_ns >> bits) + slots - 1;
    const std::uint64_t unit = std::clamp(entry.deadline_ns >> bits, now_ns >> bits, farthest);
    link(entry, slot_[level][unit % slots]);
    ++count_;
}

void ExpiryWheel::remove(Entry& entry) noexcept {
    if (entry.due_link == nullptr) {
        return;
    }
    *entry.due_link = entry.due_next;
    if (entry.due_next != nullptr) {
        entry.due_next->due_link = entry.due_link;
    }
    entry.due_link = nullptr;
    entry.due_next = nullptr;
    --count_;
}

void ExpiryWheel::moved(Entry& entry, std::uint64_t before_ns, std::uint64_t now_ns) noexcept {
    const bool later = before_ns != 0 && entry.deadline_ns >= before_ns;
    if (later) {
        return;
    }
    remove(entry);
    if (entry.deadline_ns != 0) {
        add(entry, now_ns);
    }
}

bool ExpiryWheel::take_past_slot(std::uint64_t now_ns) noexcept {
    for (unsigned level = 0; level < levels; ++level) {
        const std::uint64_t now = now_ns >> unit_bits(level);
        std::uint64_t& hand = hand_[level];
        if (count_ == 0) {
            hand = std::max(hand, now);
            continue;
        }
        // One time round meets every slot.
        if (now > slots) {
            hand = std::max(hand, now - slots);
        }
        while (hand < now) {
            Entry*& first = slot_[level][hand % slots];
            ++hand;
            if (first != nullptr) {
                pending_ = std::exchange(first, nullptr);
                pending_->due_link = &pending_;
                return true;
            }
        }
    }
    return false;
}

}  // namespace larder::store_memory
