// dsl/encoding.cpp -- one pass over the bytes, eight at a time while they are plain ASCII.
#include "dsl/encoding.hpp"

#include "dsl/rendering.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace larder::dsl {
namespace {

// How many of the first bytes are neither NUL nor above 0x7F.
std::size_t plain_prefix(std::string_view text) {
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t highs = 0x8080808080808080;
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + i, sizeof word);
        // The high bit of a byte, or the borrow of a byte that is zero.
        if (((word | ((word - ones) & ~word)) & highs) != 0) {
            break;
        }
    }
    while (i < text.size() && text[i] != '\0' && static_cast<unsigned char>(text[i]) < 0x80) {
        ++i;
    }
    return i;
}

Diagnostic bad_byte(std::uint32_t offset, unsigned char byte) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    Diagnostic found;
    found.code = "L0109";
    found.primary.at = {offset, offset + 1};
    if (byte == 0) {
        found.message = "there is a NUL byte in this text";
        found.helps.emplace_back("a policy is UTF-8; this file may be binary, or UTF-16");
        return found;
    }
    found.message = "this is not UTF-8";
    found.primary.text = std::string("byte 0x") + hex[byte >> 4] + hex[byte & 15];
    found.helps.emplace_back("save the file as UTF-8");
    return found;
}

}  // namespace

Encoding check_encoding(const Source& source, std::size_t most, std::vector<Diagnostic>& found) {
    Encoding encoding;
    const std::string_view text = source.text();
    encoding.too_long = text.size() > SourceMap::max_file_bytes;
    std::size_t i = 0;
    while (encoding.bad.size() < most) {
        i += plain_prefix(text.substr(i));
        if (i == text.size()) {
            break;
        }
        const std::size_t size = text[i] == '\0' ? 0 : code_point_size(text.substr(i));
        if (size != 0) {
            i += size;
            continue;
        }
        const std::uint32_t offset = source.base() + static_cast<std::uint32_t>(i);
        encoding.bad.push_back(offset);
        found.push_back(bad_byte(offset, static_cast<unsigned char>(text[i])));
        i = std::min(text.find('\n', i), text.size());
    }
    return encoding;
}

}  // namespace larder::dsl
