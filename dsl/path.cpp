// dsl/path.cpp -- one spelling for every path: what is matched is what is keyed.
//
// An application decodes `/user/%34%32` and `/user//42/` to user 42, so a cache that did not would
// miss the invalidation. Everything that may stand in a path unescaped is decoded, everything that
// may not is escaped in upper case; `%2F` therefore stays as it is, because a slash that was data
// must not become a border between segments.
#include "dsl/route_table.hpp"

#include <array>

namespace larder::dsl {

namespace {

// RFC 3986: pchar without its escapes.
constexpr std::array<bool, 256> path_bytes = [] {
    std::array<bool, 256> table{};
    for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
    for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
    for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
    for (const char c :
         {'-', '.', '_', '~', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=', ':', '@'}) {
        table[static_cast<unsigned char>(c)] = true;
    }
    return table;
}();

bool stands_plain(char c) { return path_bytes[static_cast<unsigned char>(c)]; }

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

// The byte that the escape at `at` stands for, or -1 when there is none.
int escaped_byte(std::string_view text, std::size_t at) {
    if (text[at] != '%' || at + 2 >= text.size()) return -1;
    const int high = hex_value(text[at + 1]), low = hex_value(text[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void escape_byte(unsigned char byte, std::string& out) {
    constexpr char digits[] = "0123456789ABCDEF";
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

// One byte or one escape of `text` at `at`, normalised, appended; returns what comes next.
std::size_t append_normal(std::string_view text, std::size_t at, std::string& out) {
    const int byte = escaped_byte(text, at);
    const bool escaped = byte >= 0;
    const char c = escaped ? static_cast<char>(byte) : text[at];
    if (stands_plain(c) || (c == '/' && !escaped)) {
        out += c;
    } else {
        escape_byte(static_cast<unsigned char>(c), out);
    }
    return at + (escaped ? 3 : 1);
}

bool is_normal(std::string_view path) {
    if (path.empty() || path[0] != '/') return false;
    if (path.size() > 1 && path.back() == '/') return false;
    char before = 0;
    for (const char c : path) {
        if (c == '/') {
            if (before == '/') return false;
        } else if (!stands_plain(c) || (c == '.' && before == '/')) {
            return false;  // a dot after a slash may be an ordinary name; the slow way decides
        }
        before = c;
    }
    return true;
}

// Takes the last segment of `out` away when it is empty, `.` or `..`. A segment begins at `begin`.
void close_segment(std::string& out, std::size_t begin) {
    const std::string_view segment = std::string_view(out).substr(begin);
    if (segment.empty() || segment == ".") {
        out.resize(begin - 1);
    } else if (segment == "..") {
        out.resize(begin - 1);
        const std::size_t slash = out.rfind('/');
        out.resize(slash == std::string::npos ? 0 : slash);
    }
}

}  // namespace

std::string_view normalise_path(std::string_view path, std::string& buffer) {
    path = path.substr(0, path.find_first_of("?#"));
    if (is_normal(path)) return path;
    buffer.clear();
    std::size_t at = 0;
    while (at < path.size()) {
        if (path[at] == '/') ++at;
        buffer += '/';
        const std::size_t begin = buffer.size();
        while (at < path.size() && path[at] != '/') at = append_normal(path, at, buffer);
        close_segment(buffer, begin);
    }
    if (buffer.empty()) buffer += '/';
    return buffer;
}

std::string normalise_literal(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) at = append_normal(text, at, out);
    return out;
}

std::string_view capture_value(std::string_view capture, std::string& buffer) {
    if (capture.find('%') == std::string_view::npos) return capture;
    buffer.clear();
    for (std::size_t at = 0; at < capture.size();) {
        const int byte = escaped_byte(capture, at);
        buffer += byte < 0 ? capture[at] : static_cast<char>(byte);
        at += byte < 0 ? 1 : 3;
    }
    return buffer;
}

}  // namespace larder::dsl
