// kernel/editor/manual.cpp -- docs/policy-language.md by word.
#include "kernel/editor/manual.hpp"

#include "kernel/editor/manual_page.hpp"

#include <algorithm>

namespace larder::editor {
namespace {

// "### static, encrypt, coalesce" is the heading of each of its words, "### depends on" of its first.
bool heads(std::string_view heading, std::string_view word) {
    for (std::size_t at = heading.find(word); at != std::string_view::npos; at = heading.find(word, at + 1)) {
        const bool begins = at == 0 || (at > 1 && heading.substr(at - 2, 2) == ", ");
        const std::size_t end = at + word.size();
        if (begins && (end == heading.size() || heading[end] == ',' || heading[end] == ' ')) return true;
    }
    return false;
}

}  // namespace

std::string_view manual_of(std::string_view word) {
    if (word.empty()) return {};
    const std::string_view page = manual_page();
    for (std::size_t at = page.find("\n##"); at != std::string_view::npos; at = page.find("\n##", at + 1)) {
        const std::size_t name = page.find(' ', at) + 1;
        const std::size_t end = page.find('\n', name);
        if (end == std::string_view::npos || !heads(page.substr(name, end - name), word)) continue;
        std::string_view section = page.substr(end, std::min(page.find("\n##", end), page.size()) - end);
        while (section.starts_with('\n')) section.remove_prefix(1);
        // What is rejected is for who reads the whole page.
        return section.substr(0, section.find("\n```larder-rejected"));
    }
    return {};
}

std::string_view summary_of(std::string_view word) {
    const std::string_view section = manual_of(word);
    return section.substr(0, std::min(section.find(". ") + 1, section.find("\n\n")));
}

}  // namespace larder::editor
