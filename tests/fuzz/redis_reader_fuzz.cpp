// tests/fuzz/redis_reader_fuzz.cpp -- any bytes as replies of a Redis server: the same replies however they are
// cut, no string or array beyond the limits, and no more memory than the bytes deserve.
//
// The first byte says how the rest is cut. hiredis itself is Debian's and not instrumented; what is built
// of its replies is.
#include "plugins/redis_wire/reader.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace {

using namespace larder::redis_wire;
using Type = Reply::Type;

constexpr std::uint64_t value_bytes = 64, reply_bytes = 200;
constexpr std::uint32_t elements = 16;

void require(bool held) {
    if (!held) std::abort();
}

ReplyLimits small() {
    ReplyLimits limits;
    limits.value_bytes = value_bytes;
    limits.reply_bytes = reply_bytes;
    limits.array_elements = elements;
    return limits;
}

// Everything that is read, as text; the end says whether the rest was refused.
std::string read_all(const char* data, std::size_t size, std::size_t piece) {
    Reader reader(small());
    std::string seen;
    for (std::size_t at = 0; at < size; at += piece) {
        require(reader.feed(data + at, std::min(piece, size - at)));
        for (;;) {
            const Reader::Got got = reader.next();
            if (got == Reader::Got::more) break;
            if (got == Reader::Got::broken) {
                require(!reader.why().empty());
                require(reader.next() == Reader::Got::broken);
                return seen + "!";
            }
            const Reply& reply = reader.reply();
            std::uint64_t bytes = 0;
            for (const Reply::Item& item : reply.items()) {
                require(item.type != Type::array || item.size <= elements);
                require(item.type == Type::array || item.size <= value_bytes);
                bytes += item.text().size();
                seen += static_cast<char>('0' + static_cast<int>(item.type));
                seen += std::to_string(item.type == Type::integer ? item.integer : item.size);
                seen += item.text();
            }
            require(bytes <= reply_bytes);
            seen += ';';
        }
    }
    return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const char* const bytes = reinterpret_cast<const char*>(data + 1);
    const std::string whole = read_all(bytes, size - 1, 1u << 20);
    const std::string cut = read_all(bytes, size - 1, 1u + data[0] % 16);
    // Refused sooner or later, but what was read before it is the same.
    require(whole == cut);
    return 0;
}
