// kernel/editor/layout.cpp -- a document as a whole: its style, and its outline.
#include "kernel/editor/answers.hpp"

#include "dsl/format/format.hpp"
#include "dsl/outline.hpp"
#include "dsl/parser.hpp"

#include <algorithm>

namespace larder::editor {
namespace {

namespace json = boost::json;

// SymbolKind of LSP.
int symbol_of(dsl::OutlineItem::Kind kind) {
    using Kind = dsl::OutlineItem::Kind;
    switch (kind) {
        case Kind::use:
            return 1;  // File
        case Kind::constant:
            return 14;  // Constant
        case Kind::profile:
        case Kind::namespace_:
            return 3;  // Namespace
        case Kind::defaults:
            return 19;  // Object
        case Kind::rule:
        case Kind::alert:
            return 24;  // Event
        case Kind::session:
        case Kind::warm:
        case Kind::breaker:
        case Kind::guard:
            return 23;  // Struct
        case Kind::test:
        case Kind::guarantee:
            return 12;  // Function
    }
    return 13;  // Variable
}

std::string_view word_of(dsl::OutlineItem::Kind kind) {
    constexpr std::array<std::string_view, 13> words{
        "use",  "let",   "profile", "defaults", "namespace", "on",       "session",
        "warm", "alert", "breaker", "guard",    "test",      "guarantee"};
    return words[static_cast<std::size_t>(kind)];
}

json::array symbols_json(const dsl::Source& file, const std::vector<dsl::OutlineItem>& items) {
    json::array out;
    for (const dsl::OutlineItem& item : items) {
        // An empty name is against the protocol.
        json::object symbol{{"name", item.name.empty() ? std::string(word_of(item.kind)) : item.name},
                            {"detail", word_of(item.kind)},
                            {"kind", symbol_of(item.kind)},
                            {"range", range_json(file, item.at)},
                            {"selectionRange", range_json(file, item.name_at)}};
        if (!item.children.empty()) symbol["children"] = symbols_json(file, item.children);
        out.push_back(std::move(symbol));
    }
    return out;
}

}  // namespace

json::array formatting(const Analysis& analysis) {
    const dsl::Source& file = analysis.document();
    const auto made = dsl::formatted(analysis.sources(), analysis.file).text;
    if (!made || *made == file.text()) return {};
    // Only what differs, in whole lines, so that cursors elsewhere stay where they are.
    const std::string_view before = file.text();
    const std::string_view after = *made;
    std::size_t head = static_cast<std::size_t>(
        std::mismatch(before.begin(), before.end(), after.begin(), after.end()).first - before.begin());
    head = head == 0 ? 0 : before.rfind('\n', head - 1) + 1;
    std::size_t tail = 0;
    const std::size_t most = std::min(before.size(), after.size()) - head;
    while (tail < most && before[before.size() - 1 - tail] == after[after.size() - 1 - tail]) ++tail;
    const std::size_t newline = before.find('\n', before.size() - tail);
    tail = newline == std::string_view::npos ? 0 : before.size() - newline - 1;
    const dsl::Span span{file.base() + static_cast<std::uint32_t>(head),
                         file.base() + static_cast<std::uint32_t>(before.size() - tail)};
    return {json::object{{"range", range_json(file, span)},
                         {"newText", after.substr(head, after.size() - tail - head)}}};
}

json::array symbols(const Analysis& analysis) {
    return symbols_json(analysis.document(),
                        dsl::outline_of(analysis.sources(),
                                        dsl::parse(analysis.sources(), analysis.file).tree));
}

}  // namespace larder::editor
