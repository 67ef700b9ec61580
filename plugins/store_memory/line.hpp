// plugins/store_memory/line.hpp -- eight slots in one cache line: all that a probe reads.
//
// Beside each reference stand 16 bits of the key's hash, its fingerprint, and 16 bits that rank the
// entry for eviction and hint at its deadline, so that neither a lookup that fails nor a search for
// a victim nor a sweep for lapsed entries reads an entry. (Fingerprints in the bucket: B. Fan et
// al., "MemC3", NSDI 2013; B. Lu et al., "Dash", VLDB 2020.)
//
// Readers take no lock. A slot's words change one by one: whoever finds a fingerprint loads the
// reference and compares the whole key, so a fingerprint and a reference that do not belong
// together cost a comparison and no more. A slot is empty when its reference is 0.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace larder::store_memory {

struct alignas(64) Line {
    static constexpr unsigned slots = 8;

    std::atomic<std::uint32_t> ref[slots];
    std::atomic<std::uint64_t> prints[2];  // Four fingerprints each.
    std::atomic<std::uint16_t> meta[slots];

    // The slots with this fingerprint, a bit each; among them may be empty ones.
    unsigned matches(std::uint16_t print) const noexcept {
        // Acquire: a fingerprint that took a moved entry's place was stored after the copy.
        const std::uint64_t low = prints[0].load(std::memory_order_acquire);
        const std::uint64_t high = prints[1].load(std::memory_order_acquire);
#if defined(__SSE2__)
        const __m128i all =
            _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
        const __m128i same = _mm_cmpeq_epi16(all, _mm_set1_epi16(static_cast<short>(print)));
        return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(same, same))) & 0xffu;
#else
        return four_matches(low, print) | four_matches(high, print) << 4;
#endif
    }

    std::uint16_t print(unsigned slot) const noexcept {
        return static_cast<std::uint16_t>(prints[slot / 4].load(std::memory_order_relaxed) >>
                                          slot % 4 * 16);
    }

    // The first empty slot; `slots` when there is none. Under the lock, as all that follows.
    unsigned empty() const noexcept {
        unsigned slot = 0;
        while (slot < slots && ref[slot].load(std::memory_order_relaxed) != 0) {
            ++slot;
        }
        return slot;
    }
    void set(unsigned slot, std::uint16_t print, std::uint16_t rank,
             std::uint32_t reference) noexcept {
        meta[slot].store(rank, std::memory_order_relaxed);
        const unsigned shift = slot % 4 * 16;
        const std::uint64_t others =
            prints[slot / 4].load(std::memory_order_relaxed) & ~(std::uint64_t{0xffff} << shift);
        prints[slot / 4].store(others | std::uint64_t{print} << shift, std::memory_order_release);
        ref[slot].store(reference, std::memory_order_release);
    }
    void clear(unsigned slot) noexcept { ref[slot].store(0, std::memory_order_release); }

  private:
    [[maybe_unused]] static unsigned four_matches(std::uint64_t word,
                                                  std::uint16_t print) noexcept {
        unsigned found = 0;
        for (unsigned i = 0; i < 4; ++i) {
            found |= static_cast<unsigned>((word >> i * 16 & 0xffff) == print) << i;
        }
        return found;
    }
};
static_assert(sizeof(Line) == 64);

}  // namespace larder::store_memory
