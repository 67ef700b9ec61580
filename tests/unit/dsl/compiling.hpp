// tests/unit/dsl/compiling.hpp -- compiling texts under a fixed environment, and Markdown's
// examples.
#pragma once

#include "dsl/compile.hpp"

#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace larder::dsl::test {

inline std::string file_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

// Two stores, one codec, one source, one sink, one trigger.
inline const Catalog& small_catalog() {
    static const Catalog catalog = [] {
        Catalog c;
        c.file = "larder.toml";
        c.stores = {{"l1", "memory", false, false}, {"l2", "redis", true, true}};
        Catalog::Codec brotli;
        brotli.name = "brotli";
        brotli.options = {"quality"};
        brotli.check_option = [](std::string_view, std::span<const std::string> values) {
            return values.size() == 1 && values[0].size() == 1 ? std::string()
                                                               : std::string("write 0 to 9");
        };
        c.codecs = {brotli};
        c.sources = {"http"};
        c.sinks = {{"log", ""}};
        c.triggers = {"kafka"};
        return c;
    }();
    return catalog;
}

inline const Catalog& catalog_without_a_journal() {
    static const Catalog catalog = [] {
        Catalog c = small_catalog();
        c.journal = false;
        return c;
    }();
    return catalog;
}

// With two stores that nodes share.
inline const Catalog& catalog_with_a_database() {
    static const Catalog catalog = [] {
        Catalog c = small_catalog();
        c.stores.push_back({"l3", "postgres", true, true});
        return c;
    }();
    return catalog;
}

// With a file beside the shared store.
inline const Catalog& catalog_with_a_file() {
    static const Catalog catalog = [] {
        Catalog c = small_catalog();
        c.stores.push_back({"l3", "lmdb", false, true});
        return c;
    }();
    return catalog;
}

inline CompileOptions plain_options() {
    CompileOptions o;
    o.env = [](std::string_view name) -> std::optional<std::string> {
        if (name == "BAD_TTL") return "soon";
        if (name == "TTL_SECONDS") return "90";
        if (name == "TTL_TEXT") return "1h30m";
        if (name == "NO") return "false";
        return std::nullopt;
    };
    o.read = [](const std::string& path) -> std::optional<std::string> {
        if (path == "shared.larder") return "larder 1\nlet short = 1m\n";
        if (path == "circle.larder") return "use \"circle.larder\"\n";
        return std::nullopt;
    };
    return o;
}

inline Compiled compiled(std::string text, const CompileOptions& options = plain_options()) {
    return compile_text("p.larder", std::move(text), options);
}

inline std::string rendered(const Compiled& c) { return render_text(*c.sources, c.found, false); }

inline std::set<std::string> codes(const Compiled& c) {
    std::set<std::string> out;
    for (const Diagnostic& d : c.found) out.insert(d.code);
    return out;
}

// A fenced block of a page: its info string in words, its text.
struct Example {
    std::vector<std::string> info;
    std::string text;
    std::size_t line = 0;
    std::string section;  // the code or title of the heading above
    bool is(const std::string& word) const {
        for (const std::string& w : info) {
            if (w == word) return true;
        }
        return false;
    }
};

inline std::vector<Example> examples_of(const std::string& page) {
    std::vector<Example> out;
    std::istringstream lines(file_text(page));
    std::string line, section;
    bool open = false;
    for (std::size_t number = 1; std::getline(lines, line); ++number) {
        if (line.rfind("```", 0) == 0) {
            if (!open) {
                Example e;
                e.line = number;
                e.section = section;
                std::istringstream words(line.substr(3));
                for (std::string w; words >> w;) e.info.push_back(w);
                out.push_back(e);
            }
            open = !open;
        } else if (open) {
            out.back().text += line + "\n";
        } else if (line.rfind("## ", 0) == 0) {
            section = line.substr(
                3, line.find(':') == std::string::npos ? line.npos : line.find(':') - 3);
        }
    }
    return out;
}

// `\xE9` of an example that is marked `bytes` is that byte.
inline std::string with_bytes(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.compare(i, 2, "\\x") == 0) {
            out += static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace larder::dsl::test
