// kernel/editor/names.cpp -- where a name comes from, where it is said, and another name for it.
#include "kernel/editor/answers.hpp"

#include <algorithm>
#include <set>

namespace larder::editor {
namespace {

namespace json = boost::json;
using dsl::Mention;
using Kind = Mention::Kind;

json::object location_json(const Analysis& analysis, dsl::Span at, const Uris& uris) {
    const dsl::Source& file = analysis.sources().file_at(at.begin);
    return {{"uri", uris(file.name())}, {"range", range_json(file, at)}};
}

json::array locations(const Analysis& analysis, const std::vector<const Mention*>& mentions,
                      const Uris& uris) {
    json::array out;
    for (const Mention* m : mentions) out.push_back(location_json(analysis, m->at, uris));
    return out;
}

// The file that a `use` brings in.
json::array used_file(const Analysis& analysis, const Mention& use, const Uris& uris) {
    for (std::size_t i = 0; i < analysis.sources().files(); ++i) {
        const dsl::Source& file = analysis.sources().file(static_cast<dsl::FileId>(i));
        const std::string& name = file.name();
        const bool ends = name.size() >= use.name.size() &&
                          name.compare(name.size() - use.name.size(), std::string::npos, use.name) == 0;
        if (ends) return {location_json(analysis, {file.base(), file.base()}, uris)};
    }
    return {};
}

bool is_renamed(Kind kind) {
    return kind == Kind::namespace_ || kind == Kind::constant || kind == Kind::tag ||
           kind == Kind::capture || kind == Kind::session || kind == Kind::event ||
           kind == Kind::profile;
}

bool is_word(std::string_view name) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9') || name[0] == '-' || name.back() == '-')
        return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    });
}

// The captures of a tag as it is written, `{user_id}`, from left to right.
std::vector<std::string> captures_of(std::string_view text) {
    std::vector<std::string> out;
    for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
        const std::size_t close = text.find('}', open);
        if (close == std::string_view::npos) break;
        out.emplace_back(text.substr(open, close + 1 - open));
    }
    return out;
}

// The new text of a tag with the captures that this mention has, which may have names of their own.
std::string with_captures(const std::string& name, const std::vector<std::string>& captures) {
    std::string out;
    std::size_t next = 0;
    for (std::size_t i = 0; i < name.size();) {
        const std::size_t close = name[i] == '{' ? name.find('}', i) : std::string::npos;
        if (close == std::string::npos || next == captures.size()) {
            out += name[i++];
            continue;
        }
        out += captures[next++];
        i = close + 1;
    }
    return out;
}

std::string refusal(const Analysis& analysis, const Mention& m, const std::string& name) {
    if (m.kind == Kind::tag || m.kind == Kind::event) {
        if (name.find_first_of("\"\\\n\r") != std::string::npos)
            return "a name in quotes holds no quotes, backslashes or line ends";
        const std::string written(analysis.sources().text(m.at));
        if (captures_of(name).size() != captures_of(written).size())
            return "the new name needs as many captures as `" + written + "` has";
        return {};
    }
    if (!is_word(name) || (m.kind == Kind::capture && name.find('-') != std::string::npos))
        return "`" + name + "` is not a name: letters, digits and `_`, and no digit first";
    if (m.kind == Kind::constant && (name == "env" || name == "or" || name == "and" || name == "true" || name == "false"))
        return "`" + name + "` means something else in a value";
    return {};
}

}  // namespace

json::array definition(const Analysis& analysis, std::uint32_t offset, const Uris& uris) {
    const Mention* const m = analysis.mention_at(offset);
    if (m == nullptr) return {};
    if (m->kind == Kind::file) return used_file(analysis, *m, uris);
    auto all = analysis.all_of(*m);
    std::erase_if(all, [](const Mention* one) { return !one->declares; });
    return locations(analysis, all, uris);
}

json::array references(const Analysis& analysis, std::uint32_t offset, bool with_declarations,
                       const Uris& uris) {
    const Mention* const m = analysis.mention_at(offset);
    if (m == nullptr) return {};
    auto all = analysis.all_of(*m);
    if (!with_declarations) std::erase_if(all, [](const Mention* one) { return one->declares; });
    return locations(analysis, all, uris);
}

json::value can_rename(const Analysis& analysis, std::uint32_t offset) {
    const Mention* const m = analysis.mention_at(offset);
    if (m == nullptr || !is_renamed(m->kind) || !analysis.is_declared(*m)) return nullptr;
    return json::object{{"range", range_json(analysis.document(), m->at)},
                        {"placeholder", analysis.sources().text(m->at)}};
}

Renamed rename(const Analysis& analysis, std::uint32_t offset, const std::string& name) {
    Renamed out;
    const Mention* const m = analysis.mention_at(offset);
    if (m == nullptr || !is_renamed(m->kind) || !analysis.is_declared(*m)) {
        out.refused = "nothing that can be renamed stands here";
        return out;
    }
    out.refused = refusal(analysis, *m, name);
    if (!out.refused.empty()) return out;
    auto all = analysis.all_of(*m);
    // From the last to the first, so that places stay right while texts change.
    std::sort(all.begin(), all.end(),
              [](const Mention* a, const Mention* b) { return a->at.begin > b->at.begin; });
    for (const Mention* one : all) {
        const dsl::Source& file = analysis.sources().file_at(one->at.begin);
        const bool quoted = m->kind == Kind::tag || m->kind == Kind::event;
        const std::string text =
            quoted ? with_captures(name, captures_of(file.text(one->at))) : name;
        auto& whole = out.texts.try_emplace(file.name(), file.text()).first->second;
        whole.replace(one->at.begin - file.base(), one->at.size(), text);
        out.edits[file.name()].push_back(
            json::object{{"range", range_json(file, one->at)}, {"newText", text}});
    }
    return out;
}

}  // namespace larder::editor
