// kernel/core/tape.cpp -- the ring of what callers do.
#include "kernel/core/tape.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace larder {

struct Tape::Cell {
    std::atomic<std::uint64_t> turn{0};  // place: free for its writer; place + 1: written
    std::uint64_t generation = 0;
    Taped what;
    std::uint32_t size = 0;              // of all parts, each with its length in front
    std::unique_ptr<char[]> more;        // where they are too long to stand here
    std::array<char, inline_text> text;
};

Tape::Tape() = default;
Tape::~Tape() = default;

bool Tape::claim(std::uint64_t& at) noexcept {
    Cell* const ring = ring_.load(std::memory_order_acquire);
    at = tail_.load(std::memory_order_relaxed);
    for (;;) {
        const std::uint64_t turn = ring[at % cells].turn.load(std::memory_order_acquire);
        if (turn == at) {
            if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) return true;
        } else if (turn < at) {
            return false;  // not read yet
        } else {
            at = tail_.load(std::memory_order_relaxed);
        }
    }
}

void Tape::lose(std::uint64_t now_ns) noexcept {
    lost_.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t read = read_ns_.load(std::memory_order_relaxed);
    if (now_ns > read && now_ns - read > patience_ns) sample_.store(0, std::memory_order_relaxed);
}

void Tape::write(const Taped& what, std::span<const std::string_view> parts) noexcept {
    const std::uint64_t generation = generation_.load(std::memory_order_acquire);
    if (ring_.load(std::memory_order_acquire) == nullptr) return;
    std::size_t size = 0;
    for (const std::string_view part : parts) size += sizeof(std::uint32_t) + part.size();
    if (size > longest || parts.size() > most_parts) return lose(what.at_ns);
    std::unique_ptr<char[]> more;
    if (size > inline_text) {
        more.reset(new (std::nothrow) char[size]);
        if (!more) return lose(what.at_ns);
    }
    std::uint64_t at = 0;
    if (!claim(at)) return lose(what.at_ns);
    Cell& cell = ring_.load(std::memory_order_acquire)[at % cells];
    cell.generation = generation;
    cell.what = what;
    cell.size = static_cast<std::uint32_t>(size);
    cell.more = std::move(more);
    char* to = cell.more ? cell.more.get() : cell.text.data();
    for (const std::string_view part : parts) {
        const auto length = static_cast<std::uint32_t>(part.size());
        std::memcpy(to, &length, sizeof length);
        to += sizeof length;
        if (length != 0) std::memcpy(to, part.data(), length);
        to += length;
    }
    cell.turn.store(at + 1, std::memory_order_release);
}

bool Tape::begin(std::uint64_t sample, std::uint64_t now_ns, std::shared_ptr<TapeOwner> owner) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t read = read_ns_.load(std::memory_order_relaxed);
    if (owner_ && on() && now_ns <= read + patience_ns) return false;
    if (!owned_) {
        owned_ = std::make_unique<Cell[]>(cells);
        for (std::size_t i = 0; i < cells; ++i) owned_[i].turn.store(i, std::memory_order_relaxed);
        ring_.store(owned_.get(), std::memory_order_release);
    }
    owner_ = std::move(owner);
    read_ns_.store(now_ns, std::memory_order_relaxed);
    lost_.store(0, std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_release);  // what an earlier one left in the ring is not of this one
    sample_.store(std::max<std::uint64_t>(sample, 1), std::memory_order_release);
    return true;
}

void Tape::end() {
    const std::lock_guard lock(mutex_);
    sample_.store(0, std::memory_order_release);
    owner_.reset();
}

std::shared_ptr<TapeOwner> Tape::owner() const {
    const std::lock_guard lock(mutex_);
    return owner_;
}

std::size_t Tape::read(std::size_t most, std::uint64_t now_ns, const std::function<void(const Taped&, std::span<const std::string_view>)>& fn) {
    const std::lock_guard lock(reading_);
    read_ns_.store(now_ns, std::memory_order_relaxed);
    Cell* const ring = ring_.load(std::memory_order_acquire);
    if (ring == nullptr) return 0;
    const std::uint64_t generation = generation_.load(std::memory_order_acquire);
    std::array<std::string_view, most_parts> parts;
    std::size_t done = 0;
    for (; done < most; ++head_) {
        Cell& cell = ring[head_ % cells];
        if (cell.turn.load(std::memory_order_acquire) != head_ + 1) break;
        if (cell.generation == generation) {
            const char* at = cell.more ? cell.more.get() : cell.text.data();
            const char* const end = at + cell.size;
            std::size_t n = 0;
            for (std::uint32_t length = 0; at < end; at += length) {
                std::memcpy(&length, at, sizeof length);
                at += sizeof length;
                parts[n++] = {at, length};
            }
            fn(cell.what, {parts.data(), n});
            ++done;
        }
        cell.more.reset();
        cell.turn.store(head_ + cells, std::memory_order_release);
    }
    return done;
}

}  // namespace larder
