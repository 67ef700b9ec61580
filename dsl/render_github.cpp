// dsl/render_github.cpp -- diagnostics as workflow commands, which GitHub Actions shows at the
// line.
#include "dsl/diagnostic.hpp"
#include "dsl/rendering.hpp"

namespace larder::dsl {
namespace {

// A value ends at the line; a property also at `,` and `:`.
std::string escaped(std::string_view text, bool property) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '%':
                out += "%25";
                break;
            case '\r':
                out += "%0D";
                break;
            case '\n':
                out += "%0A";
                break;
            case ':':
                out += property ? "%3A" : ":";
                break;
            case ',':
                out += property ? "%2C" : ",";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string_view command(Severity severity) {
    return severity == Severity::note ? "notice" : name_of(severity);
}

}  // namespace

std::string render_github(const SourceMap& sources, std::span<const Diagnostic> found) {
    std::string out;
    for (const Diagnostic& d : found) {
        const Region region = region_of(sources, d.primary.at);
        std::string text = d.message;
        if (!d.primary.text.empty()) {
            text += ": " + d.primary.text;
        }
        for (const std::string& help : d.helps) {
            text += "\nhelp: " + help;
        }
        out += "::" + std::string(command(d.severity)) +
               " file=" + escaped(region.source->name(), true) +
               ",line=" + std::to_string(region.begin.line) +
               ",endLine=" + std::to_string(region.end.line) +
               ",col=" + std::to_string(region.begin.column);
        // GitHub refuses an end column on a range of several lines.
        if (region.begin.line == region.end.line) {
            out += ",endColumn=" + std::to_string(region.end.column);
        }
        out += ",title=" + escaped(d.code, true) + "::" + escaped(text, false) + "\n";
    }
    return out;
}

}  // namespace larder::dsl
