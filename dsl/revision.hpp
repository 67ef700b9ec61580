// dsl/revision.hpp -- one policy text changed in one place, by what is meant and not by line.
//
// What is not changed keeps its bytes, comments included. Nothing is judged here: the new text may be a
// policy that does not compile, and whoever offers it to a person compiles it first.
#pragma once

#include "dsl/parser.hpp"
#include "dsl/source.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace larder::dsl {

// Each answer is the whole new text; nullopt: the text has no such place, or it is not of that shape.
class Revision {
  public:
    Revision(std::string name, std::string text);

    // The plain `ttl` of a namespace, "menu.item", declared in this text, becomes `12m`: the time alone is replaced, of
    // `env X or 3m` what follows `or`. A namespace that inherits its ttl gets a clause of its own.
    std::optional<std::string> with_ttl(std::string_view space, std::string_view ttl) const;
    // `jitter 10%` behind its plain ttl, which has none.
    std::optional<std::string> with_jitter(std::string_view space, unsigned percent) const;
    // One more clause, `stale 30s while revalidating`, below its others.
    std::optional<std::string> with_clause(std::string_view space, std::string_view clause) const;
    // Another target in the place of the whole namespace that stands at this line and column (Change::where).
    std::optional<std::string> with_target(std::size_t line, std::size_t column, std::string_view target) const;

  private:
    const ast::Namespace* find(std::string_view space) const;
    std::string replaced(Span at, std::string_view with) const;

    SourceMap sources_;
    FileId file_;
    Parsed parsed_;
};

}  // namespace larder::dsl
