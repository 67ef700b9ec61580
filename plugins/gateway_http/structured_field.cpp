// plugins/gateway_http/structured_field.cpp -- see structured_field.hpp. The functions are the parsing
// algorithms of RFC 8941 4.2, in its order.
#include "structured_field.hpp"

#include "field_names.hpp"

#include <algorithm>

namespace larder::http {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_small(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool is_alpha(char c) noexcept { return is_small(lower(c)); }

class Reader {
  public:
    explicit Reader(std::string_view text) : in_(text) {}

    bool dictionary(Dictionary& out) {
        skip(" ");
        if (in_.empty()) return true;
        for (;;) {
            std::string key;
            Item item;
            if (!this->key(key)) return false;
            if (take('=')) {
                if (!item_or_list(item)) return false;
            } else if (!parameters()) {
                return false;
            }
            std::erase_if(out, [&](const auto& pair) { return pair.first == key; });
            out.emplace_back(std::move(key), std::move(item));
            if (!more()) return good_ && in_.empty();
        }
    }
    bool list(std::vector<Item>& out) {
        skip(" ");
        if (in_.empty()) return true;
        for (;;) {
            Item item;
            if (!item_or_list(item)) return false;
            out.push_back(std::move(item));
            if (!more()) return good_ && in_.empty();
        }
    }

  private:
    void skip(std::string_view what) { in_.remove_prefix(std::min(in_.find_first_not_of(what), in_.size())); }
    bool take(char c) {
        if (in_.empty() || in_.front() != c) return false;
        in_.remove_prefix(1);
        return true;
    }
    // Behind a member: a comma, and a member behind that. A comma at the end is an error.
    bool more() {
        skip(" \t");
        if (in_.empty()) return false;
        if (!take(',')) {
            good_ = false;
            return false;
        }
        skip(" \t");
        good_ = !in_.empty();
        return good_;
    }
    bool key(std::string& out) {
        if (in_.empty() || (!is_small(in_.front()) && in_.front() != '*')) return false;
        while (!in_.empty() && (is_small(in_.front()) || is_digit(in_.front()) || std::string_view("_-.*").find(in_.front()) != std::string_view::npos)) {
            out += in_.front();
            in_.remove_prefix(1);
        }
        return true;
    }
    bool item_or_list(Item& out) {
        if (take('(')) {
            out.kind = Item::Kind::list;
            for (;;) {
                skip(" ");
                if (take(')')) return parameters();
                Item inner;
                if (!bare(inner) || !parameters()) return false;
                if (in_.empty() || (in_.front() != ' ' && in_.front() != ')')) return false;
            }
        }
        return bare(out) && parameters();
    }
    bool parameters() {
        while (take(';')) {
            skip(" ");
            std::string name;
            Item value;
            if (!key(name) || (take('=') && !bare(value))) return false;
        }
        return true;
    }
    bool bare(Item& out) {
        if (in_.empty()) return false;
        const char c = in_.front();
        if (c == '-' || is_digit(c)) return number(out);
        if (c == '"') return string(out);
        if (c == '*' || is_alpha(c)) return token(out);
        if (c == ':') return bytes(out);
        if (c == '?') return boolean(out);
        return false;
    }
    bool number(Item& out) {
        const bool minus = take('-');
        std::size_t whole = 0, part = 0;
        bool point = false;
        std::int64_t value = 0;
        while (!in_.empty() && (is_digit(in_.front()) || (in_.front() == '.' && !point && whole > 0))) {
            if (in_.front() == '.') {
                if (whole > 12) return false;
                point = true;
            } else if (point) {
                ++part;
            } else {
                ++whole;
                if (whole > 15) return false;
                value = value * 10 + (in_.front() - '0');
            }
            in_.remove_prefix(1);
        }
        if (whole == 0 || (point && (part == 0 || part > 3))) return false;
        out.kind = point ? Item::Kind::decimal : Item::Kind::integer;
        out.integer = minus ? -value : value;
        return true;
    }
    bool string(Item& out) {
        out.kind = Item::Kind::string;
        in_.remove_prefix(1);
        while (!in_.empty()) {
            char c = in_.front();
            in_.remove_prefix(1);
            if (c == '"') return true;
            if (c == '\\') {
                if (in_.empty() || (in_.front() != '"' && in_.front() != '\\')) return false;
                c = in_.front();
                in_.remove_prefix(1);
            } else if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
                return false;
            }
            out.text += c;
        }
        return false;
    }
    bool token(Item& out) {
        out.kind = Item::Kind::token;
        while (!in_.empty() && (is_token_char(in_.front()) || in_.front() == ':' || in_.front() == '/')) {
            out.text += in_.front();
            in_.remove_prefix(1);
        }
        return true;
    }
    bool bytes(Item& out) {
        out.kind = Item::Kind::bytes;
        in_.remove_prefix(1);
        const std::size_t end = in_.find(':');
        if (end == std::string_view::npos) return false;
        out.text = in_.substr(0, end);
        in_.remove_prefix(end + 1);
        return std::all_of(out.text.begin(), out.text.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/' || c == '='; });
    }
    bool boolean(Item& out) {
        out.kind = Item::Kind::boolean;
        in_.remove_prefix(1);
        if (in_.empty() || (in_.front() != '0' && in_.front() != '1')) return false;
        out.boolean = in_.front() == '1';
        in_.remove_prefix(1);
        return true;
    }

    std::string_view in_;
    bool good_ = true;
};

std::string_view without_end_spaces(std::string_view text) {
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

}  // namespace

bool parse_dictionary(std::string_view value, Dictionary& out) { return Reader(without_end_spaces(value)).dictionary(out); }
bool parse_list(std::string_view value, std::vector<Item>& out) { return Reader(without_end_spaces(value)).list(out); }

void append_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) continue;
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

}  // namespace larder::http
