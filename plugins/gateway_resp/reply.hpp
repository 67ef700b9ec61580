// plugins/gateway_resp/reply.hpp -- what goes back to a client: bytes, pinned values, RESP2 and
// RESP3.
//
// Output gathers the replies of many pipelined requests and hands them to one vectored write. Small
// things are copied into one block; a large value is not copied but kept pinned and written from
// where the store has it. ReplyWriter knows the two dialects, so that commands name the thing (a
// map, a null, a double) and not its bytes.
#pragma once
#include "net.hpp"

#include <larder/plugin/abi.h>

#include <sys/uio.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace larder::resp {

// One per connection; one thread. Owns the values pinned in it.
class Output {
  public:
    // From this size on a value is sent from its own place.
    static constexpr std::size_t pin_from = 16u << 10;

    Output() = default;
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output() { clear(); }

    void append(std::string_view bytes) {
        if (!muted_) text_.append(bytes);
    }
    // Takes the value over; its size decides between copy and pin.
    void value(larder_value& taken);
    // A whole bulk string, header and all, in one piece.
    void bulk(const void* bytes, std::size_t size) {
        if (muted_) return;
        char* const start = text_.grow(size + longest_header + 2);
        char* at = write_header(start, '$', size);
        if (size != 0) std::memcpy(at, bytes, size);
        at += size;
        *at++ = '\r';
        *at++ = '\n';
        text_.commit(static_cast<std::size_t>(at - start));
    }

    [[nodiscard]] std::size_t pending() const noexcept { return text_.size() + pinned_bytes_; }
    // A muted output swallows replies (CLIENT REPLY OFF, SKIP).
    void mute(bool on) noexcept { muted_ = on; }

    // What to write next, in order. Valid until sent() or anything is appended.
    std::size_t gather(iovec* out, std::size_t room) const;
    void sent(std::size_t bytes);
    void clear() noexcept;
    // Gives memory back. REQUIRES: pending() == 0.
    void release() noexcept { text_.release(); }

  private:
    static constexpr std::size_t longest_header = 24;
    // "$100\r\n"; behind it.
    static char* write_header(char* at, char type, std::size_t number) noexcept;
    struct Pin {
        std::uint64_t at;  // its place in the stream of text bytes
        larder_value value;
    };
    Buffer text_;
    std::uint64_t text_sent_ = 0;
    std::vector<Pin> pins_;
    std::size_t first_pin_ = 0;
    std::size_t pin_sent_ = 0;  // of the first pin
    std::size_t pinned_bytes_ = 0;
    bool muted_ = false;
};

inline void release_value(larder_value& value) noexcept {
    if (value.release != nullptr) value.release(&value);
    value = {};
}

class ReplyWriter {
  public:
    ReplyWriter(Output& out, const int& protocol) : out_(out), protocol_(protocol) {}

    void simple(std::string_view text);
    void ok() { out_.append("+OK\r\n"); }
    // code and text in one: "ERR no such key". Line breaks become spaces.
    void error(std::string_view text);
    void integer(std::int64_t value) { header(':', value); }
    void boolean(bool value) { integer(value ? 1 : 0); }
    void bulk(std::string_view bytes);
    void value(larder_value& taken);
    void null() { out_.append(protocol_ == 3 ? "_\r\n" : "$-1\r\n"); }
    void null_array() { out_.append(protocol_ == 3 ? "_\r\n" : "*-1\r\n"); }
    void array(std::size_t count) { header('*', static_cast<std::int64_t>(count)); }
    void set(std::size_t count) {
        header(protocol_ == 3 ? '~' : '*', static_cast<std::int64_t>(count));
    }
    // pairs; in RESP2 a flat array
    void map(std::size_t pairs);
    void push(std::size_t count) {
        header(protocol_ == 3 ? '>' : '*', static_cast<std::int64_t>(count));
    }
    // true or false; in RESP2 1 or 0
    void truth(bool value) {
        out_.append(protocol_ == 3 ? (value ? "#t\r\n" : "#f\r\n") : (value ? ":1\r\n" : ":0\r\n"));
    }
    // decimal digits; in RESP2 a bulk string
    void big_number(std::string_view digits);
    void real(double value);
    // text for people; in RESP2 a bulk string
    void verbatim(std::string_view text);

  private:
    void header(char type, std::int64_t number);
    Output& out_;
    const int& protocol_;
};

}  // namespace larder::resp
