// kernel/core/text_arena.hpp -- short texts that live together and stay where they are.
//
// Keys of one call of a store: a few or some hundred, all needed until it has answered. The first few stand in
// the object itself, so that one key costs no allocation; then blocks, each larger than the one before.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace larder {

class TextArena {
  public:
    TextArena() = default;
    TextArena(const TextArena&) = delete;
    TextArena& operator=(const TextArena&) = delete;

    // A copy that lives as long as this does.
    std::string_view keep(std::string_view text) {
        char* const to = room(text.size());
        std::memcpy(to, text.data(), text.size());
        return {to, text.size()};
    }
    // So many bytes to write to.
    char* room(std::size_t size) {
        if (left_ < size) {
            const std::size_t more = std::max(size, least_block << std::min<std::size_t>(blocks_.size(), 4));
            blocks_.emplace_back(new char[more]);
            next_ = blocks_.back().get();
            left_ = more;
        }
        char* const at = next_;
        next_ += size;
        left_ -= size;
        return at;
    }

  private:
    static constexpr std::size_t least_block = 4096;
    std::array<char, 232> first_;
    std::vector<std::unique_ptr<char[]>> blocks_;
    char* next_ = first_.data();
    std::size_t left_ = first_.size();
};

}  // namespace larder
