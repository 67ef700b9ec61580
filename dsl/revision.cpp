// dsl/revision.cpp -- one policy text changed in one place.
#include "dsl/revision.hpp"

#include "dsl/check_draft.hpp"

#include <utility>

namespace larder::dsl {
namespace {

const ast::Namespace* find_in(const std::vector<ast::Clause>& body, const std::string& prefix, std::string_view wanted);

const ast::Namespace* match(const ast::Namespace& space, const std::string& prefix, std::string_view wanted) {
    const std::string name = prefix.empty() ? std::string(space.id.text) : prefix + "." + std::string(space.id.text);
    if (name == wanted) return &space;
    return wanted.starts_with(name) ? find_in(space.body, name, wanted) : nullptr;
}

const ast::Namespace* find_in(const std::vector<ast::Clause>& body, const std::string& prefix, std::string_view wanted) {
    for (const ast::Clause& clause : body)
        if (const auto* inner = as_forward<ast::Namespace>(clause))
            if (const auto* found = match(*inner, prefix, wanted)) return found;
    return nullptr;
}

// The ttl clause without a `when`; null: there is none.
const ast::TtlClause* plain_ttl(const ast::Namespace& space) {
    for (const ast::Clause& clause : space.body)
        if (const auto* ttl = as<ast::TtlClause>(clause); ttl != nullptr && !ttl->when) return ttl;
    return nullptr;
}

Span span_of(const ast::Clause& clause) {
    Span out{};
    if (const auto* key = as<ast::KeyClause>(clause)) out = cover(key->kw.at, key->pattern.at);
    if (const auto* ttl = as<ast::TtlClause>(clause)) out = cover(ttl->kw.at, ttl->ttl.at);
    return out;
}

}  // namespace

Revision::Revision(std::string name, std::string text) : file_(sources_.add(std::move(name), std::move(text))), parsed_(parse(sources_, file_)) {}

const ast::Namespace* Revision::find(std::string_view space) const {
    for (const ast::Item& item : parsed_.tree)
        if (const auto* top = as<ast::Namespace>(item))
            if (const auto* found = match(*top, {}, space)) return found;
    return nullptr;
}

std::string Revision::replaced(Span at, std::string_view with) const {
    const Source& source = sources_.file(file_);
    std::string out(source.text());
    return out.replace(at.begin - source.base(), at.size(), with);
}

std::optional<std::string> Revision::with_ttl(std::string_view space, std::string_view ttl) const {
    const ast::Namespace* const found = find(space);
    if (found == nullptr) return std::nullopt;
    const ast::TtlClause* const clause = plain_ttl(*found);
    if (clause == nullptr) return with_clause(space, "ttl " + std::string(ttl));
    const ast::Scalar& was = clause->ttl;
    if (was.env_name.empty()) return replaced(was.at, ttl);
    if (!was.has_literal) return std::nullopt;  // the environment alone says it
    const std::string_view written = sources_.text(was.at);
    const std::size_t word = written.rfind(" or ");
    if (word == std::string_view::npos) return std::nullopt;
    const auto from = static_cast<std::uint32_t>(was.at.begin + word + 4);
    return replaced({from, was.at.end}, ttl);
}

std::optional<std::string> Revision::with_jitter(std::string_view space, unsigned percent) const {
    const ast::Namespace* const found = find(space);
    const ast::TtlClause* const clause = found == nullptr ? nullptr : plain_ttl(*found);
    if (clause == nullptr || clause->jitter) return std::nullopt;
    return replaced({clause->ttl.at.end, clause->ttl.at.end}, " jitter " + std::to_string(percent) + "%");
}

std::optional<std::string> Revision::with_clause(std::string_view space, std::string_view clause) const {
    const ast::Namespace* const found = find(space);
    if (found == nullptr) return std::nullopt;
    const Source& source = sources_.file(file_);
    // Behind the first clause whose end is known, in its way: on a line of its own, or behind a `;`.
    for (const ast::Clause& one : found->body) {
        const Span at = span_of(one);
        if (at.empty()) continue;
        const std::size_t line = source.place(at.begin).line;
        if (source.place(found->kw.at.begin).line == line) return replaced({at.begin, at.begin}, std::string(clause) + "; ");
        const std::uint32_t begin = source.line_begin(line);
        const std::string_view blanks = source.line(line).substr(0, at.begin - begin);
        if (blanks.find_first_not_of(" \t") != std::string_view::npos) return replaced({at.begin, at.begin}, std::string(clause) + "; ");
        return replaced({begin, begin}, std::string(blanks) + std::string(clause) + "\n");
    }
    return std::nullopt;
}

std::optional<std::string> Revision::with_target(std::size_t line, std::size_t column, std::string_view target) const {
    const Source& source = sources_.file(file_);
    for (const ast::Item& item : parsed_.tree) {
        const auto* const rule = as<ast::Rule>(item);
        if (rule == nullptr) continue;
        for (const ast::Action& action : rule->body) {
            const auto* const drop = as<ast::DropAction>(action);
            if (drop == nullptr) continue;
            for (const ast::Target& one : drop->targets) {
                const auto* const space = as<ast::NsTarget>(one);
                if (space != nullptr && !space->key && source.place(space->ns.at.begin) == Place{line, column}) return replaced(space->ns.at, target);
            }
        }
    }
    return std::nullopt;
}

}  // namespace larder::dsl
