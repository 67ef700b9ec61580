// tests/fuzz/policy_promises.hpp -- what larder promises of any bytes that are given to it as a policy.
//
// Shared by libFuzzer's target (policy_fuzz.cpp) and the mutator that needs no clang
// (policy_mutants.cpp). A broken promise calls broken(), which does not return; everything else is
// what the sanitizers see.
#pragma once

#include "dsl/compile.hpp"
#include "dsl/fix.hpp"
#include "dsl/format/format.hpp"
#include "dsl/format/words.hpp"
#include "dsl/parser.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace larder::fuzz {

[[noreturn]] void broken(const char* promise);

inline void require(bool kept, const char* promise) {
    if (!kept) broken(promise);
}

inline bool inside(const dsl::SourceMap& sources, dsl::Span span) {
    if (span.begin > span.end) return false;
    const dsl::Source& source = sources.file_at(span.begin);
    return source.holds(span.begin) && source.holds(span.end);
}

inline void require_places(const dsl::SourceMap& sources, std::span<const dsl::Diagnostic> found) {
    for (const dsl::Diagnostic& one : found) {
        require(inside(sources, one.primary.at), "a finding is inside its file");
        for (const dsl::Label& label : one.more)
            require(inside(sources, label.at), "a label is inside its file");
        require(!one.fix || inside(sources, one.fix->at), "a fix is inside its file");
        for (const dsl::Fix& choice : one.choices)
            require(inside(sources, choice.at), "a choice is inside its file");
    }
}

inline dsl::CompileOptions closed_world() {
    dsl::CompileOptions options;
    options.env = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
    options.read = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
    return options;
}

inline void parse_keeps_its_promises(const std::string& text) {
    dsl::SourceMap sources;
    // Not in the first file, so that an offset that forgot its base is outside.
    sources.add("before.larder", "larder 1\n");
    const dsl::FileId id = sources.add("fuzz.larder", text);
    const dsl::Parsed parsed = dsl::parse(sources, id);
    require(parsed.found.size() <= dsl::max_errors + 1, "at most max_errors findings and a note");
    require_places(sources, parsed.found);
    const std::string shown = dsl::render_text(sources, parsed.found, true);
    dsl::render_json(sources, parsed.found);
    dsl::render_sarif(sources, parsed.found);
    dsl::render_github(sources, parsed.found);
    require(dsl::render_text(sources, dsl::parse(sources, id).found, true) == shown,
            "parsing the same text again finds the same");
}

inline void formatting_keeps_its_promises(const std::string& text) {
    dsl::SourceMap sources;
    const dsl::FileId id = sources.add("fuzz.larder", text);
    const dsl::Formatted once = dsl::formatted(sources, id);
    require(once.text.has_value() == dsl::parse(sources, id).found.empty(),
            "what parses is formatted, and nothing else");
    if (!once.text) return;
    require(dsl::format::same_words(text, *once.text), "formatting changes no word and no comment");
    const dsl::FileId again = sources.add("again.larder", *once.text);
    const dsl::Formatted twice = dsl::formatted(sources, again);
    require(twice.text == once.text, "formatting twice is formatting once");
}

inline void checking_keeps_its_promises(const std::string& text) {
    const dsl::CompileOptions options = closed_world();
    const dsl::Compiled compiled = dsl::compile_text("fuzz.larder", text, options);
    require_places(*compiled.sources, compiled.found);
    require(compiled.ok() == !dsl::has_errors(compiled.found), "a policy without errors is one");
    dsl::render_text(*compiled.sources, compiled.found, false);

    dsl::FixOptions fixing;
    fixing.compile = options;
    fixing.guesses = true;
    const dsl::Fixed fixed = dsl::fix_text("fuzz.larder", text, fixing);
    require(!fixed.applied.empty() || fixed.text == text, "what is not fixed is not changed");
}

inline void policy_keeps_its_promises(const std::string& text) {
    parse_keeps_its_promises(text);
    formatting_keeps_its_promises(text);
    checking_keeps_its_promises(text);
}

}  // namespace larder::fuzz
