// kernel/editor/analysis.hpp -- one policy as an editor needs it: checked, and with every name in place.
#pragma once

#include "dsl/compile.hpp"
#include "dsl/mentions.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace larder::editor {

// Of the state of the texts when it was made; holds all it points into. Immutable. [any thread]
struct Analysis {
    dsl::Compiled compiled;
    dsl::FileId file{};                  // the document it was made for
    std::vector<dsl::Mention> mentions;  // of all files, in the order of their offsets
    // The last state of the policy that had no errors, to say what names mean meanwhile; may be null.
    std::shared_ptr<const dsl::Policy> meaning;

    const dsl::SourceMap& sources() const { return *compiled.sources; }
    const dsl::Source& document() const { return sources().file(file); }
    // The name at this offset, or that ends there; null when there is none. Where two kinds of name
    // share a place, the one that is declared somewhere.
    const dsl::Mention* mention_at(std::uint32_t offset) const;
    // All that are the same thing.
    std::vector<const dsl::Mention*> all_of(const dsl::Mention& mention) const;
    bool is_declared(const dsl::Mention& mention) const;
};

// `paths` are the files of the policy, `document` the one that is edited, which is one of them or used
// by one. `options.read` gives the texts.
std::shared_ptr<const Analysis> analyse(const std::vector<std::string>& paths,
                                        const std::string& document,
                                        const dsl::CompileOptions& options);

}  // namespace larder::editor
