// dsl/check_draft.cpp -- finding places and names while a policy is checked.
#include "dsl/check_draft.hpp"

#include <algorithm>

namespace larder::dsl {

std::string ticked(std::string_view text) {
    std::string out(1, '`');
    return out.append(text).append(1, '`');
}

std::string braced(std::string_view name) {
    std::string out(1, '{');
    return out.append(name).append(1, '}');
}

std::string spoken(Ms duration) {
    std::string out;
    auto left = duration.count();
    constexpr std::pair<std::int64_t, const char*> units[] = {
        {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}, {1, "ms"}};
    for (const auto& [size, name] : units) {
        if (left < size) continue;
        out += std::to_string(left / size) + name;
        left %= size;
    }
    return out.empty() ? "0s" : out;
}

std::string joined(std::span<const std::string> names) {
    std::string out;
    for (const std::string& n : names) {
        if (!out.empty()) out += ", ";
        out += ticked(n);
    }
    return out;
}

std::string meant(std::string_view word, const std::vector<std::string>& candidates) {
    const std::vector<std::string_view> views(candidates.begin(), candidates.end());
    return std::string(nearest(word, views));
}

Diagnostic& Findings::error(const char* code, Span at, std::string message, std::string label) {
    return add(Severity::error, code, at, std::move(message), std::move(label));
}

Diagnostic& Findings::warning(const char* code, Span at, std::string message, std::string label) {
    return add(Severity::warning, code, at, std::move(message), std::move(label));
}

Diagnostic& Findings::add(Severity severity, const char* code, Span at, std::string message,
                          std::string label) {
    if (severity == Severity::error) ++errors_;
    Diagnostic d;
    d.severity = severity;
    d.code = code;
    d.message = std::move(message);
    d.primary = {at, std::move(label)};
    if (!said_.emplace(d.code, at.begin, d.message).second) {
        again_ = std::move(d);
        return again_;
    }
    out_.push_back(std::move(d));
    return out_.back();
}

Where Draft::where(Span at) {
    const Source& file = sources.file_at(at.begin);
    const std::string_view text = file.text();
    const bool onwards =
        cursor.line_begin >= file.base() && cursor.offset >= file.base() &&
        cursor.line_begin != UINT32_MAX && cursor.offset <= at.begin &&
        text.substr(cursor.offset - file.base(), at.begin - cursor.offset).find('\n') ==
            std::string_view::npos;
    if (onwards) {
        for (std::uint32_t i = cursor.offset; i < at.begin; ++i) {
            const auto byte = static_cast<unsigned char>(text[i - file.base()]);
            if ((byte & 0xC0U) != 0x80U) ++cursor.place.column;
        }
    } else {
        cursor.place = file.place(at.begin);
        cursor.line_begin = file.line_begin(cursor.place.line);
    }
    cursor.offset = at.begin;
    return {file.name(), static_cast<std::uint32_t>(cursor.place.line),
            static_cast<std::uint32_t>(cursor.place.column)};
}

Span Draft::span_of(std::string_view view, Span near) const {
    const Source& file = sources.file_at(near.begin);
    const auto begin = static_cast<std::uint32_t>(view.data() - file.text().data()) + file.base();
    return {begin, begin + static_cast<std::uint32_t>(view.size())};
}

Span Draft::behind_brace(const ast::Name& head) const {
    const Source& file = sources.file_at(head.at.begin);
    const std::size_t brace = file.text().find('{', head.at.end - file.base());
    const std::uint32_t at = brace == std::string_view::npos
                                 ? head.at.end
                                 : file.base() + static_cast<std::uint32_t>(brace) + 1;
    return {at, at};
}

bool Draft::may_be_declared(std::string_view word) const {
    return incomplete || std::any_of(broken.begin(), broken.end(), [&](Span at) {
               return sources.text(at).find(word) != std::string_view::npos;
           });
}

std::optional<NamespaceIndex> Draft::known(const ast::Name& name, bool marks_reach) {
    if (const auto found = policy.find(name.text)) return found;
    if (may_be_declared(name.text)) return std::nullopt;
    auto& d = say.error("L0202", name.at,
                        "namespace " + ticked(name.text) + " is not declared in this policy");
    if (!say.suggests()) return std::nullopt;
    std::vector<std::string> all;
    for (const Namespace& n : policy.namespaces) all.push_back(n.name);
    const std::string near = meant(name.text, all);
    if (near.empty()) return std::nullopt;
    const NamespaceIndex i = *policy.find(near);
    d.primary.text = "did you mean " + ticked(near) + "?";
    d.more.push_back({spaces[i].node->id.at, "declared here"});
    d.fix = Fix{name.at, near};
    if (marks_reach) spaces[i].reachable = true;  // so that nobody complains that nothing drops it
    return std::nullopt;
}

}  // namespace larder::dsl
