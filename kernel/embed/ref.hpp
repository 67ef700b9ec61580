// kernel/embed/ref.hpp -- what hosts hold: bytes with an owner, counted.
//
// A hit makes one, so they come from a small stock of the thread: what is released goes back there, to the
// thread that released it.
#pragma once

#include <larder/larder.h>
#include <larder/plugin/abi.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

struct larder_ref {
    std::atomic<std::uint32_t> holders{1};
    larder_value value{};
    std::int64_t ttl_ms = -1;
    larder_ref* next = nullptr;  // in the stock
};

namespace larder::embed {

// The value becomes the ref's. Throws std::bad_alloc, and then the value is still the caller's.
larder_ref* make_ref(larder_value& value, std::int64_t ttl_ms);
larder_ref* make_ref(std::string text);

// A ref that is released when this ends.
class HeldRef {
  public:
    HeldRef() = default;
    explicit HeldRef(larder_ref* ref) noexcept : ref_(ref) {}
    HeldRef(HeldRef&& other) noexcept : ref_(other.give()) {}
    HeldRef& operator=(HeldRef&& other) noexcept {
        if (this != &other) reset(other.give());
        return *this;
    }
    ~HeldRef() { reset(); }
    void reset(larder_ref* ref = nullptr) noexcept;
    larder_ref* get() const noexcept { return ref_; }
    larder_ref* give() noexcept {
        larder_ref* const out = ref_;
        ref_ = nullptr;
        return out;
    }
    HeldRef share() const noexcept;

  private:
    larder_ref* ref_ = nullptr;
};

}  // namespace larder::embed
