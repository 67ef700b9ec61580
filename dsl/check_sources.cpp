// dsl/check_sources.cpp -- see check_sources.hpp.
//
// A text is handed on with its names in it: what a value becomes in a path or in a statement only its
// plugin knows, and nothing is ever pasted together here. So of a text only the names are checked.
#include "dsl/check_sources.hpp"

#include "dsl/check_clauses.hpp"
#include "dsl/check_texts.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace larder::dsl {
namespace {

std::string checked(Draft& draft, const ast::Maybe<ast::Text>& text, const Namespace& n, bool with_value) {
    if (!text) return {};
    std::vector<std::string> names(n.parameters.begin(), n.parameters.begin() + n.fields);
    if (with_value) names.emplace_back("value");
    bind(draft, *text, {names, "in the key of " + ticked(n.name)});
    return address_of(*text);
}

void look_up(Draft& draft, const ast::SourceClause& clause) {
    const Catalog* catalog = draft.options.catalog;
    if (!catalog) return;
    const std::vector<std::string>& there = catalog->sources;
    const std::string name(clause.plugin.text);
    if (std::find(there.begin(), there.end(), name) != there.end()) return;
    auto& d = draft.say.warning("L0325", clause.plugin.at, "source " + ticked(name) + " is not in " + catalog->file,
                                "nothing is loaded from it or written to it until it is");
    if (!there.empty()) d.notes.push_back("sources there: " + joined(there));
}

}  // namespace

std::string address_of(const ast::Text& text) {
    std::string out;
    for (const ast::Piece& p : text.pieces) {
        switch (p.kind) {
            case ast::Piece::Kind::literal:
                for (const char c : std::string_view(p.text)) out.append(c == '{' || c == '}' ? 2 : 1, c);
                break;
            case ast::Piece::Kind::capture:
            case ast::Piece::Kind::rest: out.append(1, '{').append(p.text).append(1, '}'); break;
            case ast::Piece::Kind::star: out += '*'; break;
            case ast::Piece::Kind::deep: out += "**"; break;
        }
    }
    return out;
}

void shape_source(Draft& draft, Values& values, Namespace& n, const Space& space) {
    if (const ast::SourceClause* k = space.source) {
        ValueSource source;
        source.name = std::string(k->plugin.text);
        source.address = checked(draft, k->address, n, false);
        source.options = options_of(draft, values, k->options);
        source.where = draft.where(k->kw.at);
        look_up(draft, *k);
        n.source = std::move(source);
    }
    const ast::WriteClause* w = space.write;
    if (!w) return;
    if (!space.source && (w->address || w->remove)) {
        draft.say
            .error("L0238", w->address ? w->address->at : w->remove->kw.at,
                   ticked(n.name) + " has no `source` that this could be written to", "nowhere to go")
            .helps.push_back("name one: `source NAME \"where a value comes from\"`");
        return;
    }
    if (space.source && w->mode.value == ast::WriteMode::behind && draft.options.catalog && !draft.options.catalog->journal) {
        draft.say
            .error("L0347", w->kw, ticked(n.name) + " is written behind, and " + draft.options.catalog->file + " has no journal",
                   "an answered write would be lost with the process")
            .helps.push_back("add `[journal]` with `file = \"/var/lib/larder/journal\"`, or write `write through`");
    }
    n.write_to.address = checked(draft, w->address, n, true);
    n.write_to.removes = w->remove.has_value();
    if (w->remove) n.write_to.remove_address = checked(draft, w->remove->address, n, false);
}

}  // namespace larder::dsl
