// kernel/core/json_withhold.cpp -- see json_withhold.hpp.
#include "kernel/core/json_withhold.hpp"

#include <algorithm>
#include <cstdint>

namespace larder {
namespace {

constexpr int deepest = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

void append_utf8(std::uint32_t code, std::string& out) {
    const auto byte = [&](std::uint32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
    if (code < 0x80) return byte(code);
    if (code < 0x800) return byte(0xC0 | code >> 6), byte(0x80 | (code & 63));
    byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 63)), byte(0x80 | (code & 63));
}

// A reader that copies what it reads to `out`, but for the members that are withheld.
class Copier {
  public:
    Copier(std::string_view text, std::span<const WithheldPath> paths, std::string& out, std::vector<std::size_t>& rules)
        : text_(text), paths_(paths), out_(out), rules_(rules) {}

    bool run() {
        blanks();
        if (!value(0)) return false;
        blanks();
        return at_ == text_.size();
    }

  private:
    char now() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void put(std::size_t from) { out_.append(text_.substr(from, at_ - from)); }
    void blanks() {
        const std::size_t from = at_;
        while (now() == ' ' || now() == '\t' || now() == '\n' || now() == '\r') ++at_;
        put(from);
    }
    bool mark(char c) {
        if (now() != c || at_ == text_.size()) return false;
        ++at_;
        out_ += c;
        return true;
    }
    bool word(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        out_ += word;
        return true;
    }
    bool digits() {
        const std::size_t from = at_;
        while (now() >= '0' && now() <= '9') ++at_;
        return at_ != from;
    }
    bool number() {
        const std::size_t from = at_;
        if (now() == '-') ++at_;
        if (now() == '0') ++at_;
        else if (!digits()) return false;
        if (now() == '.' && (++at_, !digits())) return false;
        if (now() == 'e' || now() == 'E') {
            ++at_;
            if (now() == '+' || now() == '-') ++at_;
            if (!digits()) return false;
        }
        put(from);
        return true;
    }
    // As it is meant, lower case, in `meant`, where that is wanted.
    bool string(std::string* meant) {
        const std::size_t from = at_;
        if (now() != '"') return false;
        ++at_;
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"') {
                put(from);
                return true;
            }
            if (static_cast<unsigned char>(c) < 0x20) return false;
            if (c == '\\') {
                if (!escape(meant)) return false;
            } else if (meant != nullptr) {
                *meant += lower(c);
            }
        }
        return false;
    }
    bool escape(std::string* meant) {
        if (at_ == text_.size()) return false;
        const char c = text_[at_++];
        if (c != 'u') {
            static constexpr std::string_view written = "\"\\/bfnrt", read = "\"\\/\b\f\n\r\t";
            const std::size_t which = written.find(c);
            if (which == std::string_view::npos) return false;
            if (meant != nullptr) *meant += read[which];
            return true;
        }
        std::uint32_t code = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char d = lower(now());
            if (!((d >= '0' && d <= '9') || (d >= 'a' && d <= 'f'))) return false;
            code = code * 16 + static_cast<std::uint32_t>(d <= '9' ? d - '0' : d - 'a' + 10);
        }
        if (meant != nullptr) append_utf8(code < 0x80 ? static_cast<std::uint32_t>(lower(static_cast<char>(code))) : code, *meant);
        return true;
    }
    bool value(int depth) {
        if (depth > deepest) return false;
        switch (now()) {
            case '{': return object(depth);
            case '[': return list(depth);
            case '"': return string(nullptr);
            case 't': return word("true");
            case 'f': return word("false");
            case 'n': return word("null");
            default: return number();
        }
    }
    bool list(int depth) {
        mark('[');
        blanks();
        if (mark(']')) return true;
        do {
            blanks();
            if (!value(depth + 1)) return false;
            blanks();
        } while (mark(','));
        return mark(']');
    }
    bool object(int depth) {
        mark('{');
        blanks();
        if (mark('}')) return true;
        bool any = false, more = true;
        while (more) {
            const std::size_t before = out_.size();
            if (any) out_ += ',';
            blanks();
            std::string name;
            if (!string(&name)) return false;
            path_.push_back(std::move(name));
            blanks();
            if (!mark(':')) return false;
            blanks();
            const bool goes = is_withheld();
            if (!value(depth + 1)) return false;
            path_.pop_back();
            blanks();
            if (goes) out_.resize(before);
            else any = true;
            more = now() == ',';
            if (more) ++at_;
        }
        return mark('}');
    }
    bool is_withheld() {
        bool found = false;
        for (const WithheldPath& path : paths_) {
            if (path.names.size() > path_.size() || !std::equal(path.names.rbegin(), path.names.rend(), path_.rbegin())) continue;
            found = true;
            if (std::find(rules_.begin(), rules_.end(), path.rule) == rules_.end()) rules_.push_back(path.rule);
        }
        return found;
    }

    std::string_view text_;
    std::span<const WithheldPath> paths_;
    std::string& out_;
    std::vector<std::size_t>& rules_;
    std::size_t at_ = 0;
    std::vector<std::string> path_;
};

}  // namespace

WithheldPath withheld_path(std::string_view text, std::size_t rule) {
    WithheldPath out;
    out.rule = rule;
    out.names.emplace_back();
    for (const char c : text) {
        if (c == '.') out.names.emplace_back();
        else out.names.back() += lower(c);
    }
    return out;
}

Withheld withhold_json(std::string_view text, std::span<const WithheldPath> paths, std::string& left, std::vector<std::size_t>& rules) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || (text[first] != '{' && text[first] != '[')) return Withheld::nothing;
    left.clear();
    left.reserve(text.size());
    if (!Copier(text, paths, left, rules).run()) return Withheld::broken;
    return rules.empty() ? Withheld::nothing : Withheld::some;
}

}  // namespace larder
