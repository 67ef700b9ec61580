// tests/unit/dsl/parsing.hpp -- one text, parsed, and what was found in it.
#pragma once

#include "dsl/parser.hpp"

#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace larder::test {

struct Parsing {
    std::unique_ptr<dsl::SourceMap> sources = std::make_unique<dsl::SourceMap>();
    dsl::Parsed parsed;

    explicit Parsing(std::string text, std::string name = "p.larder") {
        parsed = dsl::parse(*sources, sources->add(std::move(name), std::move(text)));
    }

    const std::vector<dsl::Diagnostic>& found() const { return parsed.found; }
    std::string shown() const { return dsl::render_text(*sources, parsed.found, false); }

    // "L0101@5:3", one a finding.
    std::vector<std::string> places() const {
        std::vector<std::string> all;
        for (const dsl::Diagnostic& d : parsed.found) {
            const dsl::Place place = sources->place(d.primary.at.begin);
            all.push_back(d.code + '@' + std::to_string(place.line) + ':' +
                          std::to_string(place.column));
        }
        return all;
    }

    template <class Node>
    const Node& item(std::size_t i) const {
        return boost::get<Node>(parsed.tree.at(i).get());
    }
};

inline std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read " + path);
    }
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace larder::test
