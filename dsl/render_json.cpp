// dsl/render_json.cpp -- diagnostics for a program: one array, an object a line.
//
// Lines and columns count from 1, columns in code points; a range ends behind its last character.
#include "dsl/diagnostic.hpp"
#include "dsl/rendering.hpp"

namespace larder::dsl {
namespace {

void append_place(std::string& out, Place place) {
    out += "{\"line\":" + std::to_string(place.line) +
           ",\"column\":" + std::to_string(place.column) + "}";
}

void append_where(std::string& out, const SourceMap& sources, Span span) {
    const Region region = region_of(sources, span);
    out += "\"file\":";
    append_json_string(out, region.source->name());
    out += ",\"range\":{\"start\":";
    append_place(out, region.begin);
    out += ",\"end\":";
    append_place(out, region.end);
    out += "}";
}

void append_list(std::string& out, std::string_view name, std::span<const std::string> texts) {
    out += ",\"";
    out += name;
    out += "\":[";
    for (std::size_t i = 0; i < texts.size(); ++i) {
        out += i == 0 ? "" : ",";
        append_json_string(out, texts[i]);
    }
    out += "]";
}

void append_diagnostic(std::string& out, const SourceMap& sources, const Diagnostic& found) {
    out += "{\"code\":";
    append_json_string(out, found.code);
    out += ",\"severity\":";
    append_json_string(out, name_of(found.severity));
    out += ",\"message\":";
    append_json_string(out, found.message);
    out += ",";
    append_where(out, sources, found.primary.at);
    out += ",\"label\":";
    append_json_string(out, found.primary.text);
    out += ",\"related\":[";
    for (std::size_t i = 0; i < found.more.size(); ++i) {
        out += i == 0 ? "{" : ",{";
        append_where(out, sources, found.more[i].at);
        out += ",\"label\":";
        append_json_string(out, found.more[i].text);
        out += "}";
    }
    out += "]";
    append_list(out, "notes", found.notes);
    append_list(out, "help", found.helps);
    if (found.fix) {
        out += ",\"fix\":{";
        append_where(out, sources, found.fix->at);
        out += ",\"replacement\":";
        append_json_string(out, found.fix->replacement);
        out += found.fix->safe ? ",\"safe\":true}" : "}";
    }
    for (std::size_t i = 0; i < found.choices.size(); ++i) {
        out += i == 0 ? ",\"choices\":[{" : ",{";
        append_where(out, sources, found.choices[i].at);
        out += ",\"replacement\":";
        append_json_string(out, found.choices[i].replacement);
        out += "}";
    }
    out += found.choices.empty() ? "" : "]";
    out += "}";
}

}  // namespace

std::string render_json(const SourceMap& sources, std::span<const Diagnostic> found) {
    std::string out = "[";
    for (std::size_t i = 0; i < found.size(); ++i) {
        out += i == 0 ? "\n" : ",\n";
        append_diagnostic(out, sources, found[i]);
    }
    out += found.empty() ? "]\n" : "\n]\n";
    return out;
}

}  // namespace larder::dsl
