// dsl/diagnostic.hpp -- what is wrong with a policy, said to the person who wrote it.
//
// A diagnostic is data: a stable code (`larder explain L0202` prints its page), one sentence, the
// place it is about, other places that explain it, notes, helps and, where the remedy is certain, a
// fix a program can apply. How it looks is the business of the four renderers. All of them are pure
// functions of the sources and the list, and keep the order of the list.
#pragma once

#include "dsl/source.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::dsl {

enum class Severity { error, warning, note };

std::string_view name_of(Severity severity);

struct Label {
    Span at;
    std::string text;  // may be empty: the place speaks for itself
};

// Replacing the text at the span makes the finding go away. An empty span is a place where the
// replacement is put in, an empty replacement takes the text away.
struct Fix {
    Span at;
    std::string replacement;
    // Nothing else can have been meant: `larder fix` does it unasked. Else it is a guess, as every
    // name that is near to another one is.
    bool safe = false;
};

struct Diagnostic {
    Severity severity = Severity::error;
    std::string code;     // L0101; stable
    std::string message;  // one sentence, lower case, no full stop
    Label primary;
    std::vector<Label> more;         // other places, in any order; may be in other files
    std::vector<std::string> notes;  // facts
    std::vector<std::string> helps;  // what to do
    std::optional<Fix> fix;
    std::vector<Fix> choices{};  // other remedies, of which a person has to choose one
};

bool has_errors(std::span<const Diagnostic> found);

// For a person: source lines with carets. Colour is ANSI.
std::string render_text(const SourceMap& sources, std::span<const Diagnostic> found, bool colour);
// For a program: one JSON array, an object a finding.
std::string render_json(const SourceMap& sources, std::span<const Diagnostic> found);
// SARIF 2.1.0 (OASIS), one run. Columns are code points, and `columnKind` says so.
std::string render_sarif(const SourceMap& sources, std::span<const Diagnostic> found,
                         std::string_view tool_version = {});
// Workflow commands of GitHub Actions (`::error file=...`), one line a finding.
std::string render_github(const SourceMap& sources, std::span<const Diagnostic> found);

// The candidate that `word` was most likely meant to be, by edit distance with transpositions
// (optimal string alignment); empty when none is near enough. Never `word` itself. Words of more
// than 64 bytes are near nothing. The first of equally near candidates wins. Near enough is one
// step in a word of two letters, two in up to five, three in a longer one, and never over
// `most_steps`.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates,
                         std::size_t most_steps = 3);
// The same when there is hardly a doubt: one step away and no other that near, or no other near
// enough at all. Else empty.
std::string_view only_nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace larder::dsl
