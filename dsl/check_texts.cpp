// dsl/check_texts.cpp -- binding captures, and bringing a rule's key into the stored form.
#include "dsl/check_texts.hpp"

#include "dsl/automaton.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

bool is_capture(const ast::Piece& p) {
    return p.kind == ast::Piece::Kind::capture || p.kind == ast::Piece::Kind::rest;
}
bool is_star(const ast::Piece& p) {
    return p.kind == ast::Piece::Kind::star || p.kind == ast::Piece::Kind::deep;
}

// With its braces.
Span capture_span(const Draft& draft, const ast::Text& text, const ast::Piece& p) {
    Span at = draft.span_of(p.text, text.at);
    at.begin -= 1;
    at.end += p.kind == ast::Piece::Kind::rest ? 4 : 1;
    return at;
}

void unbound(Draft& draft, const ast::Text& text, const ast::Piece& p, const Scope& scope) {
    const std::string name(p.text);
    const std::vector<std::string> names(scope.names.begin(), scope.names.end());
    const std::string near = meant(name, names);
    auto& d = draft.say.error(
        "L0203", capture_span(draft, text, p),
        "nothing gives " + ticked(braced(name)) + " a value " + scope.place,
        near.empty() ? "unbound capture" : "did you mean " + ticked(braced(near)) + "?");
    d.notes.push_back(names.empty() ? "no captures are bound here"
                                    : "bound here: " + joined(names));
    if (!near.empty()) d.fix = Fix{draft.span_of(p.text, text.at), near};
}

const std::string& control_bytes() {
    static const std::string all = [] {
        std::string out;
        for (char c = 0; c < 0x20; ++c) out += c;
        return out + '\x7F';
    }();
    return all;
}

void add_literal(Template& out, std::string_view text) {
    if (!out.pieces.empty() && out.pieces.back().kind == Piece::Kind::literal) {
        out.pieces.back().text += text;
    } else {
        out.pieces.push_back({Piece::Kind::literal, 0, std::string(text)});
    }
}

}  // namespace

std::string plain(const ast::Text& text) {
    std::string out;
    for (const ast::Piece& p : text.pieces) {
        switch (p.kind) {
            case ast::Piece::Kind::literal:
                out += p.text;
                break;
            case ast::Piece::Kind::capture:
                out.append(1, '{').append(p.text).append(1, '}');
                break;
            case ast::Piece::Kind::rest:
                out.append(1, '{').append(p.text).append("...}");
                break;
            case ast::Piece::Kind::star:
                out += '*';
                break;
            case ast::Piece::Kind::deep:
                out += "**";
                break;
        }
    }
    return out;
}

std::vector<std::string> captures_of(Draft& draft, const ast::Text& text, bool once) {
    std::vector<std::string> out;
    for (const ast::Piece& p : text.pieces) {
        if (!is_capture(p)) continue;
        const std::string name(p.text);
        if (std::find(out.begin(), out.end(), name) == out.end()) {
            out.push_back(name);
        } else if (once) {
            draft.say.error("L0227", capture_span(draft, text, p),
                            "capture " + ticked(braced(name)) + " stands twice in this text",
                            "give it another name");
        }
    }
    return out;
}

std::optional<Template> bind(Draft& draft, const ast::Text& text, const Scope& scope) {
    Template out;
    out.source = plain(text);
    bool whole = true;
    if (text.at.size() > max_text) {
        draft.say.error("L0236", text.at,
                        "this text is longer than " + std::to_string(max_text) + " bytes");
        return std::nullopt;
    }
    if (out.source.find_first_of(control_bytes()) != std::string::npos) {
        draft.say.error("L0236", text.at, "this text has a control character in it");
        return std::nullopt;
    }
    for (const ast::Piece& p : text.pieces) {
        switch (p.kind) {
            case ast::Piece::Kind::literal:
                add_literal(out, p.text);
                break;
            case ast::Piece::Kind::star:
                out.pieces.push_back({Piece::Kind::star, 0, {}});
                break;
            case ast::Piece::Kind::deep:
                out.pieces.push_back({Piece::Kind::deep, 0, {}});
                break;
            case ast::Piece::Kind::capture:
            case ast::Piece::Kind::rest: {
                const auto it = std::find(scope.names.begin(), scope.names.end(), p.text);
                if (it == scope.names.end()) {
                    unbound(draft, text, p, scope);
                    whole = false;
                    break;
                }
                out.pieces.push_back(
                    {p.kind == ast::Piece::Kind::rest ? Piece::Kind::rest : Piece::Kind::variable,
                     static_cast<std::uint16_t>(it - scope.names.begin()), std::string(p.text)});
                break;
            }
        }
    }
    if (!whole) return std::nullopt;
    return out;
}

bool sound_key(Draft& draft, const ast::Text& text) {
    const std::size_t before = draft.say.errors();
    const ast::Piece* previous = nullptr;
    std::size_t fields = 0;
    for (std::size_t k = 0; k < text.pieces.size(); ++k) {
        const ast::Piece& p = text.pieces[k];
        if (is_star(p)) {
            draft.say
                .error("L0226", text.at, "a `*` cannot stand in the shape of a key",
                       "the shape of its keys")
                .helps.push_back("name the field: `{name}`, or `{rest...}` for all that is left");
            break;
        }
        if (is_capture(p)) {
            ++fields;
            const Span at = capture_span(draft, text, p);
            if (previous && is_capture(*previous)) {
                draft.say
                    .error("L0224", at, "two fields side by side: nobody can tell where one ends",
                           "put a text between them")
                    .helps.push_back("write for example `{" + std::string(previous->text) + "}:{" +
                                     std::string(p.text) + "}`");
            }
            if (p.kind == ast::Piece::Kind::rest && k + 1 != text.pieces.size()) {
                draft.say.error("L0225", at,
                                "a `{name...}` takes the rest of the key, so it must stand last");
            }
            if (fields == max_fields + 1) {
                draft.say.error("L0228", at,
                                "a key has at most " + std::to_string(max_fields) + " fields");
            }
        } else if (p.text.find_first_of("%*{}") != std::string_view::npos) {
            draft.say.error("L0226", text.at,
                            "`%`, `*`, `{` and `}` cannot stand in the fixed part of a key",
                            "they mark escapes and fields in stored keys");
            break;
        }
        previous = &p;
    }
    captures_of(draft, text, true);
    return draft.say.errors() == before;
}

bool has_star(const Template& text) {
    return std::any_of(text.pieces.begin(), text.pieces.end(), [](const Piece& p) {
        return p.kind == Piece::Kind::star || p.kind == Piece::Kind::deep;
    });
}

namespace {

// A variable of the target stands in the raw text as four bytes that no bound text contains: the
// mark and the number of its piece in digits from 0x0E to 0x1D.
constexpr char mark = '\x01';
constexpr std::size_t mark_size = 4;
char digit(std::size_t k) { return static_cast<char>(0x0E + k % 16); }
std::size_t value_of(char c) { return static_cast<std::size_t>(c - 0x0E); }

std::string with_marks(const Template& target) {
    std::string out;
    for (std::size_t k = 0; k < target.pieces.size(); ++k) {
        const Piece& p = target.pieces[k];
        if (p.kind == Piece::Kind::literal) {
            out += p.text;
        } else {
            out += {mark, digit(k / 256), digit(k / 16), digit(k)};
        }
    }
    return out;
}

// The pieces that a stretch of the marked text stands for, as field of the given kind.
std::vector<Piece> unmarked(std::string_view text, const Template& target, Piece::Kind field) {
    std::vector<Piece> out;
    const auto literal = [&](std::string_view part) {
        if (part.empty()) return;
        std::string stored;
        if (field == Piece::Kind::rest) {
            stored = part;
        } else {
            escape_to(part, stored);
        }
        out.push_back({Piece::Kind::literal, 0, std::move(stored)});
    };
    std::size_t from = 0;
    for (std::size_t at; (at = text.find(mark, from)) != text.npos; from = at + mark_size) {
        literal(text.substr(from, at - from));
        const std::size_t k =
            (value_of(text[at + 1]) * 16 + value_of(text[at + 2])) * 16 + value_of(text[at + 3]);
        Piece p = target.pieces[k];
        p.kind = field;
        out.push_back(std::move(p));
    }
    literal(text.substr(from));
    return out;
}

}  // namespace

std::optional<Template> align(const Template& target, const KeyTemplate& key) {
    if (has_star(target)) return std::nullopt;
    const std::string raw = with_marks(target);
    Fields fields;
    if (!key.read(raw, fields)) return std::nullopt;
    Template out;
    out.source = target.source;
    std::size_t next = 0;
    for (const Piece& p : key.pattern().pieces) {
        if (p.kind == Piece::Kind::literal) {
            add_literal(out, p.text);
            continue;
        }
        for (Piece& q : unmarked(fields.value[next], target, p.kind)) {
            if (q.kind == Piece::Kind::literal) {
                add_literal(out, q.text);
            } else {
                out.pieces.push_back(std::move(q));
            }
        }
        ++next;
    }
    return out;
}

std::vector<std::vector<Piece>> fields_of(const Template& aligned, const KeyTemplate& key) {
    std::vector<std::vector<Piece>> out;
    const std::string raw = with_marks(aligned);
    Fields fields;
    if (!key.read(raw, fields)) return out;
    std::size_t next = 0;
    for (const Piece& p : key.pattern().pieces) {
        if (p.kind == Piece::Kind::literal) continue;
        // The literals are in stored form already: taken as they are, variables as the field wants.
        std::vector<Piece> pieces = unmarked(fields.value[next++], aligned, Piece::Kind::rest);
        for (Piece& q : pieces) {
            if (q.kind != Piece::Kind::literal) q.kind = p.kind;
        }
        out.push_back(std::move(pieces));
    }
    return out;
}

Template as_pattern(Template text) {
    for (Piece& p : text.pieces) {
        if (p.kind != Piece::Kind::literal) continue;
        std::string stored;
        for (const char c : p.text) {
            if (c == ':') {
                stored += c;
            } else {
                escape_to(std::string_view(&c, 1), stored);
            }
        }
        p.text = std::move(stored);
    }
    return text;
}

}  // namespace larder::dsl
