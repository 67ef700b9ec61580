// kernel/core/json_members.cpp -- see json_members.hpp.
#include "kernel/core/json_members.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace larder {
namespace {

constexpr int deepest = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Goes over JSON without keeping any of it. Each answers whether what it is named for stood there.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::size_t at() const { return at_; }
    bool is_over() const { return at_ == text_.size(); }
    void blanks() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
    }
    bool mark(char c) {
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    bool string() {
        if (!mark('"')) return false;
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"') return true;
            if (static_cast<unsigned char>(c) < 0x20) return false;
            if (c == '\\' && !escape()) return false;
        }
        return false;
    }
    bool value(int depth = 0) {
        if (depth > deepest || at_ == text_.size()) return false;
        switch (text_[at_]) {
            case '{': return object(depth, [](std::string_view, std::string_view) {});
            case '[': return array(depth);
            case '"': return string();
            case 't': return word("true");
            case 'f': return word("false");
            case 'n': return word("null");
            default: return number();
        }
    }
    // Shows the raw texts of each member's name and value.
    template <class Each>
    bool object(int depth, Each&& each) {
        if (!mark('{')) return false;
        blanks();
        if (mark('}')) return true;
        do {
            blanks();
            const std::size_t name = at_;
            if (!string()) return false;
            const std::size_t name_end = at_;
            blanks();
            if (!mark(':')) return false;
            blanks();
            const std::size_t begin = at_;
            if (!value(depth + 1)) return false;
            each(text_.substr(name, name_end - name), text_.substr(begin, at_ - begin));
            blanks();
        } while (mark(','));
        return mark('}');
    }

  private:
    bool array(int depth) {
        if (!mark('[')) return false;
        blanks();
        if (mark(']')) return true;
        do {
            blanks();
            if (!value(depth + 1)) return false;
            blanks();
        } while (mark(','));
        return mark(']');
    }
    bool escape() {
        if (at_ == text_.size()) return false;
        const char c = text_[at_++];
        if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
        for (int i = 0; i < 4; ++i, ++at_)
            if (at_ == text_.size() || std::string_view("0123456789abcdefABCDEF").find(text_[at_]) == std::string_view::npos) return false;
        return true;
    }
    bool word(std::string_view text) {
        if (!text_.substr(at_).starts_with(text)) return false;
        at_ += text.size();
        return true;
    }
    bool digits() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
        return at_ != begin;
    }
    bool number() {
        mark('-');
        if (!mark('0') && !digits()) return false;
        if (mark('.') && !digits()) return false;
        if (mark('e') || mark('E')) {
            if (!mark('+')) mark('-');
            return digits();
        }
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

void append_utf8(std::uint32_t point, std::string& out) {
    const auto byte = [&out](std::uint32_t bits) { out += static_cast<char>(bits); };
    if (point < 0x80) return byte(point);
    if (point < 0x800) {
        byte(0xC0 | point >> 6);
    } else {
        if (point < 0x10000) {
            byte(0xE0 | point >> 12);
        } else {
            byte(0xF0 | point >> 18);
            byte(0x80 | (point >> 12 & 0x3F));
        }
        byte(0x80 | (point >> 6 & 0x3F));
    }
    byte(0x80 | (point & 0x3F));
}

std::uint32_t hex4(std::string_view text) {
    std::uint32_t out = 0;
    for (const char c : text) {
        const auto digit = static_cast<std::uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
        out = out << 4 | digit;
    }
    return out;
}

// REQUIRES: a text that Scanner::string went over, with its quotes.
std::string decoded(std::string_view raw) {
    raw = raw.substr(1, raw.size() - 2);
    std::string out;
    for (std::size_t at = 0; at < raw.size();) {
        if (raw[at] != '\\') {
            out += raw[at++];
            continue;
        }
        const char c = raw[at + 1];
        at += 2;
        if (c != 'u') {
            constexpr std::string_view letters = "bfnrt", meant = "\b\f\n\r\t";
            const std::size_t which = letters.find(c);
            out += which == letters.npos ? c : meant[which];
            continue;
        }
        std::uint32_t point = hex4(raw.substr(at, 4));
        at += 4;
        const bool high = point >= 0xD800 && point < 0xDC00;
        if (high && raw.substr(at).starts_with("\\u")) {
            const std::uint32_t low = hex4(raw.substr(at + 2, 4));
            if (low >= 0xDC00 && low < 0xE000) {
                point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
                at += 6;
            }
        }
        append_utf8(point, out);
    }
    return out;
}

void append_quoted(std::string_view text, std::string& out) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (const auto byte = static_cast<unsigned char>(c); byte < 0x20) {
            out += "\\u00";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += c;
        }
    }
    out += '"';
}

}  // namespace

bool JsonMembers::read(std::string_view text) {
    members_.clear();
    Scanner scanner(text);
    scanner.blanks();
    const bool good = scanner.object(0, [this](std::string_view name, std::string_view value) {
        Member one;
        one.name = decoded(name);
        one.raw = name;
        one.value = value;
        if (Member* const before = member(one.name)) *before = std::move(one);
        else members_.push_back(std::move(one));
    });
    scanner.blanks();
    if (good && scanner.is_over()) return true;
    members_.clear();
    return false;
}

JsonMembers::Member* JsonMembers::member(const std::string& name) {
    const auto at = std::find_if(members_.begin(), members_.end(), [&](const Member& one) { return one.name == name; });
    return at == members_.end() ? nullptr : &*at;
}

JsonMembers* JsonMembers::holder(std::span<const std::string> path, bool make) {
    if (path.size() == 1) return this;
    Member* next = member(path.front());
    if (next == nullptr) {
        if (!make) return nullptr;
        members_.emplace_back();
        next = &members_.back();
        next->name = path.front();
        next->object = std::make_unique<JsonMembers>();
    }
    if (next->object == nullptr) {
        auto inside = std::make_unique<JsonMembers>();
        inside->kept_ = next->own;
        if (!inside->read(next->own.empty() ? next->value : std::string_view(inside->kept_))) return nullptr;
        next->own.clear();
        next->object = std::move(inside);
    }
    return next->object->holder(path.subspan(1), make);
}

std::string_view JsonMembers::find(std::span<const std::string> path) {
    JsonMembers* const in = holder(path, false);
    Member* const found = in == nullptr ? nullptr : in->member(path.back());
    if (found == nullptr) return {};
    if (found->object != nullptr) {
        found->own = found->object->text();
        found->object.reset();
    }
    return found->own.empty() ? found->value : std::string_view(found->own);
}

std::string JsonMembers::take(std::span<const std::string> path) {
    JsonMembers* const in = holder(path, false);
    Member* const found = in == nullptr ? nullptr : in->member(path.back());
    if (found == nullptr) return {};
    std::string out = found->object != nullptr ? found->object->text() : found->own.empty() ? std::string(found->value) : found->own;
    in->members_.erase(in->members_.begin() + (found - in->members_.data()));
    return out;
}

void JsonMembers::rename(std::span<const std::string> path, const std::string& name) {
    JsonMembers* const in = holder(path, false);
    if (in == nullptr || path.back() == name || in->member(path.back()) == nullptr) return;
    std::erase_if(in->members_, [&name](const Member& one) { return one.name == name; });
    Member* const found = in->member(path.back());
    found->name = name;
    found->raw = {};
}

bool JsonMembers::put(std::span<const std::string> path, std::string json) {
    // Not to leave half a way behind: what is no object is found before anything is made.
    for (std::size_t names = 1; names < path.size(); ++names) {
        const std::string_view on_the_way = find(path.first(names));
        if (on_the_way.data() == nullptr) break;
        if (on_the_way.front() != '{') return false;
    }
    JsonMembers* const in = holder(path, true);
    Member* found = in->member(path.back());
    if (found == nullptr) {
        in->members_.emplace_back();
        found = &in->members_.back();
        found->name = path.back();
    }
    found->object.reset();
    found->own = std::move(json);
    return true;
}

void JsonMembers::append_to(std::string& out) const {
    char before = '{';
    if (members_.empty()) out += before;
    for (const Member& one : members_) {
        out += before;
        before = ',';
        if (one.raw.empty()) append_quoted(one.name, out);
        else out += one.raw;
        out += ':';
        if (one.object != nullptr) one.object->append_to(out);
        else out += one.own.empty() ? one.value : std::string_view(one.own);
    }
    out += '}';
}

std::string JsonMembers::text() const {
    std::string out;
    append_to(out);
    return out;
}

}  // namespace larder
