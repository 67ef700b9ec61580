// plugins/warmer_http/path_text.cpp -- see path_text.hpp.
#include "path_text.hpp"

#include <larder/plugin/value.hpp>

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
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c != '{' && c != '}') {
            if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) == 0x7F) return std::nullopt;
            out += c;
            continue;
        }
        if (i + 1 < text.size() && text[i + 1] == c) {
            append_encoded({&c, 1}, out);
            ++i;
            continue;
        }
        const std::size_t end = c == '{' ? text.find('}', i) : std::string_view::npos;
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view name = text.substr(i + 1, end - i - 1);
        const auto field = std::find_if(fields.begin(), fields.end(), [&](const larder_pair& one) { return plugin::text_of(one.name) == name; });
        if (field == fields.end()) return std::nullopt;
        append_encoded(plugin::text_of(field->value), out);
        i = end;
    }
    if (leads_up(out)) return std::nullopt;
    return out;
}

}  // namespace larder::warmer_http
