// kernel/replay/pseudonyms.cpp -- texts of real traffic without what they said.
#include "kernel/replay/pseudonyms.hpp"

#include "kernel/core/request_values.hpp"

#include <sys/random.h>

namespace larder::replay {
namespace {

bool in_word(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || byte >= 0x80;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// How long the date at the front of `text` is: `2024-01-31`, `2024-01`; 0: there is none.
std::size_t date_length(std::string_view text) {
    const auto digits = [&](std::size_t at, std::size_t n) {
        if (text.size() < at + n) return false;
        for (std::size_t i = at; i < at + n; ++i)
            if (!is_digit(text[i])) return false;
        return true;
    };
    const auto ends = [&](std::size_t at) { return text.size() == at || !in_word(text[at]); };
    if (!digits(0, 4) || text.size() < 7 || text[4] != '-' || !digits(5, 2)) return 0;
    if (text.size() >= 10 && text[7] == '-' && digits(8, 2) && ends(10)) return 10;
    return ends(7) ? 7 : 0;
}

// `{name}` out of a pattern's text.
std::string without_captures(std::string_view pattern) {
    std::string out;
    bool inside = false;
    for (const char c : pattern) {
        if (c == '{') inside = true;
        if (!inside) out += c;
        if (c == '}') {
            inside = false;
            out += ' ';
        }
    }
    return out;
}

// Percent-encodes what a word cannot hold and a path or query would take for something else.
void encode_to(std::string_view text, std::string_view kept, std::string& out) {
    static constexpr char digits[] = "0123456789ABCDEF";
    for (const char c : text) {
        if (in_word(c) || kept.find(c) != std::string_view::npos) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        ((out += '%') += digits[byte >> 4]) += digits[byte & 15];
    }
}

}  // namespace

bool Pseudonyms::make_key(SipKey& out) {
    return ::getrandom(out.data(), sizeof out, 0) == static_cast<ssize_t>(sizeof out);
}

void Pseudonyms::know_words(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        if (!in_word(text[at])) {
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < text.size() && in_word(text[end])) ++end;
        words_.emplace(text.substr(at, end - at));
        at = end;
    }
}

void Pseudonyms::know(const dsl::Template& text) {
    for (const dsl::Piece& piece : text.pieces)
        if (piece.kind == dsl::Piece::Kind::literal) know_words(piece.text);
}

void Pseudonyms::know(const dsl::Policy& policy) {
    for (const dsl::Namespace& space : policy.namespaces) {
        know_words(space.name);
        if (space.key) know(space.key->pattern());
        for (const std::string& name : space.parameters) know_words(name);
        for (const dsl::Template& tag : space.tags) know(tag);
        for (const dsl::Template& tag : space.late_tags) know(tag);
        for (const dsl::Dependency& on : space.depends) {
            if (on.key) know(*on.key);
            for (const dsl::Template& tag : on.tags) know(tag);
        }
        if (space.ttl && !space.ttl->dated.empty()) keeps_dates_ = true;
    }
    for (const dsl::Rule& rule : policy.rules) {
        know_words(without_captures(rule.route));
        for (const std::string& name : rule.variables) know_words(name);
        for (const dsl::Let& let : rule.lets) know_words(let.field);
        for (const dsl::Change& change : rule.changes) know(change.text);
        if (rule.serve) {
            if (rule.serve->key) know(*rule.serve->key);
            for (const auto& [origin, field] : rule.serve->unless) know_words(field);
        }
        if (rule.of_key) know(rule.of_key->pattern());
    }
    for (const dsl::Warm& warm : policy.warms)
        for (const dsl::WarmItem& item : warm.items) know_words(item.key);
}

void Pseudonyms::word(std::string_view from, std::string& out) const {
    static constexpr char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if (words_.contains(from)) {
        out += from;
        return;
    }
    std::uint64_t hash = siphash(key_, from);
    for (std::size_t i = 0; i < length; ++i) {
        out += digits[hash % 62];
        hash /= 62;
    }
}

void Pseudonyms::text(std::string_view from, std::string& out) const {
    for (std::size_t at = 0; at < from.size();) {
        if (!in_word(from[at])) {
            out += from[at++];
            continue;
        }
        if (keeps_dates_ && (at == 0 || !in_word(from[at - 1])))
            if (const std::size_t date = date_length(from.substr(at)); date != 0) {
                out += from.substr(at, date);
                at += date;
                continue;
            }
        std::size_t end = at;
        while (end < from.size() && in_word(from[end])) ++end;
        word(from.substr(at, end - at), out);
        at = end;
    }
}

void Pseudonyms::path(std::string_view normalised, std::string& out) const {
    std::string hidden;
    for (std::size_t at = 0; at < normalised.size();) {
        if (normalised[at] == '/') {
            out += '/';
            ++at;
            continue;
        }
        const std::size_t end = std::min(normalised.find('/', at), normalised.size());
        hidden.clear();
        text(percent_decode(normalised.substr(at, end - at)), hidden);
        encode_to(hidden, "-._~!$&'()*+,;=:@", out);
        at = end;
    }
}

void Pseudonyms::query(std::string_view from, std::string& out) const {
    std::string hidden;
    for (std::size_t at = 0; at < from.size();) {
        const char c = from[at];
        if (c == '&' || c == '=') {
            out += c;
            ++at;
            continue;
        }
        const std::size_t end = std::min(from.find_first_of("&=", at), from.size());
        hidden.clear();
        text(form_decode(from.substr(at, end - at)), hidden);
        encode_to(hidden, "-._~", out);
        at = end;
    }
}

void Pseudonyms::key(const dsl::KeyTemplate& shape, std::string_view canonical, std::string& out) const {
    const auto fields = shape.parse_canonical(canonical);
    if (!fields) return text(canonical, out);
    std::size_t next = 0;
    for (const dsl::Piece& piece : shape.pattern().pieces) {
        if (piece.kind == dsl::Piece::Kind::literal) out += piece.text;
        else if (next < fields->size()) text((*fields)[next++], out);
    }
}

}  // namespace larder::replay
