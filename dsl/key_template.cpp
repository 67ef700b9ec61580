// dsl/key_template.cpp -- reading raw keys, and writing them in the form in which they are stored.
#include "dsl/key_template.hpp"

#include <cassert>

namespace larder::dsl {

namespace {

bool is_field(const Piece& p) {
    return p.kind == Piece::Kind::variable || p.kind == Piece::Kind::rest;
}

// Cuts `text` along the pieces: literals must fit, a field takes the shortest non-empty text up to
// the next literal, and the last field all that its closing literal leaves. `each` gets the fields
// in order.
template <class Each>
bool cut(const std::vector<Piece>& pieces, std::size_t fields, std::string_view text, Each each) {
    std::size_t at = 0, seen = 0;
    for (std::size_t k = 0; k < pieces.size(); ++k) {
        const Piece& p = pieces[k];
        if (!is_field(p)) {
            if (text.substr(at, p.text.size()) != p.text) return false;
            at += p.text.size();
            continue;
        }
        ++seen;
        std::size_t end = text.size();
        if (k + 1 < pieces.size()) {
            const std::string& literal = pieces[k + 1].text;
            if (seen == fields) {
                if (text.size() < at + literal.size() || !text.ends_with(literal)) return false;
                end = text.size() - literal.size();
            } else {
                end = text.find(literal, at + 1);
                if (end == std::string_view::npos) return false;
            }
        }
        if (end <= at) return false;
        each(p, text.substr(at, end - at));
        at = end;
    }
    return at == text.size();
}

}  // namespace

KeyTemplate::KeyTemplate(Template pattern) : pattern_(std::move(pattern)) {
    for (const Piece& p : pattern_.pieces) {
        assert(p.kind != Piece::Kind::star && p.kind != Piece::Kind::deep);
        if (is_field(p)) ++fields_;
    }
    assert(fields_ <= max_fields);
    if (fields_ != 1) return;
    std::string* side = &before_;
    for (const Piece& p : pattern_.pieces)
        if (is_field(p)) side = &behind_;
        else *side += p.text;
    literals_ = before_.size() + behind_.size();
    rest_ = pattern_.pieces.back().kind == Piece::Kind::rest;
}

bool KeyTemplate::reads_plain(std::string_view raw) const {
    Fields fields;
    return read(raw, fields) && fields.plain;
}

bool KeyTemplate::read(std::string_view raw, Fields& out) const {
    out.count = 0;
    out.plain = true;
    return cut(pattern_.pieces, fields_, raw, [&out](const Piece& p, std::string_view value) {
        out.value[out.count++] = value;
        if (p.kind == Piece::Kind::variable && needs_escape(value)) out.plain = false;
    });
}

void KeyTemplate::canonical(const Fields& fields, std::string& out) const {
    std::size_t next = 0;
    for (const Piece& p : pattern_.pieces) {
        if (!is_field(p)) {
            out += p.text;
        } else if (p.kind == Piece::Kind::rest) {
            out += fields.value[next++];
        } else {
            escape_to(fields.value[next++], out);
        }
    }
}

std::optional<std::vector<std::string>> KeyTemplate::parse_canonical(
    std::string_view canonical) const {
    std::vector<std::string> values;
    const bool fits =
        cut(pattern_.pieces, fields_, canonical, [&values](const Piece& p, std::string_view value) {
            values.push_back(p.kind == Piece::Kind::rest ? std::string(value) : unescape(value));
        });
    if (!fits) return std::nullopt;
    return values;
}

std::string KeyTemplate::raw(std::string_view canonical) const {
    const auto values = parse_canonical(canonical);
    if (!values) return std::string(canonical);
    std::string out;
    std::size_t next = 0;
    for (const Piece& p : pattern_.pieces) out += is_field(p) ? (*values)[next++] : p.text;
    return out;
}

}  // namespace larder::dsl
