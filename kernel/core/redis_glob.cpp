// kernel/core/redis_glob.cpp -- one pass over the text, going back to the last star only.
#include "kernel/core/redis_glob.hpp"

#include <cstddef>
#include <utility>

namespace larder {
namespace {

// Matches one byte against the element of `glob` at `at`; moves `at` behind the element.
bool match_element(std::string_view glob, std::size_t& at, unsigned char c) noexcept {
    if (glob[at] == '?') {
        ++at;
        return true;
    }
    if (glob[at] == '[') {
        ++at;
        const bool negated = at < glob.size() && glob[at] == '^';
        if (negated) ++at;
        bool hit = false;
        while (at < glob.size() && glob[at] != ']') {
            if (glob[at] == '\\' && at + 1 < glob.size()) ++at;
            auto from = static_cast<unsigned char>(glob[at]), to = from;
            if (at + 2 < glob.size() && glob[at + 1] == '-') {
                to = static_cast<unsigned char>(glob[at + 2]);
                at += 2;
            }
            if (from > to) std::swap(from, to);
            hit |= from <= c && c <= to;
            ++at;
        }
        if (at < glob.size()) ++at;  // `]`; an open class ends with the glob
        return hit != negated;
    }
    if (glob[at] == '\\' && at + 1 < glob.size()) ++at;
    return static_cast<unsigned char>(glob[at++]) == c;
}

}  // namespace

bool redis_glob_match(std::string_view glob, std::string_view text) noexcept {
    std::size_t g = 0, t = 0, star = std::string_view::npos, resume = 0;
    while (t < text.size()) {
        if (g < glob.size() && glob[g] == '*') {
            star = ++g;
            resume = t;
            continue;
        }
        if (g < glob.size()) {
            std::size_t next = g;
            if (match_element(glob, next, static_cast<unsigned char>(text[t]))) {
                g = next;
                ++t;
                continue;
            }
        }
        if (star == std::string_view::npos) return false;
        g = star;
        t = ++resume;
    }
    while (g < glob.size() && glob[g] == '*') ++g;
    return g == glob.size();
}

}  // namespace larder
