// kernel/editor/hover.cpp -- what the word under the cursor means, in this policy.
#include "kernel/editor/answers.hpp"
#include "kernel/editor/manual.hpp"

#include "dsl/explain.hpp"
#include "dsl/format/words.hpp"

#include <algorithm>

namespace larder::editor {
namespace {

namespace json = boost::json;
using dsl::Mention;
using Kind = Mention::Kind;

std::string fenced(const std::string& text) {
    return "```\n" + text + (text.ends_with('\n') ? "```" : "\n```");
}

std::string line_at(const Analysis& analysis, dsl::Span at) {
    const dsl::Source& file = analysis.sources().file_at(at.begin);
    const std::string_view line = file.line(file.place(at.begin).line);
    const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
    return std::string(line.substr(begin, std::min<std::size_t>(line.size() - begin, 200)));
}

// Every line that says the name, where it is declared first.
std::string lines_of(const Analysis& analysis, const Mention& mention) {
    constexpr std::size_t most = 20;
    std::vector<const Mention*> all = analysis.all_of(mention);
    std::stable_partition(all.begin(), all.end(), [](const Mention* m) { return m->declares; });
    std::string out, last;
    std::size_t shown = 0;
    for (const Mention* m : all) {
        const std::string where = analysis.sources().where(m->at);
        const std::string line = line_at(analysis, m->at);
        const std::string place = where.substr(where.rfind('/') + 1, where.rfind(':') - where.rfind('/') - 1);
        if (place + line == last) continue;
        last = place + line;
        if (++shown > most) {
            out += "...\n";
            break;
        }
        out += place + "  " + line + "\n";
    }
    return out;
}

std::string space_text(const Analysis& analysis, const Mention& m, const Live& live) {
    std::string out;
    if (analysis.meaning)
        if (const auto index = analysis.meaning->find(m.name)) {
            const dsl::Namespace& space = analysis.meaning->namespaces[*index];
            out = space.key ? dsl::explain_entry(*analysis.meaning, space.name, space.key->pattern().source)
                            : space.name + "\n  holds no entries itself\n";
        }
    if (out.empty()) out = lines_of(analysis, m);
    out = fenced(out);
    if (const std::string counts = live ? live(m.name) : std::string(); !counts.empty())
        out += "\n\nRunning now: " + counts;
    return out;
}

std::string name_text(const Analysis& analysis, const Mention& m, const Live& live) {
    switch (m.kind) {
        case Kind::namespace_:
            return space_text(analysis, m, live);
        case Kind::store:
        case Kind::file:
            return {};
        default:
            return fenced(lines_of(analysis, m));
    }
}

// The rule whose `on` this is: what it does.
std::string rule_text(const Analysis& analysis, std::uint32_t offset) {
    if (!analysis.meaning) return {};
    const std::string where = analysis.sources().where({offset, offset});
    const std::string place = where.substr(0, where.rfind(':'));
    for (const dsl::Rule& rule : analysis.meaning->rules) {
        if (rule.where.text() != place && rule.where.text() != where) continue;
        if (rule.kind == dsl::TriggerKind::event)
            return dsl::explain_event(*analysis.meaning, rule.route, {});
        if (rule.kind != dsl::TriggerKind::route) return {};
        const std::string_view head = rule.head;
        const std::string_view method = head.substr(3, head.find_first_of(", ", 3) - 3);
        dsl::ExplainRequest request{method == "write" ? "POST" : std::string(method), rule.route, 200, {}};
        if (!rule.status.empty()) request.status = rule.status.front().from;
        return dsl::explain_request(*analysis.meaning, request);
    }
    return {};
}

}  // namespace

json::value hover(const Analysis& analysis, std::uint32_t offset, const Live& live) {
    const dsl::Source& file = analysis.document();
    const auto answer = [&](std::string text, dsl::Span at) {
        return json::object{{"contents", {{"kind", "markdown"}, {"value", std::move(text)}}},
                            {"range", range_json(file, at)}};
    };
    if (const Mention* const m = analysis.mention_at(offset)) {
        std::string text = name_text(analysis, *m, live);
        if (!text.empty() && (analysis.is_declared(*m) || m->kind == Kind::tag || m->kind == Kind::event))
            return answer(std::move(text), m->at);
    }
    for (const dsl::format::Word& word : dsl::format::words_of(file.text())) {
        const auto begin = file.base() + static_cast<std::uint32_t>(word.text.data() - file.text().data());
        const dsl::Span at{begin, begin + static_cast<std::uint32_t>(word.text.size())};
        if (at.begin > offset) break;
        if (offset > at.end || word.kind != dsl::format::Word::Kind::word) continue;
        if (word.text == "on")
            if (const std::string does = rule_text(analysis, at.begin); !does.empty())
                return answer(fenced(does), at);
        if (const std::string_view page = manual_of(word.text); !page.empty())
            return answer(std::string(page), at);
    }
    return nullptr;
}

}  // namespace larder::editor
