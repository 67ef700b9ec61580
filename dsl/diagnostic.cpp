// dsl/diagnostic.cpp -- what all renderings share, and the nearest known word.
#include "dsl/diagnostic.hpp"

#include <algorithm>
#include <array>

namespace larder::dsl {
namespace {

constexpr std::size_t longest_word = 64;

// Optimal string alignment: insertions, deletions, replacements, and neighbours changing places.
// REQUIRES: both words have at most longest_word bytes.
std::size_t distance(std::string_view a, std::string_view b) {
    std::array<std::array<std::size_t, longest_word + 1>, 3> rows{};
    auto* before_last = &rows[0];
    auto* last = &rows[1];
    auto* now = &rows[2];
    for (std::size_t j = 0; j <= b.size(); ++j) {
        (*last)[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        (*now)[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            (*now)[j] = std::min({(*last)[j] + 1, (*now)[j - 1] + 1, (*last)[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                (*now)[j] = std::min((*now)[j], (*before_last)[j - 2] + 1);
            }
        }
        std::swap(before_last, last);
        std::swap(last, now);
    }
    return (*last)[b.size()];
}

}  // namespace

std::string_view name_of(Severity severity) {
    switch (severity) {
        case Severity::error:
            return "error";
        case Severity::warning:
            return "warning";
        case Severity::note:
            break;
    }
    return "note";
}

bool has_errors(std::span<const Diagnostic> found) {
    return std::any_of(found.begin(), found.end(),
                       [](const Diagnostic& d) { return d.severity == Severity::error; });
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates,
                         std::size_t most_steps) {
    if (word.empty() || word.size() > longest_word) {
        return {};
    }
    std::string_view best;
    const std::size_t enough = word.size() <= 2 ? 1 : word.size() <= 5 ? 2 : 3;
    std::size_t least = std::min(enough, most_steps) + 1;
    for (const std::string_view candidate : candidates) {
        if (candidate == word || candidate.size() > longest_word) {
            continue;
        }
        const std::size_t steps = distance(word, candidate);
        // A word of which nothing is left is not meant.
        if (steps < least && steps < std::max(word.size(), candidate.size())) {
            least = steps;
            best = candidate;
        }
    }
    return best;
}

std::string_view only_nearest(std::string_view word, std::span<const std::string_view> candidates) {
    const std::string_view best = nearest(word, candidates);
    if (best.empty()) return {};
    std::vector<std::string_view> others;
    for (const std::string_view candidate : candidates)
        if (candidate != best) others.push_back(candidate);
    // A single step leaves little doubt while no other word is as near.
    const std::size_t doubtful = distance(word, best) == 1 ? 1 : longest_word;
    return nearest(word, others, doubtful).empty() ? best : std::string_view{};
}

}  // namespace larder::dsl
