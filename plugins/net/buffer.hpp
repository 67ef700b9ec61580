// plugins/net/buffer.hpp -- bytes that come in at the back and leave at the front.
//
// Not std::string: growing must not write zeros over room that recv() fills a moment later, and
// taking from the front must not move what is behind. Bytes stay where they are until grow() is
// called, so views into them (a command's arguments) hold as long as nobody reads from the socket.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace larder::net {

class Buffer {
  public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept
        : bytes_(std::exchange(other.bytes_, nullptr)),
          capacity_(std::exchange(other.capacity_, 0)),
          begin_(std::exchange(other.begin_, 0)),
          end_(std::exchange(other.end_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(capacity_, other.capacity_);
        std::swap(begin_, other.begin_);
        std::swap(end_, other.end_);
        return *this;
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { std::free(bytes_); }

    [[nodiscard]] char* data() noexcept { return bytes_ + begin_; }
    [[nodiscard]] const char* data() const noexcept { return bytes_ + begin_; }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::string_view view() const noexcept { return {data(), size()}; }

    // Room for n more bytes at the back; counts only what commit() then says. Ends the life of
    // views. Throws std::bad_alloc.
    [[nodiscard]] char* grow(std::size_t n) {
        if (capacity_ - end_ < n) make_room(n);
        return bytes_ + end_;
    }
    void commit(std::size_t n) noexcept { end_ += n; }

    void append(std::string_view text) {
        if (text.empty()) return;  // its data may be null, which memcpy does not take
        std::memcpy(grow(text.size()), text.data(), text.size());
        commit(text.size());
    }

    // The bytes stay readable through older views until the next grow().
    void consume(std::size_t n) noexcept {
        begin_ += n;
        if (begin_ == end_) begin_ = end_ = 0;
    }

    // Gives the memory back. REQUIRES: empty().
    void release() noexcept {
        std::free(bytes_);
        bytes_ = nullptr;
        capacity_ = begin_ = end_ = 0;
    }

  private:
    void make_room(std::size_t n) {
        const std::size_t used = size();
        if (begin_ >= used && capacity_ - used >= n) {  // moving costs less than was consumed
            std::memmove(bytes_, bytes_ + begin_, used);
        } else {
            const std::size_t wanted = std::max({capacity_ * 2, used + n, std::size_t{4096}});
            void* fresh = std::malloc(wanted);
            if (fresh == nullptr) throw std::bad_alloc();
            if (used != 0) std::memcpy(fresh, bytes_ + begin_, used);
            std::free(bytes_);
            bytes_ = static_cast<char*>(fresh);
            capacity_ = wanted;
        }
        begin_ = 0;
        end_ = used;
    }

    char* bytes_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace larder::net
