// dsl/compile.cpp -- the way of a policy from its files to the checked Policy.
//
// Every pass runs, whatever the one before found, so that one run shows all mistakes. What may only
// be said about a whole policy (what reaches what) is left out while some of it could not be read.
#include "dsl/compile.hpp"

#include "dsl/check_draft.hpp"
#include "dsl/check_namespaces.hpp"
#include "dsl/check_reach.hpp"
#include "dsl/check_rules.hpp"
#include "dsl/check_run.hpp"
#include "dsl/check_values.hpp"
#include "dsl/policy_files.hpp"
#include "dsl/schema.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace larder::dsl {

namespace {

// An item whose head did not parse leaves no name behind, so its line is remembered instead: a line
// that begins at the first column and has an error in it. REQUIRES: only syntax errors are found
// yet.
void find_broken(Draft& draft) {
    for (const Diagnostic& d : draft.say.all()) {
        const Source& file = draft.sources.file_at(d.primary.at.begin);
        const std::size_t number = file.place(d.primary.at.begin).line;
        const std::string_view line = file.line(number);
        if (line.empty() || line[0] == ' ' || line[0] == '\t') continue;
        const std::uint32_t begin = file.line_begin(number);
        draft.broken.push_back({begin, begin + static_cast<std::uint32_t>(line.size())});
    }
}

std::vector<std::string> profiles_of(const Draft& draft) {
    std::vector<std::string> out;
    for (const ast::Policy* tree : draft.trees) {
        for (const ast::Item& item : *tree) {
            if (const auto* p = as_forward<ast::Profile>(item)) out.emplace_back(p->id.text);
        }
    }
    return out;
}

// The hash of everything that went into the policy.
std::uint64_t fingerprint_of(const Draft& draft) {
    std::uint64_t hash = 0xCBF29CE484222325ULL;
    const auto mix = [&hash](std::string_view text) {
        for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
        hash = (hash ^ 0xFFU) * 0x100000001B3ULL;
    };
    for (std::uint32_t k = 0; k < draft.sources.files(); ++k)
        mix(draft.sources.file(FileId{k}).text());
    mix(draft.options.profile);
    for (const auto& [name, value] : draft.env) {
        mix(name);
        mix(value);
    }
    return hash;
}

void run_checks(Draft& draft) {
    Values values(draft);
    find_broken(draft);
    values.declare_all();
    check_namespaces(draft, values);
    check_depends(draft);
    check_rules(draft);
    check_sessions(draft, values);
    check_warms(draft, values);
    check_alerts(draft, values);
    check_thresholds(draft);
    check_breakers(draft, values);
    check_guards(draft, values);
    check_serves(draft);
    declare_patterns(draft);
    compile_triggers(draft);
    check_circles_of_drops(draft);
    check_lifetimes(draft);
    check_reach(draft);
    check_redundant(draft);
    check_guarantees(draft, values);
    check_tests(draft, values);
    check_keys(draft);
    check_entries(draft);
    check_nodes(draft);
    check_coverage(draft);
}

// Findings that a comment may silence: warnings, and the one error that is a judgement.
bool may_be_allowed(const Diagnostic& d) {
    return d.severity == Severity::warning || d.code == "L0311";
}

// A comment, and the line it stands on when that holds nothing else.
Span with_its_line(const SourceMap& sources, Span comment) {
    const Source& file = sources.file_at(comment.begin);
    const std::size_t line = file.place(comment.begin).line;
    std::uint32_t begin = file.line_begin(line);
    const std::string_view before = file.text({begin, comment.begin});
    const std::size_t word = before.find_last_not_of(" \t\r");
    if (word != std::string_view::npos)
        return {begin + static_cast<std::uint32_t>(word) + 1, comment.end};
    return {begin, line < file.lines() ? file.line_begin(line + 1) : file.end()};
}

void apply_allows(const SourceMap& sources, const PolicyFiles& files, bool syntax_errors,
                  std::vector<Diagnostic>& found) {
    struct Known {
        const Allow* allow;
        bool used = false;
    };
    using Place = std::tuple<const Source*, std::size_t, std::string_view>;  // file, line, code
    std::map<Place, Known> allows;
    std::vector<Diagnostic> about_allows;
    for (const Parsed& parsed : files.parsed()) {
        for (const Allow& allow : parsed.allows) {
            if (!allow.reason.empty()) {
                allows.try_emplace({&sources.file_at(allow.at.begin), allow.line, allow.code},
                                   Known{&allow});
                continue;
            }
            Diagnostic d{Severity::warning,
                         "L0324",
                         "this silences nothing: it gives no reason",
                         {allow.at, ""},
                         {},
                         {},
                         {},
                         {}};
            d.helps.push_back("write `# allow " + std::string(allow.code) + ": why this is right`");
            about_allows.push_back(std::move(d));
        }
    }
    if (!allows.empty()) {
        std::erase_if(found, [&](const Diagnostic& d) {
            if (!may_be_allowed(d)) return false;
            const Source& file = sources.file_at(d.primary.at.begin);
            const auto it = allows.find({&file, file.place(d.primary.at.begin).line, d.code});
            if (it == allows.end()) return false;
            it->second.used = true;
            return true;
        });
    }
    for (const auto& [_, known] : allows) {
        if (known.used || syntax_errors) continue;
        Diagnostic d{Severity::warning,
                     "L0323",
                     "this silences nothing: " + ticked(known.allow->code) + " is not found there",
                     {known.allow->at, ""},
                     {},
                     {},
                     {},
                     {}};
        d.helps.push_back("take the comment away");
        // A guess: with another profile or a larder.toml it may silence something.
        d.fix = Fix{with_its_line(sources, known.allow->at), ""};
        about_allows.push_back(std::move(d));
    }
    found.insert(found.end(), about_allows.begin(), about_allows.end());
}

// The checks that only a whole policy can answer say nothing while some of it could not be read.
void keep_errors(std::vector<Diagnostic>& found) {
    std::erase_if(found, [](const Diagnostic& d) {
        return d.severity == Severity::warning || d.code == "L0309" || d.code == "L0311";
    });
}

// The rest is counted only: nobody reads more.
void cut_short(std::vector<Diagnostic>& found) {
    constexpr std::size_t most = 500;
    if (found.size() <= most) return;
    Diagnostic d{Severity::note,
                 "L0112",
                 std::to_string(found.size() - most) + " more findings",
                 {found[most].primary.at, ""},
                 {},
                 {},
                 {},
                 {}};
    found.resize(most);
    found.push_back(std::move(d));
}

// The application's description becomes one more source, so that findings can show it.
void check_routes(SourceMap& sources, Draft& draft) {
    const auto* routes = draft.options.routes;
    if (routes == nullptr || draft.incomplete || sources.files() >= SourceMap::max_files) return;
    const FileId id = sources.add(routes->name, routes->text.substr(0, SourceMap::max_file_bytes));
    check_application(draft, sources.file(id), routes->text);
}

Compiled finish(std::shared_ptr<SourceMap> sources, const PolicyFiles& files,
                const CompileOptions& options, std::vector<Diagnostic> found) {
    Compiled out;
    out.sources = std::move(sources);
    if (out.sources->files() == 0) {
        out.found = std::move(found);
        return out;
    }
    const bool syntax_errors = has_errors(found);
    Draft draft{*out.sources,  options,       Findings(found),
                files.trees(), syntax_errors, files.incomplete()};
    run_checks(draft);
    check_routes(*out.sources, draft);
    if (syntax_errors) keep_errors(found);
    apply_allows(*out.sources, files, syntax_errors, found);
    std::stable_sort(found.begin(), found.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return a.primary.at.begin < b.primary.at.begin;
    });
    const bool wrong = has_errors(found);
    cut_short(found);
    if (!wrong) {
        RuleTables tables = tables_of(draft.policy);
        draft.policy.routes = std::move(tables.routes);
        draft.policy.events = std::move(tables.events);
        number_schemas(draft.policy);
        draft.policy.profile = options.profile;
        draft.policy.files = files.names();
        draft.policy.fingerprint = fingerprint_of(draft);
        out.policy = std::make_shared<const Policy>(std::move(draft.policy));
        out.tests = std::move(draft.tests);
        out.profiles = profiles_of(draft);
    }
    out.found = std::move(found);
    return out;
}

}  // namespace

Compiled compile(std::span<const std::string> paths, const CompileOptions& options) {
    auto sources = std::make_shared<SourceMap>();
    std::vector<Diagnostic> found;
    PolicyFiles files(*sources, options, found);
    for (const std::string& path : paths) files.load(path);
    return finish(std::move(sources), files, options, std::move(found));
}

Compiled compile_text(std::string name, std::string text, const CompileOptions& options) {
    auto sources = std::make_shared<SourceMap>();
    std::vector<Diagnostic> found;
    PolicyFiles files(*sources, options, found);
    files.load_text(std::move(name), std::move(text));
    return finish(std::move(sources), files, options, std::move(found));
}

}  // namespace larder::dsl
