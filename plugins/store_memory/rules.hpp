// plugins/store_memory/rules.hpp -- the orders in which entries go that have a name elsewhere, told by
// the bits that the own order keeps (eviction.hpp).
//
// Each is a rank of class and age, and the least rank goes; so they share entries, hand and ghosts with
// the own order, a namespace may change from one to another while it is full, and nothing is kept in a
// list. The price: an age is known to a quarter of itself, and a use from when the hand came by, a
// twentieth of a turn later. docs/eviction.md says how near each comes to the textbook's.
//
//   lru     the longest unused
//   fifo    the longest there; a use does not count
//   lfu     the least used, uses fading (halved in fifty turns), of those the longest unused
//   s3fifo  what came a tenth of a turn ago, was not used since and is no ghost; then as by lru, where
//           what is used more waits longer (J. Yang et al., SOSP 2023)
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace larder::store_memory {

enum class Rule : std::uint8_t { adaptive, lru, lfu, fifo, s3fifo };
inline constexpr std::size_t rules = 5;

// Uses per tick, roughly: where namespaces of several rules compete for one memory, their ranks do. Not for
// Rule::adaptive, whose ranks are learnt. `age` in ticks, sixteen a turn.
inline float rank_by(Rule rule, unsigned grade, std::uint32_t age) noexcept {
    const float lately = 1 / (1 + static_cast<float>(age));
    constexpr std::uint32_t probation = 2;
    switch (rule) {
        case Rule::lfu: {
            constexpr float half_life = 800;  // As a class fades, about.
            constexpr std::array<float, 8> uses{1, 1.6F, 2.56F, 4.1F, 6.55F, 10.5F, 16.8F, 26.8F};
            const float kept = half_life / (half_life + static_cast<float>(age));
            return 0.1F * (uses[grade & 7] * kept + 0.3F * lately);
        }
        case Rule::s3fifo:
            if (grade == 0) {
                return age < probation ? 1 : 0.02F * lately;
            }
            return static_cast<float>(std::min(grade, 4U)) * lately;
        case Rule::adaptive:
        case Rule::lru:
        case Rule::fifo:
            break;
    }
    return lately;
}

}  // namespace larder::store_memory
