// kernel/core/pack_figures.hpp -- what compressing did in a namespace, in numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace larder {

struct PackFigures {
    struct Way {
        std::string name;  // "zstd-3 with a dictionary"
        std::string codec;
        bool small = false, large = false;  // small or large values are written so now
        std::uint64_t values = 0, raw = 0, stored = 0, not_smaller = 0, reads = 0;
        double pack_mb_s = 0, unpack_mb_s = 0;  // as sampled; 0: not yet
    };
    std::vector<Way> ways;
    std::uint64_t packed_already = 0, unread = 0, trained = 0;
    struct {
        std::uint32_t id = 0;  // 0: none
        std::size_t bytes = 0, known = 0;
        double ratio = 0, plain_ratio = 0;  // on samples, when it was learnt here; 0: it was adopted
    } dictionary;
    struct Tried {
        std::string name;
        bool large = false, taken = false;
        double ratio = 0, pack_mb_s = 0, unpack_mb_s = 0, price = 0;
    };
    std::vector<Tried> tried;  // the last trial
};

}  // namespace larder
