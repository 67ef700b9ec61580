// dsl/outline.hpp -- what a policy text consists of: its items, by name, with the lines they take.
#pragma once

#include "dsl/ast.hpp"
#include "dsl/source.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace larder::dsl {

struct OutlineItem {
    enum class Kind : std::uint8_t {
        use, constant, profile, defaults, namespace_, rule, session, warm, alert, breaker, guard, test, guarantee
    };
    Kind kind = Kind::namespace_;
    std::string name;  // "menu.item" within menu is "item"; of a rule its head without `on`
    Span at;           // from its first word to its `}`, or to the end of its line
    Span name_at;      // within `at`
    std::vector<OutlineItem> children;  // nested namespaces, what a profile holds
};

// What did not parse is left out.
std::vector<OutlineItem> outline_of(const SourceMap& sources, const ast::Policy& tree);

}  // namespace larder::dsl
