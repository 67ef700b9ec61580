// kernel/editor/answers.hpp -- what an editor asks about a document, answered as LSP 3.17 wants it.
//
// Pure functions of an analysis, so that one that is asked twice answers the same. Spans of other files
// become locations of theirs; `Uris` tells under which URI the editor knows a path.
#pragma once

#include "kernel/editor/analysis.hpp"
#include "kernel/editor/position.hpp"

#include <boost/json.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace larder::editor {

using Uris = std::function<std::string(const std::string& path)>;

// ---- findings.cpp

// `Diagnostic[]` for each file of the policy that has a finding, by path; the document always.
std::map<std::string, boost::json::array> diagnostics(const Analysis& analysis, const Uris& uris);
// `CodeAction[]` for the findings that touch the range.
boost::json::array code_actions(const Analysis& analysis, dsl::Span range, const std::string& uri,
                                const Uris& uris);

// ---- layout.cpp

// `TextEdit[]` that writes the document in the one style; empty when it is, or has errors of syntax.
boost::json::array formatting(const Analysis& analysis);
// `DocumentSymbol[]`
boost::json::array symbols(const Analysis& analysis);

// ---- names.cpp

// `Location[]`
boost::json::array definition(const Analysis& analysis, std::uint32_t offset, const Uris& uris);
boost::json::array references(const Analysis& analysis, std::uint32_t offset, bool with_declarations,
                              const Uris& uris);
// What can be renamed at this place, `{range, placeholder}`; null where nothing can.
boost::json::value can_rename(const Analysis& analysis, std::uint32_t offset);
// The texts of all files that change, by path, or why not.
struct Renamed {
    std::map<std::string, std::string> texts;
    std::map<std::string, boost::json::array> edits;  // `TextEdit[]`
    std::string refused;
};
Renamed rename(const Analysis& analysis, std::uint32_t offset, const std::string& name);

// ---- hover.cpp

// What a running kernel counted for a namespace, in one line; empty when none answers.
using Live = std::function<std::string(const std::string& space)>;
// `Hover`, or null.
boost::json::value hover(const Analysis& analysis, std::uint32_t offset, const Live& live);

// ---- completion.cpp

// `CompletionItem[]`. Without a catalog, stores, codecs and their options are not known.
boost::json::array completion(const Analysis& analysis, std::uint32_t offset,
                              const dsl::Catalog* catalog);

}  // namespace larder::editor
