// kernel/core/raw_bytes.hpp -- numbers at any place of a text, as the machine keeps them.
#pragma once

#include <cstring>

namespace larder {

// [any]
template <class T>
T load(const unsigned char* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <class T>
void store(unsigned char* to, T value) noexcept {
    std::memcpy(to, &value, sizeof value);
}

}  // namespace larder
