// dsl/mentions.hpp -- every name that a policy text says, with its place: for who wants to find it,
// follow it or write another one.
//
// Works on the tree alone, so it answers for texts with errors, too; what a name means is not judged.
// Two mentions are of the same thing when kind, name and scope are equal. Only captures have a scope:
// `{id}` of one rule has nothing to do with `{id}` of another.
#pragma once

#include "dsl/ast.hpp"
#include "dsl/source.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace larder::dsl {

struct Mention {
    enum class Kind : std::uint8_t {
        namespace_,  // one segment; `name` is the whole name up to it: "menu.item"
        constant,    // a `let`; or, where nothing else is known, a word that may be one
        tag,         // `name` is its shape: "user:{}"; `at` what stands between the quotes
        capture,     // `at` without braces
        session,
        event,  // `at` what stands between the quotes
        profile,
        store,
        file,  // of `use`; `at` what stands between the quotes
    };
    Kind kind = Kind::namespace_;
    bool declares = false;  // brings the name into being; a tag is declared by the namespaces that carry it
    Span at;
    std::string name;
    std::string scope;

    bool same_as(const Mention& other) const {
        return kind == other.kind && name == other.name && scope == other.scope;
    }
};

// In the order of the text.
std::vector<Mention> mentions_of(const SourceMap& sources, const ast::Policy& tree);

// The scope that the captures of namespaces have in common when `defaults` speaks of one of them: see
// join_scopes().
inline constexpr const char* scope_of_defaults = "defaults";

// `defaults { with tenant_id }` makes `{tenant_id}` of every namespace one thing. REQUIRES: the
// mentions of all files of a policy.
void join_scopes(std::vector<Mention>& mentions);

// A tag or an event without the names of its captures: "user:{user_id}" is "user:{}".
std::string shape_of(const ast::Text& text);

}  // namespace larder::dsl
