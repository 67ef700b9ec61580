// kernel/core/noted_misses.hpp -- how many misses of this thread were told to those who learn.
//
// A measured get that began a load has noted its miss on the way, so it is no hit, whatever it answers.
#pragma once

#include <cstdint>

namespace larder::detail {

std::uint64_t noted_misses() noexcept;  // cache_warm.cpp

}  // namespace larder::detail
