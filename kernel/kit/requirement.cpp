// kernel/kit/requirement.cpp -- the catalogue as a whole.
#include "kernel/kit/requirement.hpp"

#include <algorithm>

namespace larder::kit {

void violate(std::string text) { throw Violation{std::move(text)}; }
void require(bool holds, std::string_view otherwise) {
    if (!holds) violate(std::string(otherwise));
}
void skip(std::string why) { throw Skipped{std::move(why)}; }

std::vector<const Requirement*> requirements() {
    std::vector<const Requirement*> all;
    for (const auto part : {module_requirements(), store_requirements(), store_life_requirements(), compressor_requirements(),
                            source_requirements(), session_requirements(), exporter_requirements(), gateway_requirements()})
        for (const Requirement& one : part) all.push_back(&one);
    std::stable_sort(all.begin(), all.end(),
                     [](const Requirement* a, const Requirement* b) { return std::string_view(a->id) < std::string_view(b->id); });
    return all;
}

const Requirement* find_requirement(std::string_view id) {
    for (const Requirement* one : requirements())
        if (id == one->id) return one;
    return nullptr;
}

}  // namespace larder::kit
