// kernel/kit/edge.cpp -- bytes that end where memory ends.
#include "kernel/kit/edge.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>

namespace larder::kit {

Edge::Edge(std::size_t size) : size_(size) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t room = (size + page - 1) / page * page;
    mapped_size_ = room + page;
    mapped_ = mmap(nullptr, mapped_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped_ == MAP_FAILED) throw std::bad_alloc();
    mprotect(static_cast<char*>(mapped_) + room, page, PROT_NONE);
    data_ = static_cast<char*>(mapped_) + room - size;
}

Edge::Edge(std::string_view bytes) : Edge(bytes.size()) {
    if (!bytes.empty()) std::memcpy(data_, bytes.data(), bytes.size());
}

// The place is never used again: whoever kept a pointer into it finds nothing there.
Edge::~Edge() { mmap(mapped_, mapped_size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0); }

void Edge::spoil() noexcept {
    if (size_ != 0) std::memset(data_, 0xA5, size_);
}

}  // namespace larder::kit
