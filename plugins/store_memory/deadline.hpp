// plugins/store_memory/deadline.hpp -- when an entry ends, and the five bits that stand for it.
//
// An entry says the millisecond (entry.hpp); its slot in the index says in which of 31 moments of
// some four seconds that lies, or that it does not end. A sweep takes out what hints at a moment
// that is over, and looks at the entry only then: an entry that ends later than in two minutes is
// looked at once in two minutes. So reclaiming costs no link and no order, and reads do not depend
// on it: they judge by the millisecond. (Segcache, J. Yang et al., NSDI 2021, sorts whole segments
// by ttl; five bits sort none and move nothing.)
#pragma once

#include <cstdint>

namespace larder::store_memory {

struct Deadline {
    static constexpr unsigned moment_shift = 12;  // 4,096 ms
    static constexpr std::uint64_t moments = 31;

    static std::uint64_t moment_of(std::uint64_t ms) noexcept { return ms >> moment_shift; }
    // 0: does not end; else 1 to 31.
    static std::uint32_t hint(std::uint64_t deadline_ms) noexcept {
        return deadline_ms == 0 ? 0
                                : 1 + static_cast<std::uint32_t>(moment_of(deadline_ms) % moments);
    }
    // The hints of the moments after `from`, up to `to`, a bit each.
    static std::uint32_t hints_between(std::uint64_t from, std::uint64_t to) noexcept {
        if (to <= from) {
            return 0;
        }
        if (to - from >= moments) {
            return ~std::uint32_t{1};
        }
        std::uint32_t hints = 0;
        for (std::uint64_t moment = from + 1; moment <= to; ++moment) {
            hints |= std::uint32_t{1} << (1 + moment % moments);
        }
        return hints;
    }
};

// The 16 bits beside a reference: the hint above, eleven bits of rank below.
namespace meta {
inline constexpr unsigned rank_bits = 11;
inline constexpr std::uint16_t rank_mask = (1u << rank_bits) - 1;
inline std::uint16_t rank(std::uint16_t m) noexcept {
    return static_cast<std::uint16_t>(m & rank_mask);
}
inline std::uint32_t hint(std::uint16_t m) noexcept {
    return static_cast<std::uint32_t>(m >> rank_bits);
}
inline std::uint16_t of(std::uint32_t hint, std::uint32_t rank) noexcept {
    return static_cast<std::uint16_t>(hint << rank_bits | (rank & rank_mask));
}
}  // namespace meta

}  // namespace larder::store_memory
