// dsl/special_bytes.hpp -- the bytes that are escaped in the fields of keys and tags.
#pragma once

#include <array>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace larder::dsl {

inline constexpr auto special_bytes = [] {
    std::array<bool, 256> is{};
    for (const char c : {'%', ':', '*', '{', '}'}) is[static_cast<unsigned char>(c)] = true;
    return is;
}();
constexpr bool is_special(char c) { return special_bytes[static_cast<unsigned char>(c)]; }

#if defined(__SSE2__)
// Whether one of the 16 bytes at `at` is special.
inline bool any_special(const char* at) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const auto is = [bytes](char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
    const __m128i some = _mm_or_si128(_mm_or_si128(is('%'), is(':')), _mm_or_si128(is('*'), _mm_or_si128(is('{'), is('}'))));
    return _mm_movemask_epi8(some) != 0;
}
#endif

// [hot] every key of every lookup
inline bool needs_escape(std::string_view value) {
#if defined(__SSE2__)
    if (value.size() >= 16) {
        for (std::size_t at = 0; at + 16 < value.size(); at += 16)
            if (any_special(value.data() + at)) return true;
        return any_special(value.data() + value.size() - 16);  // the end, and some of it twice
    }
#endif
    bool any = false;  // to the end: keys are short, and a loop without exits is faster
    for (const char c : value) any |= is_special(c);
    return any;
}

}  // namespace larder::dsl
