// tests/fuzz/policy_fuzz.cpp -- any bytes as a policy: parsed, and every finding rendered.
//
// Beyond what the sanitizers see, three promises are checked: every place is inside the file, there
// are at most max_errors findings and one note, and parsing the same text again finds the same.
#include "dsl/parser.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace larder::dsl;

namespace {

void require(bool promise) {
    if (!promise) {
        std::abort();
    }
}

bool inside(const Source& source, Span span) {
    return span.begin <= span.end && span.begin >= source.base() && span.end <= source.end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    SourceMap sources;
    // Not in the first file, so that an offset that forgot its base is outside.
    sources.add("before.larder", "larder 1\n");
    std::string text;
    text.reserve(size);
    for (std::size_t i = 0; i < size; ++i) {
        text += static_cast<char>(data[i]);
    }
    const FileId id = sources.add("fuzz.larder", std::move(text));
    const Source& source = sources.file(id);

    const Parsed parsed = parse(sources, id);
    require(parsed.found.size() <= max_errors + 1);
    for (const Diagnostic& found : parsed.found) {
        require(inside(source, found.primary.at));
        for (const Label& label : found.more) {
            require(inside(source, label.at));
        }
        require(!found.fix || inside(source, found.fix->at));
    }
    const std::string shown = render_text(sources, parsed.found, true);
    render_json(sources, parsed.found);
    render_sarif(sources, parsed.found);
    render_github(sources, parsed.found);
    require(render_text(sources, parse(sources, id).found, true) == shown);
    return 0;
}
