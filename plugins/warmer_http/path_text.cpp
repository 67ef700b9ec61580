// plugins/warmer_http/path_text.cpp -- see path_text.hpp.
#include "path_text.hpp"

#include <larder/plugin/warmer.hpp>

#include <algorithm>

namespace larder::warmer_http {
namespace {

bool is_unreserved(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

void append_encoded(std::string_view value, std::string& out) {
    static constexpr char digits[] = "0123456789ABCDEF";
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_unreserved(byte)) {
            out += c;
        } else {
            ((out += '%') += digits[byte >> 4]) += digits[byte & 15];
        }
    }
}

bool leads_up(std::string_view path) {
    path = path.substr(0, path.find_first_of("?#"));
    while (!path.empty()) {
        const std::string_view segment = path.substr(0, path.find('/'));
        if (segment == "." || segment == "..") return true;
        path.remove_prefix(std::min(path.size(), segment.size() + 1));
    }
    return false;
}

}  // namespace

std::optional<std::string> fill_path(std::string_view text, std::span<const larder_pair> fields) {
    std::string out;
    bool clean = true;
    const auto literal = [&](std::string_view piece) {
        if (piece == "{" || piece == "}") return append_encoded(piece, out);
        clean = clean && std::none_of(piece.begin(), piece.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) == 0x7F; });
        out += piece;
    };
    if (!plugin::fill_hint(text, fields, literal, [&](std::string_view value) { append_encoded(value, out); })) return std::nullopt;
    if (!clean || leads_up(out)) return std::nullopt;
    return out;
}

}  // namespace larder::warmer_http
