// plugins/store_memory/ghosts.hpp -- what was evicted lately, to know it when it comes back.
//
// A ghost is four bytes: sixteen bits of the hash, the entry's class, and when it was used last. A
// line of 64 bytes has sixteen of them, the newest first, so that a line forgets its oldest; which
// line, the hash says. One look-up or addition is one cache miss.
//
// The lines are one reservation of addresses, of which the first so many are in use and cost
// memory. When that number changes, hashes have other lines from then on; ghosts that are there are
// still found at their former place, until as many were added as there is room for. Without memory
// nothing is remembered.
//
// Safe for many threads without a lock: words are relaxed atomics, and when two add to the same line
// at once a ghost may be lost or stand there twice, which is harmless.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace larder::store_memory {

struct Ghost {
    unsigned grade;          // 0 to 7.
    std::uint32_t last_use;  // In ticks, of which 13 bits are kept.
    static constexpr std::uint32_t stamp_mask = 0x1fff;
};

class Ghosts {
  public:
    // Never more than `most`; fewer where the system does not give the addresses.
    explicit Ghosts(std::size_t most) noexcept {
        most_lines_ = std::min<std::size_t>(most / ways + 1, UINT32_MAX);
        for (; most_lines_ != 0; most_lines_ /= 2) {
            void* const memory = ::mmap(nullptr, most_lines_ * sizeof(Line), PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (memory != MAP_FAILED) {
                lines_ = static_cast<Line*>(memory);
                break;
            }
        }
    }
    ~Ghosts() {
        if (lines_ != nullptr) {
            ::munmap(static_cast<void*>(lines_), most_lines_ * sizeof(Line));
        }
    }
    Ghosts(const Ghosts&) = delete;
    Ghosts& operator=(const Ghosts&) = delete;

    // Makes room for about `count` of them; `added`: since the last call. One thread at a time.
    void fit(std::size_t count, std::size_t added) noexcept {
        const Extent was = extent();
        const std::size_t lines = std::min(count / ways + 1, most_lines_);
        added_ += added;
        if (lines > was.now || lines < was.now / 4) {
            const auto wider = static_cast<std::uint32_t>(std::min(lines + lines / 8, most_lines_));
            added_ = 0;
            set({wider, was.now});
            give_back(std::max(wider, was.now), was.before);
        } else if (was.before != 0 && added_ / ways > was.before) {
            set({was.now, 0});
            give_back(was.now, was.before);
        }
    }
    std::size_t room() const noexcept { return std::size_t{extent().now} * ways; }

    // Asks for its line.
    void expect(std::uint64_t hash) const noexcept {
        if (const std::uint32_t lines = extent().now; lines != 0) {
            __builtin_prefetch(&line(hash, lines), 1);
        }
    }
    // The ghost of this hash, which is then forgotten.
    bool take(std::uint64_t hash, Ghost& ghost) noexcept {
        const Extent e = extent();
        return (e.now != 0 && take(line(hash, e.now), hash, ghost)) ||
               (e.before != 0 && take(line(hash, e.before), hash, ghost));
    }

    // Remembers one, and shows those of its line, itself included, to `see(Ghost)`, a fair sample,
    // as long as that returns true.
    template <class See>
    void add(std::uint64_t hash, Ghost fresh, const See& see) noexcept {
        const std::uint32_t lines = extent().now;
        if (lines == 0) {
            return;
        }
        Line& at = line(hash, lines);
        std::uint32_t next =
            print_of(hash) | fresh.grade << 13 | (fresh.last_use & Ghost::stamp_mask);
        bool more = true;
        for (Word& word : at.words) {
            const std::uint32_t moved = word.load(std::memory_order_relaxed);
            word.store(next, std::memory_order_relaxed);
            more = more && next != 0 && see(ghost_of(next));
            next = moved;
        }
    }

  private:
    static constexpr std::size_t ways = 16;
    using Word = std::atomic<std::uint32_t>;
    struct alignas(64) Line {
        Word words[ways];
    };
    // How many lines are in use, and how many were before that; one word, so that they fit together.
    struct Extent {
        std::uint32_t now, before;
    };

    static std::uint32_t print_of(std::uint64_t hash) noexcept {
        return (static_cast<std::uint32_t>(hash) | 1) << 16;  // 0 is nobody's.
    }
    static Ghost ghost_of(std::uint32_t word) noexcept {
        return {word >> 13 & 7, word & Ghost::stamp_mask};
    }
    Extent extent() const noexcept {
        const std::uint64_t word = extent_.load(std::memory_order_relaxed);
        return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
    }
    void set(Extent e) noexcept {
        extent_.store(std::uint64_t{e.before} << 32 | e.now, std::memory_order_relaxed);
    }
    Line& line(std::uint64_t hash, std::uint32_t lines) const noexcept {
        const std::uint64_t spread = hash * 0x9e3779b97f4a7c15u >> 32;
        return lines_[spread * lines >> 32];
    }
    static bool take(Line& at, std::uint64_t hash, Ghost& ghost) noexcept {
        const std::uint32_t print = print_of(hash);
        for (std::size_t i = 0; i < ways; ++i) {
            const std::uint32_t word = at.words[i].load(std::memory_order_relaxed);
            if ((word & 0xffff0000) == print) {
                ghost = ghost_of(word);
                for (; i + 1 < ways; ++i) {
                    at.words[i].store(at.words[i + 1].load(std::memory_order_relaxed),
                                      std::memory_order_relaxed);
                }
                at.words[ways - 1].store(0, std::memory_order_relaxed);
                return true;
            }
        }
        return false;
    }
    // The memory of lines from `kept` on, of which `used` were in use.
    void give_back(std::uint32_t kept, std::uint32_t used) noexcept {
        constexpr std::size_t page = 4096 / sizeof(Line);
        const std::size_t from = (kept + page - 1) / page * page;
        if (from < used) {
            ::madvise(static_cast<void*>(lines_ + from), (used - from) * sizeof(Line), MADV_DONTNEED);
        }
    }

    Line* lines_ = nullptr;
    std::size_t most_lines_ = 0;
    std::atomic<std::uint64_t> extent_{0};
    std::size_t added_ = 0;  // Since the number of lines changed.
};

}  // namespace larder::store_memory
