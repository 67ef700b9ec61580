// dsl/format/format.cpp -- a policy in larder's one style.
#include "dsl/format/format.hpp"

#include "dsl/format/printer.hpp"
#include "dsl/format/words.hpp"
#include "dsl/parser.hpp"

#include <set>
#include <utility>

namespace larder::dsl {

Formatted formatted(const SourceMap& sources, FileId file) {
    Formatted out;
    Parsed parsed = parse(sources, file);
    if (!parsed.found.empty()) {
        out.found = std::move(parsed.found);
        return out;
    }
    std::set<std::uint32_t> pinned;
    for (const Allow& allow : parsed.allows)
        pinned.insert(static_cast<std::uint32_t>(allow.line));
    const std::string_view text = sources.file(file).text();
    out.text = format::print(format::layout_of(format::words_of(text), pinned));
    return out;
}

}  // namespace larder::dsl
