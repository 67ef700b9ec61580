// dsl/codes.cpp -- finding the section of one code in the page of all.
#include "dsl/codes.hpp"

#include "dsl/explain.hpp"

#include <algorithm>

namespace larder::dsl {

namespace {

constexpr std::string_view heading = "\n## L";

// Where the section at `from` ends.
std::size_t end_of(std::string_view page, std::size_t from) {
    const std::size_t next = page.find("\n## ", from);
    return next == page.npos ? page.size() : next + 1;
}

// A section as a terminal shows it: no hashes, fenced examples indented.
std::string plain_section(std::string_view section) {
    std::string out;
    bool fenced = false;
    while (!section.empty()) {
        const std::size_t end = std::min(section.find('\n'), section.size());
        std::string_view line = section.substr(0, end);
        section.remove_prefix(std::min(end + 1, section.size()));
        if (line.starts_with("```")) {
            fenced = !fenced;
            continue;
        }
        if (line.starts_with("## ")) line.remove_prefix(3);
        if (fenced) out += "    ";
        out += line;
        out += '\n';
    }
    while (out.ends_with("\n\n")) out.pop_back();
    return out;
}

}  // namespace

std::optional<std::string> explain_code(std::string_view code) {
    const std::string_view page = diagnostics_page();
    for (std::size_t at = page.find(heading); at != page.npos; at = page.find(heading, at + 1)) {
        const std::string_view section = page.substr(at + 1, end_of(page, at + 1) - at - 1);
        if (section.substr(3).starts_with(code) &&
            section.substr(3 + code.size()).starts_with(":")) {
            return plain_section(section);
        }
    }
    return std::nullopt;
}

std::vector<std::string> all_codes() {
    std::vector<std::string> out;
    const std::string_view page = diagnostics_page();
    for (std::size_t at = page.find(heading); at != page.npos; at = page.find(heading, at + 1)) {
        out.emplace_back(page.substr(at + 4, 5));
    }
    return out;
}

}  // namespace larder::dsl
