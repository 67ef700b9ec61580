// larder/plugin/value.hpp -- bytes and their owners: Reply writes an answer in place, Value holds
// one.
//
// A Reply holds the caller's larder_value and fills it member by member. Returning a filled struct
// and copying it costs a store-forwarding stall, five times the border itself, so nothing here
// returns one.
#ifndef LARDER_PLUGIN_VALUE_HPP
#define LARDER_PLUGIN_VALUE_HPP
#include "abi.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace larder::plugin {

inline std::string_view text_of(larder_bytes b) noexcept {
    return {static_cast<const char*>(b.data), b.size};
}
inline std::string_view text_of(const larder_key& k) noexcept { return {k.data, k.size}; }
inline larder_bytes bytes_of(std::string_view s) noexcept { return {s.data(), s.size()}; }
inline std::span<const std::byte> span_of(larder_bytes b) noexcept {
    return {static_cast<const std::byte*>(b.data), b.size};
}

// Where a get answers. Use it once: each function fills the caller's value and returns the status
// that the component's function is to return.
class Reply {
  public:
    explicit Reply(larder_value* out) noexcept : out_(out) {}

    // Bytes that live as long as the module.
    larder_status fixed(const void* data, std::size_t size) noexcept {
        return fill(data, size, nullptr, nullptr);
    }

    // Bytes that stay valid and unchanged until Pin::unpin(pin) is called, once, by any thread.
    // Pin: any type with `static void unpin(void*) noexcept`.
    template <class Pin>
    larder_status pinned(const void* data, std::size_t size, void* pin) noexcept {
        static_assert(noexcept(Pin::unpin(pin)),
                      "unpin must be noexcept: it runs outside the plugin");
        return fill(
            data, size, [](larder_value* v) noexcept { Pin::unpin(v->pin); }, pin);
    }

    // Moves the bytes to the heap once; whoever holds the value frees them.
    larder_status owned(std::string bytes) {
        auto* s = new std::string(std::move(bytes));
        return fill(
            s->data(), s->size(),
            [](larder_value* v) noexcept { delete static_cast<std::string*>(v->pin); }, s);
    }

    static larder_status miss() noexcept { return LARDER_MISS; }
    static larder_status pending() noexcept { return LARDER_PENDING; }

    // For a late answer, or one made elsewhere.
    larder_value* raw() const noexcept { return out_; }

  private:
    larder_status fill(const void* data, std::size_t size,
                       void(LARDER_CALL* release)(larder_value*) LARDER_NOEXCEPT,
                       void* pin) noexcept {
        out_->data = data;
        out_->size = size;
        out_->release = release;
        out_->pin = pin;
        return LARDER_OK;
    }

    larder_value* out_;
};

// A value that was got from somewhere else, released once. Fill it in place:
//     Value v;  status = api.explain(host, what, v.out(), &call);
class Value {
  public:
    Value() noexcept = default;
    explicit Value(std::string bytes) { Reply(&value_).owned(std::move(bytes)); }
    // Takes over a filled larder_value, as a done function receives it.
    explicit Value(larder_value* taken) noexcept
        : value_(taken != nullptr ? std::exchange(*taken, larder_value{}) : larder_value{}) {}
    Value(Value&& other) noexcept : value_(std::exchange(other.value_, larder_value{})) {}
    Value& operator=(Value&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    Value(const Value&) = delete;
    Value& operator=(const Value&) = delete;
    ~Value() { reset(); }

    std::string_view text() const noexcept {
        return {static_cast<const char*>(value_.data), value_.size};
    }
    const void* data() const noexcept { return value_.data; }
    std::size_t size() const noexcept { return value_.size; }

    larder_value* out() noexcept {
        reset();
        return &value_;
    }
    // Gives the ownership away.
    larder_value leave() noexcept { return std::exchange(value_, larder_value{}); }
    void reset() noexcept {
        if (value_.release != nullptr) {
            value_.release(&value_);
        }
        value_ = larder_value{};
    }

  private:
    larder_value value_{};
};

}  // namespace larder::plugin
#endif
