// kernel/editor/position.cpp -- places as editors count them.
#include "kernel/editor/position.hpp"

#include <algorithm>

namespace larder::editor {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
// Of the code point that begins with this byte.
std::uint32_t units_of(char c) { return static_cast<unsigned char>(c) >= 0xF0 ? 2u : 1u; }

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

Position position_of(const dsl::Source& file, std::uint32_t offset) {
    offset = std::clamp(offset, file.base(), file.end());
    // The empty line behind the last line end is one to an editor.
    if (offset == file.end() && file.text().ends_with('\n'))
        return {static_cast<std::uint32_t>(file.lines()), 0};
    const std::size_t line = file.place(offset).line;
    const std::string_view text = file.text({file.line_begin(line), offset});
    Position out{static_cast<std::uint32_t>(line - 1), 0};
    for (const char c : text)
        if (!continues(c)) out.character += units_of(c);
    const std::string_view all = file.text();
    const std::size_t at = offset - file.base();
    if (at < all.size() && continues(all[at]) && !text.empty()) {
        std::size_t lead = text.size();
        while (lead > 0 && continues(text[lead - 1])) --lead;
        if (lead > 0) out.character -= units_of(text[lead - 1]);
    }
    return out;
}

std::uint32_t offset_of(const dsl::Source& file, Position position) {
    if (position.line >= file.lines()) return file.end();
    std::string_view text = file.line(position.line + 1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    std::size_t i = 0;
    for (std::uint32_t units = 0; i < text.size(); ++i) {
        if (continues(text[i])) continue;
        if (units + units_of(text[i]) > position.character) break;
        units += units_of(text[i]);
    }
    return file.line_begin(position.line + 1) + static_cast<std::uint32_t>(i);
}

boost::json::object position_json(Position position) {
    return {{"line", position.line}, {"character", position.character}};
}

boost::json::object range_json(const dsl::Source& file, dsl::Span span) {
    return {{"start", position_json(position_of(file, span.begin))},
            {"end", position_json(position_of(file, span.end))}};
}

std::string path_of(std::string_view uri) {
    constexpr std::string_view scheme = "file://";
    if (!uri.starts_with(scheme)) return {};
    uri.remove_prefix(scheme.size());
    uri.remove_prefix(std::min(uri.find('/'), uri.size()));  // a host, if any
    std::string path;
    for (std::size_t i = 0; i < uri.size(); ++i) {
        const int high = uri[i] == '%' && i + 2 < uri.size() ? hex_digit(uri[i + 1]) : -1;
        const int low = high < 0 ? -1 : hex_digit(uri[i + 2]);
        if (low < 0) {
            path += uri[i];
        } else {
            path += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return path.find('\0') == std::string::npos ? path : std::string();
}

std::string uri_of(std::string_view path) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    std::string uri = "file://";
    for (const char c : path) {
        if (plain.find(c) != std::string_view::npos) {
            uri += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        (((uri += '%') += hex[byte >> 4])) += hex[byte & 15];
    }
    return uri;
}

}  // namespace larder::editor
