// kernel/editor/findings.cpp -- findings as an editor shows them, and their remedies as it offers them.
#include "kernel/editor/answers.hpp"

#include "dsl/fix.hpp"

#include <algorithm>

namespace larder::editor {
namespace {

namespace json = boost::json;

// Everything a person would read in the terminal, but the source lines, which are in front of him.
std::string message_of(const dsl::Diagnostic& found) {
    std::string text = found.message;
    if (!found.primary.text.empty()) text += "\n" + found.primary.text;
    for (const std::string& note : found.notes) text += "\nnote: " + note;
    for (const std::string& help : found.helps) text += "\nhelp: " + help;
    return text;
}

int severity_of(dsl::Severity severity) {
    switch (severity) {
        case dsl::Severity::error:
            return 1;
        case dsl::Severity::warning:
            return 2;
        default:
            return 3;
    }
}

json::object diagnostic_json(const dsl::SourceMap& sources, const dsl::Diagnostic& found,
                             const Uris& uris) {
    json::object out{{"range", range_json(sources.file_at(found.primary.at.begin), found.primary.at)},
                     {"severity", severity_of(found.severity)},
                     {"code", found.code},
                     {"source", "larder"},
                     {"message", message_of(found)}};
    if (!found.more.empty()) {
        json::array related;
        for (const dsl::Label& label : found.more) {
            const dsl::Source& file = sources.file_at(label.at.begin);
            related.push_back(json::object{
                {"location", {{"uri", uris(file.name())}, {"range", range_json(file, label.at)}}},
                {"message", label.text}});
        }
        out["relatedInformation"] = std::move(related);
    }
    return out;
}

json::object edit_json(const dsl::Source& file, dsl::Span at, const std::string& text) {
    return {{"range", range_json(file, at)}, {"newText", text}};
}

std::string title_of(const dsl::Source& file, const dsl::Fix& fix) {
    const std::string before(file.text(fix.at));
    if (fix.replacement.empty()) return "Take it away";
    std::string shown = fix.replacement;
    shown.erase(0, std::min(shown.find_first_not_of(" \n"), shown.size()));
    while (!shown.empty() && (shown.back() == ' ' || shown.back() == '\n')) shown.pop_back();
    if (before.empty()) return "Put in `" + shown + "`";
    return "Replace `" + before + "` with `" + shown + "`";
}

bool touch(dsl::Span a, dsl::Span b) { return a.begin <= b.end && b.begin <= a.end; }

class Actions {
  public:
    Actions(const Analysis& analysis, const std::string& uri, const Uris& uris)
        : analysis_(analysis), file_(analysis.document()), uri_(uri), uris_(uris) {}

    json::array take() && { return std::move(out_); }

    void of(const dsl::Diagnostic& found) {
        if (found.fix) fix(found, *found.fix, found.fix->safe);
        for (const dsl::Fix& choice : found.choices) fix(found, choice, false);
        if (found.severity == dsl::Severity::warning) allow(found);
    }

    // All that is certain in one go.
    void fix_all() {
        const bool any = std::any_of(
            analysis_.compiled.found.begin(), analysis_.compiled.found.end(),
            [&](const dsl::Diagnostic& d) { return d.fix && d.fix->safe && is_here(d.fix->at); });
        if (!any) return;
        dsl::FixOptions options;
        const dsl::Fixed fixed = dsl::fix_text(file_.name(), std::string(file_.text()), options);
        if (fixed.applied.empty()) return;
        add("Apply all certain remedies", "source.fixAll.larder", nullptr,
            edit_json(file_, {file_.base(), file_.end()}, fixed.text), false);
    }

  private:
    bool is_here(dsl::Span at) const { return file_.holds(at.begin) && file_.holds(at.end); }

    void fix(const dsl::Diagnostic& found, const dsl::Fix& fix, bool preferred) {
        if (is_here(fix.at))
            add(title_of(file_, fix), "quickfix", &found, edit_json(file_, fix.at, fix.replacement), preferred);
    }

    void allow(const dsl::Diagnostic& found) {
        const std::size_t line = file_.place(found.primary.at.begin).line;
        const std::string_view text = file_.line(line);
        const std::string indent(text.substr(0, std::min(text.find_first_not_of(" \t"), text.size())));
        const std::uint32_t at = file_.line_begin(line);
        add("Allow " + found.code + " here, with a reason", "quickfix", &found,
            edit_json(file_, {at, at}, indent + "# allow " + found.code + ": why this is right\n"),
            false);
    }

    void add(std::string title, std::string kind, const dsl::Diagnostic* of, json::object edit,
             bool preferred) {
        json::object action{{"title", std::move(title)},
                            {"kind", std::move(kind)},
                            {"edit", {{"changes", {{uri_, json::array{std::move(edit)}}}}}}};
        if (of != nullptr)
            action["diagnostics"] = json::array{diagnostic_json(analysis_.sources(), *of, uris_)};
        if (preferred) action["isPreferred"] = true;
        out_.push_back(std::move(action));
    }

    const Analysis& analysis_;
    const dsl::Source& file_;
    const std::string& uri_;
    const Uris& uris_;
    json::array out_;
};

}  // namespace

std::map<std::string, json::array> diagnostics(const Analysis& analysis, const Uris& uris) {
    std::map<std::string, json::array> out;
    out[analysis.document().name()];
    for (const dsl::Diagnostic& found : analysis.compiled.found)
        out[analysis.sources().file_at(found.primary.at.begin).name()].push_back(
            diagnostic_json(analysis.sources(), found, uris));
    return out;
}

json::array code_actions(const Analysis& analysis, dsl::Span range, const std::string& uri,
                         const Uris& uris) {
    Actions actions(analysis, uri, uris);
    for (const dsl::Diagnostic& found : analysis.compiled.found)
        if (analysis.document().holds(found.primary.at.begin) && touch(found.primary.at, range))
            actions.of(found);
    actions.fix_all();
    return std::move(actions).take();
}

}  // namespace larder::editor
