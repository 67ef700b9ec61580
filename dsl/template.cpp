// dsl/template.cpp -- filling templates in, and the escaping that keeps two values apart.
#include "dsl/template.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

// The value of a hex digit, or -1.
constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

}  // namespace

bool Template::constant() const {
    return std::all_of(pieces.begin(), pieces.end(),
                       [](const Piece& p) { return p.kind == Piece::Kind::literal; });
}

bool Template::uses(std::uint16_t slot) const {
    return std::any_of(pieces.begin(), pieces.end(), [slot](const Piece& p) {
        return (p.kind == Piece::Kind::variable || p.kind == Piece::Kind::rest) && p.slot == slot;
    });
}

void Template::fill(std::span<const std::string_view> values, std::string& out) const {
    for (const Piece& p : pieces) {
        switch (p.kind) {
            case Piece::Kind::literal:
                out += p.text;
                break;
            case Piece::Kind::variable:
                if (p.slot < values.size()) escape_to(values[p.slot], out);
                break;
            case Piece::Kind::rest:
                if (p.slot < values.size()) out += values[p.slot];
                break;
            case Piece::Kind::star:
                out += '*';
                break;
            case Piece::Kind::deep:
                out += "**";
                break;
        }
    }
}

std::string Template::fill(std::span<const std::string_view> values) const {
    std::string out;
    fill(values, out);
    return out;
}

// One pass per piece over the set of places the pieces before it can end at: no backtracking, so a
// text made to hurt costs |pieces| * |text| and not more.
bool Template::could_make(std::string_view text) const {
    std::vector<char> ends(text.size() + 1, 0), next;
    ends[0] = 1;
    for (const Piece& p : pieces) {
        next.assign(text.size() + 1, 0);
        if (p.kind == Piece::Kind::literal) {
            for (std::size_t i = 0; i + p.text.size() <= text.size(); ++i) {
                if (ends[i] && text.substr(i, p.text.size()) == p.text) next[i + p.text.size()] = 1;
            }
        } else {
            const bool any = p.kind != Piece::Kind::variable;
            bool open = false;  // some earlier end reaches here with what this piece may hold
            for (std::size_t i = 0; i <= text.size(); ++i) {
                open = open || ends[i];
                next[i] = open;
                if (i < text.size() && !any && is_special(text[i]) && text[i] != '%') open = false;
            }
        }
        ends.swap(next);
    }
    return ends[text.size()] != 0;
}

void escape_to(std::string_view value, std::string& out) {
    constexpr char digits[] = "0123456789ABCDEF";
    for (const char c : value) {
        if (!is_special(c)) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
}

std::string unescape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
            if (high >= 0 && low >= 0) {
                out += static_cast<char>(high * 16 + low);
                i += 2;
                continue;
            }
        }
        out += text[i];
    }
    return out;
}

}  // namespace larder::dsl
