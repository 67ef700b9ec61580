// dsl/render_sarif.cpp -- diagnostics as SARIF 2.1.0 (OASIS, 2020), which code review tools read.
//
// One run. `columnKind` says that our columns are code points; every code that occurs is a rule of
// the driver, so a viewer can group by it. File names become URI references as RFC 3986 wants them.
#include "dsl/diagnostic.hpp"
#include "dsl/rendering.hpp"

#include <algorithm>

namespace larder::dsl {
namespace {

std::string uri_of(std::string_view path) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    std::string uri = path.starts_with('/') ? "file://" : "";
    for (const char c : path) {
        if (plain.find(c) != std::string_view::npos) {
            uri += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            uri += '%';
            uri += hex[byte >> 4];
            uri += hex[byte & 15];
        }
    }
    return uri;
}

std::string region_json(const Region& region) {
    return "{\"startLine\":" + std::to_string(region.begin.line) +
           ",\"startColumn\":" + std::to_string(region.begin.column) +
           ",\"endLine\":" + std::to_string(region.end.line) +
           ",\"endColumn\":" + std::to_string(region.end.column) + "}";
}

std::string artifact_json(const Source& source) {
    return "{\"uri\":" + json_string(uri_of(source.name())) + "}";
}

std::string physical_json(const SourceMap& sources, Span span) {
    const Region region = region_of(sources, span);
    return "\"physicalLocation\":{\"artifactLocation\":" + artifact_json(*region.source) +
           ",\"region\":" + region_json(region) + "}";
}

std::string text_json(std::string_view text) { return "{\"text\":" + json_string(text) + "}"; }

// SARIF has no place for labels of the main location, notes and helps: they follow the message.
std::string full_message(const Diagnostic& found) {
    std::string text = found.message;
    if (!found.primary.text.empty()) {
        text += "\n" + found.primary.text;
    }
    for (const std::string& note : found.notes) {
        text += "\nnote: " + note;
    }
    for (const std::string& help : found.helps) {
        text += "\nhelp: " + help;
    }
    return text;
}

std::string words_of(const Fix& fix) {
    return fix.replacement.empty() ? "take it away" : "write `" + fix.replacement + "`";
}

std::string fix_json(const SourceMap& sources, const Fix& fix) {
    const Region region = region_of(sources, fix.at);
    return "{\"description\":" + text_json(words_of(fix)) +
           ",\"artifactChanges\":[{\"artifactLocation\":" + artifact_json(*region.source) +
           ",\"replacements\":[{\"deletedRegion\":" + region_json(region) +
           ",\"insertedContent\":" + text_json(fix.replacement) + "}]}]}";
}

std::string result_json(const SourceMap& sources, const Diagnostic& found, std::size_t rule) {
    std::string out = "{\"ruleId\":" + json_string(found.code) +
                      ",\"ruleIndex\":" + std::to_string(rule) +
                      ",\"level\":" + json_string(name_of(found.severity)) +
                      ",\"message\":" + text_json(full_message(found)) + ",\"locations\":[{" +
                      physical_json(sources, found.primary.at) + "}]";
    for (std::size_t i = 0; i < found.more.size(); ++i) {
        out += i == 0 ? ",\"relatedLocations\":[" : ",";
        out += "{\"id\":" + std::to_string(i + 1) + "," + physical_json(sources, found.more[i].at) +
               ",\"message\":" + text_json(found.more[i].text) + "}";
    }
    out += found.more.empty() ? "" : "]";
    std::string fixes;
    if (found.fix) {
        fixes = fix_json(sources, *found.fix);
    }
    for (const Fix& choice : found.choices) {
        fixes += (fixes.empty() ? "" : ",") + fix_json(sources, choice);
    }
    if (!fixes.empty()) {
        out += ",\"fixes\":[" + fixes + "]";
    }
    return out + "}";
}

}  // namespace

std::string render_sarif(const SourceMap& sources, std::span<const Diagnostic> found,
                         std::string_view tool_version) {
    std::vector<std::string> codes;
    for (const Diagnostic& d : found) {
        codes.push_back(d.code);
    }
    std::sort(codes.begin(), codes.end());
    codes.erase(std::unique(codes.begin(), codes.end()), codes.end());

    std::string out =
        "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\","
        "\"runs\":[{\"tool\":{\"driver\":{\"name\":\"larder\"";
    if (!tool_version.empty()) {
        out += ",\"version\":" + json_string(tool_version);
    }
    out += ",\"rules\":[";
    for (std::size_t i = 0; i < codes.size(); ++i) {
        out += (i == 0 ? "{\"id\":" : ",{\"id\":") + json_string(codes[i]) +
               ",\"help\":" + text_json("larder explain " + codes[i]) + "}";
    }
    out += "]}},\"columnKind\":\"unicodeCodePoints\",\"results\":[";
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto rule = std::lower_bound(codes.begin(), codes.end(), found[i].code);
        out += i == 0 ? "\n" : ",\n";
        out += result_json(sources, found[i], static_cast<std::size_t>(rule - codes.begin()));
    }
    return out + "\n]}]}\n";
}

}  // namespace larder::dsl
