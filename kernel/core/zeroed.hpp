// kernel/core/zeroed.hpp -- a large array that costs memory only where it is used.
//
// Tables are made for the most there may ever be. Pages from calloc are the system's one page of zeros
// until somebody writes to them, so a table of 64 MiB that holds a hundred things takes some pages.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace larder {

struct FreeZeroed {
    void operator()(void* memory) const noexcept { std::free(memory); }
};
template <class T>
using ZeroedArray = std::unique_ptr<T[], FreeZeroed>;

// T: what its constructor makes of it is all zeros (atomics and plain numbers). std::bad_alloc.
template <class T>
ZeroedArray<T> zeroed_array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= alignof(std::max_align_t));
    void* const memory = std::calloc(count, sizeof(T));
    if (memory == nullptr && count != 0) throw std::bad_alloc();
    return ZeroedArray<T>(static_cast<T*>(memory));
}

}  // namespace larder
