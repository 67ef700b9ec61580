// kernel/kit/edge.hpp -- bytes that end where memory ends: one read or write past them is a fault, not luck.
#pragma once

#include <larder/plugin/abi.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace larder::kit {

class Edge {
  public:
    explicit Edge(std::size_t size);
    explicit Edge(std::string_view bytes);
    ~Edge();
    Edge(const Edge&) = delete;
    Edge& operator=(const Edge&) = delete;

    char* data() noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    larder_bytes bytes() const noexcept { return {data_, size_}; }
    std::string_view text() const noexcept { return {data_, size_}; }
    // Overwrites them, as their owner may once the call is over.
    void spoil() noexcept;

  private:
    char* data_ = nullptr;
    std::size_t size_;
    void* mapped_ = nullptr;
    std::size_t mapped_size_ = 0;
};

}  // namespace larder::kit
