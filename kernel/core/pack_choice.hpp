// kernel/core/pack_choice.hpp -- which way of compressing is the best for some values: bytes against microseconds.
//
// Ways are tried on the same values, in the background, and each has a price: the bytes that would be stored, and
// for each microsecond of compressing and of decompressing (as often as a value is read) as many bytes as that
// time is worth. One byte for a microsecond is the default: a way that needs a second of a core for each further
// megabyte that it saves is just worth it. Of the ways within
// two in a hundred of the cheapest the quickest is taken; one that is in use is left only for something three in a
// hundred cheaper, because times are never the same twice.
#pragma once

#include "kernel/core/coder.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace larder {

struct PackPrice {
    double bytes_per_us = 1;
    double reads = 1;  // of a value that is written
};

struct Trial {
    std::shared_ptr<const Coder> coder;  // null: as it is
    std::uint64_t in = 0, out = 0, pack_ns = 0, unpack_ns = 0;
    // In bytes for a byte that comes in: 1 is what leaving it alone costs.
    double price(const PackPrice& of) const noexcept;
    double time_ns(const PackPrice& of) const noexcept { return static_cast<double>(pack_ns) + of.reads * static_cast<double>(unpack_ns); }
    double ratio() const noexcept { return out == 0 ? 0 : static_cast<double>(in) / static_cast<double>(out); }
};

// Compresses each value and takes it back. What does not get smaller, or does not come back, counts as it is. [worker]
// Values below `from` are left as they are.
Trial try_coder(const std::shared_ptr<const Coder>& coder, std::uint64_t from, std::span<const std::string> values, const Clock& clock);

// Index of the best; `now`: of the one in use, or npos. REQUIRES: at least one.
inline constexpr std::size_t no_trial = static_cast<std::size_t>(-1);
std::size_t cheapest(std::span<const Trial> trials, const PackPrice& price, std::size_t now = no_trial);

}  // namespace larder
