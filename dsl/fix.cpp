// dsl/fix.cpp -- the remedies that the findings of a policy carry, applied.
#include "dsl/fix.hpp"

#include "dsl/format/format.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

namespace larder::dsl {
namespace {

// How bad a text is. An error of syntax hides others, so fewer of them is better, whatever appears.
struct Errors {
    std::size_t of_syntax = 0;
    std::size_t all = 0;

    explicit Errors(const Compiled& compiled) {
        for (const Diagnostic& found : compiled.found) {
            if (found.severity != Severity::error) continue;
            ++all;
            of_syntax += found.code.starts_with("L01") ? 1 : 0;
        }
    }
    bool worse_than(const Errors& other) const {
        return std::tie(of_syntax, all) > std::tie(other.of_syntax, other.all);
    }
};

struct Round {
    std::string text;
    std::vector<Remedy> applied;
};

// Those that may be applied to the first file at once: in the order of the text, none inside another.
std::vector<const Diagnostic*> chosen(const Compiled& compiled, bool guesses) {
    const Source& file = compiled.sources->file(FileId{0});
    std::vector<const Diagnostic*> out;
    for (const Diagnostic& found : compiled.found)
        if (found.fix && (found.fix->safe || guesses) && file.holds(found.fix->at.begin) &&
            file.holds(found.fix->at.end))
            out.push_back(&found);
    std::stable_sort(out.begin(), out.end(), [](const Diagnostic* a, const Diagnostic* b) {
        return a->fix->at.begin < b->fix->at.begin;
    });
    std::uint32_t behind = 0;
    std::erase_if(out, [&](const Diagnostic* found) {
        if (found->fix->at.begin < behind) return true;
        behind = std::max(found->fix->at.end, found->fix->at.begin + 1);
        return false;
    });
    return out;
}

Round applied(const Compiled& compiled, const std::vector<const Diagnostic*>& remedies) {
    const Source& file = compiled.sources->file(FileId{0});
    Round out;
    std::uint32_t at = file.base();
    for (const Diagnostic* found : remedies) {
        const Fix& fix = *found->fix;
        out.text.append(file.text({at, fix.at.begin})).append(fix.replacement);
        at = fix.at.end;
        out.applied.push_back({compiled.sources->where(fix.at), found->code,
                               std::string(file.text(fix.at)), fix.replacement});
    }
    out.text.append(file.text({at, file.end()}));
    return out;
}

std::optional<std::string> styled(const std::string& text) {
    SourceMap sources;
    return formatted(sources, sources.add("", text)).text;
}

void count(const Compiled& compiled, Fixed& out) {
    out.errors = Errors(compiled).all;
    out.warnings = static_cast<std::size_t>(
        std::count_if(compiled.found.begin(), compiled.found.end(),
                      [](const Diagnostic& d) { return d.severity == Severity::warning; }));
    out.guesses_left = chosen(compiled, true).size() - chosen(compiled, false).size();
}

}  // namespace

Fixed fix_text(const std::string& name, std::string text, const FixOptions& options) {
    Compiled compiled = compile_text(name, text, options.compile);
    Fixed untouched;
    count(compiled, untouched);
    const bool was_styled = styled(text) == text;
    untouched.text = std::move(text);
    Fixed out = untouched;
    for (std::size_t round = 0; round < Fixed::most_rounds; ++round) {
        const auto remedies = chosen(compiled, options.guesses);
        if (remedies.empty()) break;
        Round next = applied(compiled, remedies);
        Compiled after = compile_text(name, next.text, options.compile);
        if (Errors(after).worse_than(Errors(compiled))) {
            untouched.worse = true;
            return untouched;
        }
        out.text = std::move(next.text);
        std::move(next.applied.begin(), next.applied.end(), std::back_inserter(out.applied));
        compiled = std::move(after);
    }
    if (out.applied.empty()) return out;
    count(compiled, out);
    if (was_styled)
        if (auto again = styled(out.text)) out.text = std::move(*again);
    return out;
}

}  // namespace larder::dsl
