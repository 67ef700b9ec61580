// plugins/store_memory/ghosts.hpp -- what was evicted lately, to know it when it comes back.
//
// A ghost is four bytes: sixteen bits of the hash, the entry's class, and when it was used last. A
// line of 64 bytes has sixteen of them, the newest first, so that a line forgets its oldest; which
// line, the hash says. One look-up or addition is one cache miss.
//
// Lines are in blocks of 32 KiB that come into being when they are first written, and a field of
// them that has become too small is not copied: it is still searched while as many ghosts are added
// as it had room for, and given back block by block meanwhile. So nothing here takes longer than a
// few microseconds, whatever the size. Without memory some ghosts are not remembered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

namespace larder::store_memory {

struct Ghost {
    unsigned grade;          // 0 to 7.
    std::uint32_t last_use;  // In ticks, of which 13 bits are kept.
    static constexpr std::uint32_t stamp_mask = 0x1fff;
};

class Ghosts {
  public:
    // Makes room for about `count` of them; those there are stay a while.
    void fit(std::size_t count) noexcept {
        const std::size_t lines = count / ways + 1;
        if (lines > now_.lines || lines < now_.lines / 4) {
            Field wider(lines + lines / 8);
            if (wider.lines != 0) {
                before_ = std::exchange(now_, std::move(wider));
                added_ = 0;
            }
        }
    }
    std::size_t room() const noexcept { return now_.lines * ways; }

    // The ghost of this hash, which is then forgotten.
    bool take(std::uint64_t hash, Ghost& ghost) noexcept {
        return now_.take(hash, ghost) || before_.take(hash, ghost);
    }

    // Remembers one, and shows those of its line, itself included, to `see(Ghost)`, a fair sample,
    // as long as that returns true.
    template <class See>
    void add(std::uint64_t hash, Ghost fresh, const See& see) noexcept {
        if (before_.lines != 0) {
            before_.give_back(++added_ / ways);
        }
        Line* const line = now_.written_line(hash);
        if (line == nullptr) {
            return;
        }
        std::memmove(&(*line)[1], &(*line)[0], (ways - 1) * sizeof(std::uint32_t));
        (*line)[0] = print_of(hash) | fresh.grade << 13 | (fresh.last_use & Ghost::stamp_mask);
        for (std::size_t i = 0; i < ways && (*line)[i] != 0 && see(ghost_of((*line)[i])); ++i) {
        }
    }

  private:
    static constexpr std::size_t ways = 16, block_lines = 512;
    using Line = std::array<std::uint32_t, ways>;
    struct Free {
        void operator()(void* memory) const noexcept { std::free(memory); }
    };

    static std::uint32_t print_of(std::uint64_t hash) noexcept {
        return (static_cast<std::uint32_t>(hash) | 1) << 16;  // 0 is nobody's.
    }
    static Ghost ghost_of(std::uint32_t word) noexcept {
        return {word >> 13 & 7, word & Ghost::stamp_mask};
    }

    struct Field {
        Field() noexcept = default;
        explicit Field(std::size_t wanted) noexcept
            : blocks(new (std::nothrow) Block[wanted / block_lines + 1]),
              lines(blocks ? wanted : 0) {}

        Line* line(std::uint64_t hash) const noexcept {
            const std::size_t at = place(hash);
            Line* const block = blocks[at / block_lines].get();
            return block == nullptr ? nullptr : block + at % block_lines;
        }
        Line* written_line(std::uint64_t hash) noexcept {
            if (lines == 0) {
                return nullptr;
            }
            const std::size_t at = place(hash), first = at - at % block_lines;
            Block& block = blocks[at / block_lines];
            if (!block) {
                const std::size_t bytes =
                    (lines - first < block_lines ? lines - first : block_lines) * sizeof(Line);
                void* const memory = std::aligned_alloc(sizeof(Line), bytes);
                if (memory == nullptr) {
                    return nullptr;
                }
                block.reset(static_cast<Line*>(std::memset(memory, 0, bytes)));
            }
            return block.get() + at % block_lines;
        }
        bool take(std::uint64_t hash, Ghost& ghost) noexcept {
            Line* const found = lines == 0 ? nullptr : line(hash);
            if (found == nullptr) {
                return false;
            }
            const std::uint32_t print = print_of(hash);
            for (std::size_t i = 0; i < ways; ++i) {
                if (((*found)[i] & 0xffff0000) == print) {
                    ghost = ghost_of((*found)[i]);
                    std::memmove(&(*found)[i], &(*found)[i + 1],
                                 (ways - 1 - i) * sizeof(std::uint32_t));
                    (*found)[ways - 1] = 0;
                    return true;
                }
            }
            return false;
        }
        // Of the first so many lines.
        void give_back(std::size_t count) noexcept {
            if (count >= lines) {
                *this = Field();
            } else if (count % block_lines == 0 && count != 0) {
                blocks[count / block_lines - 1].reset();
            }
        }

        using Block = std::unique_ptr<Line, Free>;
        std::unique_ptr<Block[]> blocks;
        std::size_t lines = 0;

      private:
        std::size_t place(std::uint64_t hash) const noexcept {
            const std::uint64_t spread = hash * 0x9e3779b97f4a7c15u >> 32;
            return spread * lines >> 32;
        }
    };

    Field now_, before_;
    std::uint64_t added_ = 0;  // Since the field before was replaced.
};

}  // namespace larder::store_memory
