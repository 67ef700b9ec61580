// dsl/rendering.cpp -- UTF-8 checked byte by byte, for people and for JSON.
#include "dsl/rendering.hpp"

#include <algorithm>

namespace larder::dsl {
namespace {

unsigned at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

bool is_continuation(std::string_view text, std::size_t i) {
    return i < text.size() && (at(text, i) & 0xC0) == 0x80;
}

// U+0000..001F, 007F and 0080..009F. The last are two bytes long and drive terminals as well.
bool is_control(std::string_view code_point) {
    const unsigned first = at(code_point, 0);
    return first < 0x20 || first == 0x7F || (first == 0xC2 && at(code_point, 1) < 0xA0);
}

}  // namespace

std::size_t code_point_size(std::string_view text) {
    const unsigned first = at(text, 0);
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xC2 || first > 0xF4 || !is_continuation(text, 1)) {
        return 0;
    }
    if (first < 0xE0) {
        return 2;
    }
    const unsigned second = at(text, 1);
    if (first < 0xF0) {
        const bool overlong = first == 0xE0 && second < 0xA0;
        const bool surrogate = first == 0xED && second > 0x9F;
        return !overlong && !surrogate && is_continuation(text, 2) ? 3 : 0;
    }
    const bool overlong = first == 0xF0 && second < 0x90;
    const bool too_large = first == 0xF4 && second > 0x8F;
    return !overlong && !too_large && is_continuation(text, 2) && is_continuation(text, 3) ? 4 : 0;
}

std::string shown(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t size = code_point_size(text);
        if (text.front() == '\t') {
            out += "    ";
        } else if (size == 0 || is_control(text.substr(0, size))) {
            out += replacement_character;
        } else {
            out += text.substr(0, size);
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

void append_json_string(std::string& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    out += '"';
    while (!text.empty()) {
        const std::size_t size = code_point_size(text);
        const char c = text.front();
        if (size == 0) {
            out += replacement_character;
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (at(text, 0) < 0x20 || at(text, 0) == 0x7F) {
            out += "\\u00";
            out += hex[at(text, 0) >> 4];
            out += hex[at(text, 0) & 15];
        } else {
            out += text.substr(0, size);
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    out += '"';
}

std::string json_string(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

Region region_of(const SourceMap& sources, Span span) {
    const Source& source = sources.file_at(span.begin);
    return {&source, source.place(span.begin), source.place(std::max(span.begin, span.end))};
}

}  // namespace larder::dsl
